//! What loops over the audit log share: pauses that the gateway's end cuts short, and failures of which
//! the log is not told every time.

use crate::Error;
use std::fmt::Display;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// After something failed, until it is tried again.
pub(super) const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often the log is told that something fails.
const COMPLAINT: Duration = Duration::from_secs(60);

/// Waits for so long, or until `stop` turns true; answers whether it has.
pub(super) async fn pause_for(pause: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => false,
        _ = stop.wait_for(|stop| *stop) => true,
    }
}

/// When the log was last told that something fails.
#[derive(Default)]
pub(super) struct Complaints(Option<Instant>);

impl Complaints {
    /// Tells it, unless it was told lately; answers how long to wait before it is tried again.
    pub(super) fn add(&mut self, what: impl Display, error: &Error) -> Duration {
        if self.0.is_none_or(|at| at.elapsed() >= COMPLAINT) {
            self.0 = Some(Instant::now());
            log::warn!("audit log: {what}: {error}");
        }
        AFTER_FAILURE
    }
}
