//! What happens without a request: keys whose time has come are destroyed or rotated, and what a
//! crash left half done between token and database is finished or undone; the tokens of custom key
//! stores are opened and closed.

mod approvals;
mod deletion;
mod import_expiry;
mod intents;
pub mod key_stores;
mod rotation;
mod usage;

use crate::operation::Context;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How far the gateway's clock may be from the database's, and may move against the machine's
/// monotonic clock between two rounds, before nothing is destroyed or rotated by date any more.
const CLOCK_TOLERANCE: time::Duration = time::Duration::seconds(60);

/// Runs until `stop` turns true; a round every `every`.
pub async fn run(cx: Arc<Context>, every: Duration, stop: watch::Receiver<bool>) {
    tokio::join!(rounds(&cx, every, stop.clone()), usage::write(&cx, stop),);
}

async fn rounds(cx: &Arc<Context>, every: Duration, mut stop: watch::Receiver<bool>) {
    let mut clock = ClockWatch::new(cx);
    loop {
        if let Err(error) = intents::resume(cx).await {
            log::warn!("worker: intents: {error}");
        }
        if let Err(error) = rotation::rotate_worn(cx).await {
            log::warn!("worker: rotation of worn keys: {error}");
        }
        cx.quota.shrink();
        if let Err(error) = approvals::forget(cx).await {
            log::warn!("worker: approval requests: {error}");
        }
        match clock.agrees(cx).await {
            Ok(true) => {
                if let Err(error) = deletion::destroy_due(cx).await {
                    log::warn!("worker: deletion: {error}");
                }
                if let Err(error) = import_expiry::delete_due(cx).await {
                    log::warn!("worker: import expiry: {error}");
                }
                if let Err(error) = rotation::rotate_due(cx).await {
                    log::warn!("worker: rotation: {error}");
                }
            }
            Ok(false) => {}
            Err(error) => log::warn!("worker: the database's clock: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Notices a clock that jumps. Once it has, nothing is destroyed (or rotated by date) until an
/// operator restarts the gateway: a key destroyed too early is lost for good.
struct ClockWatch {
    wall: time::OffsetDateTime,
    monotonic: Instant,
    halted: bool,
}

impl ClockWatch {
    fn new(cx: &Context) -> Self {
        Self {
            wall: cx.clock.now(),
            monotonic: Instant::now(),
            halted: false,
        }
    }

    async fn agrees(&mut self, cx: &Context) -> Result<bool, crate::Error> {
        let (wall, monotonic) = (cx.clock.now(), Instant::now());
        let drift = (wall - self.wall) - (monotonic - self.monotonic);
        if drift.abs() > CLOCK_TOLERANCE && !self.halted {
            self.halted = true;
            log::error!(
                "ALERT worker: the clock jumped by {drift}: no key is destroyed until the gateway is restarted"
            );
        }
        (self.wall, self.monotonic) = (wall, monotonic);
        let apart = wall - cx.store.now().await?;
        if apart.abs() > CLOCK_TOLERANCE {
            log::error!(
                "ALERT worker: this clock and the database's are {apart} apart: no key is destroyed"
            );
        }
        Ok(!self.halted && apart.abs() <= CLOCK_TOLERANCE)
    }
}
