//! What happens without a request: keys whose time has come are destroyed or rotated, and what a
//! crash left half done between token and database is finished or undone; the tokens of custom key
//! stores are opened and closed.

mod approvals;
mod deletion;
pub mod forwarding;
mod import_expiry;
mod intents;
mod key_scan;
pub mod key_stores;
mod metrics;
mod notices;
mod retry;
mod rotation;
pub mod sequencer;
mod usage;

pub use metrics::WorkerMetrics;
pub use notices::Notices;

use crate::operation::Context;
use metrics::Task;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How far the gateway's clock may be from the database's, and may move against the machine's
/// monotonic clock between two rounds, before nothing is destroyed or rotated by date any more.
const CLOCK_TOLERANCE: time::Duration = time::Duration::seconds(60);

/// Runs until `stop` turns true; a round every `every`.
pub async fn run(
    cx: Arc<Context>,
    every: Duration,
    metrics: WorkerMetrics,
    stop: watch::Receiver<bool>,
) {
    let rounds = rounds(&cx, every, metrics, stop.clone());
    tokio::join!(rounds, usage::write(&cx, stop));
}

async fn rounds(
    cx: &Arc<Context>,
    every: Duration,
    mut metrics: WorkerMetrics,
    mut stop: watch::Receiver<bool>,
) {
    let mut clock = ClockWatch::new(cx);
    loop {
        metrics.done(Task::Intents, intents::resume(cx).await);
        metrics.done(Task::WornKeys, rotation::rotate_worn(cx).await);
        metrics.done(Task::Approvals, approvals::forget(cx).await);
        metrics.done(Task::KeyScan, key_scan::scan(cx).await);
        cx.quota.shrink();
        match clock.agrees(cx, &metrics).await {
            Ok(true) => {
                metrics.done(Task::Deletion, deletion::destroy_due(cx).await);
                metrics.done(Task::ImportExpiry, import_expiry::delete_due(cx).await);
                metrics.done(Task::Rotation, rotation::rotate_due(cx).await);
            }
            Ok(false) => {}
            Err(error) => metrics.done(Task::Clock, Err(error)),
        }
        let figures = metrics.update(cx).await;
        metrics.done(Task::Figures, figures);
        metrics
            .last_round
            .set(cx.clock.now().unix_timestamp() as f64);
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

    async fn agrees(
        &mut self,
        cx: &Context,
        metrics: &WorkerMetrics,
    ) -> Result<bool, crate::Error> {
        let (wall, monotonic) = (cx.clock.now(), Instant::now());
        let drift = (wall - self.wall) - (monotonic - self.monotonic);
        if drift.abs() > CLOCK_TOLERANCE && !self.halted {
            self.halted = true;
            metrics.clock_jumped.set(1.0);
            log::error!(
                "ALERT worker: the clock jumped by {drift}: no key is destroyed until the gateway is restarted"
            );
        }
        (self.wall, self.monotonic) = (wall, monotonic);
        let apart = wall - cx.store.now().await?;
        metrics.clock_offset.set(apart.as_seconds_f64());
        if apart.abs() > CLOCK_TOLERANCE {
            log::error!(
                "ALERT worker: this clock and the database's are {apart} apart: no key is destroyed"
            );
        }
        Ok(!self.halted && apart.abs() <= CLOCK_TOLERANCE)
    }
}
