//! Writes down when keys were last used.

use crate::operation::Context;
use std::time::Duration;
use tokio::sync::watch;

/// How long a use may be known to its gateway alone.
const EVERY: Duration = Duration::from_secs(5);

/// Runs until `stop` turns true, and once more then.
pub(super) async fn write(cx: &Context, mut stop: watch::Receiver<bool>) {
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = cx.store.uses_fill_up() => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        if let Err(error) = cx.store.write_uses().await {
            log::warn!("worker: last uses of keys: {error}");
        }
        if stopped {
            return;
        }
    }
}
