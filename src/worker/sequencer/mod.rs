//! The sequencer: gives the audit log's records their places in the tree, and has the token sign how
//! far it has come. Every gateway runs one; whoever has the lock of the tree's row does the work.
//!
//! - `placing`: records become leaves, in one transaction with the tree's hashes;
//! - `signing`: when a checkpoint is due, and where it goes;
//! - `checkpoint`: what is signed goes on from what was signed before;
//! - `anchor`: the newest checkpoint on the token itself;
//! - `witness`: others who sign it, too;
//! - `resumed`: the log says itself where a restore has cut it off.

mod anchor;
mod checkpoint;
mod metrics;
mod placing;
mod resumed;
mod signing;
mod witness;

pub use metrics::SequencerMetrics;
pub use placing::{Placed, place};
pub use witness::WitnessSettings;

use super::Notices;
use super::retry::{AFTER_FAILURE, Complaints, pause_for};
use crate::Error;
use crate::operation::Context;
use crate::store::AuditFigures;
use metrics::Task;
use signing::Signing;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

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
    let (sees, seen) = watch::channel(None);
    let signing = Signing::new(&cx, settings, notices, &metrics, seen);
    // Whoever waits for the token or a witness keeps no record waiting for its place.
    tokio::join!(
        place_all(&cx, every, &metrics, &sees, stop.clone()),
        signing.run(stop)
    );
}

async fn place_all(
    cx: &Context,
    every: Duration,
    metrics: &SequencerMetrics,
    sees: &watch::Sender<Option<AuditFigures>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut complaints = Complaints::default();
    let mut stopped = *stop.borrow();
    while !stopped {
        let begun = Instant::now();
        // Half of the time at most, and half of the database's attention, also with millions to do.
        let pause = match place_some(cx, metrics, sees).await {
            Ok(true) => begun.elapsed().min(AFTER_FAILURE),
            Ok(false) => every,
            Err(error) => {
                metrics.failed(Task::Place);
                complaints.add(Task::Place, &error)
            }
        };
        stopped = pause_for(pause, &mut stop).await;
    }
}

/// Whether there is more to do at once.
async fn place_some(
    cx: &Context,
    metrics: &SequencerMetrics,
    sees: &watch::Sender<Option<AuditFigures>>,
) -> Result<bool, Error> {
    let figures = cx.store.audit_figures().await?;
    metrics.stands(&figures);
    sees.send_replace(Some(figures));
    if !figures.unsettled {
        return Ok(false);
    }
    let placed = place(&cx.store).await?;
    metrics
        .placed
        .inc_by(placed.map_or(0, |placed| placed.records));
    Ok(placed.is_some_and(|placed| placed.more))
}
