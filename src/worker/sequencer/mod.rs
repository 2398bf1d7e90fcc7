//! The sequencer: gives the audit log's records their places in the tree, and has the token sign how
//! far it has come. Every gateway runs one; whoever has the lock of the tree's row does the work.
//!
//! - `placing`: records become leaves, in one transaction with the tree's hashes;
//! - `signing`: when a checkpoint is due, and where it goes;
//! - `checkpoint`: what is signed goes on from what was signed before;
//! - `anchor`: the newest checkpoint on the token itself;
//! - `witness`: others who sign it, too.

mod anchor;
mod checkpoint;
mod metrics;
mod placing;
mod signing;
mod witness;

pub use metrics::SequencerMetrics;
pub use placing::{Placed, place};
pub use witness::WitnessSettings;

use super::Notices;
use crate::Error;
use crate::operation::Context;
use metrics::Task;
use signing::Signing;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// After something failed, until it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often the log is told that something fails.
const COMPLAINT: Duration = Duration::from_secs(60);

/// When checkpoints are made, and where they go.
#[derive(Debug, Clone)]
pub struct SequencerSettings {
    /// The pause between two rounds, where there is little to do.
    pub every: Duration,
    /// A checkpoint after so long, if there are new records.
    pub checkpoint_after: Duration,
    /// And after so many records.
    pub checkpoint_records: u64,
    /// How often the newest one is put on the token; `None` for never.
    pub token_anchor_every: Option<Duration>,
    /// The log may have lost its end: it goes on from where it is, whatever the token has.
    pub restored: bool,
    /// Who signs them, too.
    pub witnesses: Vec<WitnessSettings>,
}

/// Runs until `stop` turns true, and once more then.
pub async fn run(
    cx: Arc<Context>,
    settings: SequencerSettings,
    notices: Notices,
    metrics: SequencerMetrics,
    stop: watch::Receiver<bool>,
) {
    let every = settings.every;
    let signing = Signing::new(&cx, settings, notices, &metrics);
    // Whoever waits for the token or a witness keeps no record waiting for its place.
    tokio::join!(
        place_all(&cx, every, &metrics, stop.clone()),
        signing.run(stop)
    );
}

async fn place_all(
    cx: &Context,
    every: Duration,
    metrics: &SequencerMetrics,
    mut stop: watch::Receiver<bool>,
) {
    let mut complaints = Complaints::new(metrics);
    while !*stop.borrow() {
        let begun = Instant::now();
        // Half of the time at most, and half of the database's attention, also with millions to do.
        let pause = match place_some(cx, metrics).await {
            Ok(true) => begun.elapsed().min(AFTER_FAILURE),
            Ok(false) => every,
            Err(error) => complaints.add(Task::Place, &error),
        };
        pause_for(pause, &mut stop).await;
    }
}

/// Whether there is more to do at once.
async fn place_some(cx: &Context, metrics: &SequencerMetrics) -> Result<bool, Error> {
    let figures = cx.store.audit_figures().await?;
    metrics.stands(&figures);
    if !figures.unsettled {
        return Ok(false);
    }
    let placed = place(&cx.store).await?;
    metrics
        .placed
        .inc_by(placed.map_or(0, |placed| placed.records));
    Ok(placed.is_some_and(|placed| placed.more))
}

async fn pause_for(pause: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// What fails, for metrics and log, which is not told every time.
struct Complaints<'m> {
    metrics: &'m SequencerMetrics,
    said: Option<Instant>,
}

impl<'m> Complaints<'m> {
    fn new(metrics: &'m SequencerMetrics) -> Self {
        Self {
            metrics,
            said: None,
        }
    }

    /// Answers how long to wait before it is tried again.
    fn add(&mut self, task: Task, error: &Error) -> Duration {
        self.metrics.failed(task);
        if self.said.is_none_or(|at| at.elapsed() >= COMPLAINT) {
            self.said = Some(Instant::now());
            log::warn!("audit log: {}: {error}", task.name());
        }
        AFTER_FAILURE
    }
}
