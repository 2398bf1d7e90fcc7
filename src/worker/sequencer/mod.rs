//! The sequencer: gives the audit log's records their places in the tree, and has the token sign how
//! far it has come. Every gateway runs one; whoever has the lock of the tree's row does the work.
//!
//! - `placing`: records become leaves, in one transaction with the tree's hashes;
//! - `checkpoint`: what is signed goes on from what was signed before;
//! - `anchor`: the newest checkpoint on the token itself.

mod anchor;
mod checkpoint;
mod metrics;
mod placing;

pub use metrics::SequencerMetrics;
pub use placing::{Placed, place};

use super::Notices;
use crate::Error;
use crate::operation::Context;
use crate::store::AuditFigures;
use anchor::Anchor;
use checkpoint::Signed;
use metrics::Task;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Between two rounds, where there is little to do.
const EVERY: Duration = Duration::from_millis(300);
/// After something failed, until it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often the log is told that something fails.
const COMPLAINT: Duration = Duration::from_secs(60);
/// What readiness calls it.
const ABOUT: &str = "audit";

/// When checkpoints are made, and where they go.
#[derive(Debug, Clone)]
pub struct SequencerSettings {
    /// A checkpoint after so long, if there are new records.
    pub checkpoint_after: Duration,
    /// And after so many records.
    pub checkpoint_records: u64,
    /// How often the newest one is put on the token; `None` for never.
    pub token_anchor_every: Option<Duration>,
    /// The log may have lost its end: it goes on from where it is, whatever the token has.
    pub restored: bool,
}

/// Runs until `stop` turns true, and once more then.
pub async fn run(
    cx: Arc<Context>,
    settings: SequencerSettings,
    notices: Notices,
    metrics: SequencerMetrics,
    mut stop: watch::Receiver<bool>,
) {
    let anchor = settings.token_anchor_every;
    let mut sequencer = Sequencer {
        anchor: anchor.map(|every| Anchor::new(&cx, every)),
        restored: settings.restored,
        cx,
        settings,
        notices,
        metrics,
        known: None,
        failed: None,
        complained: None,
    };
    loop {
        let last = *stop.borrow();
        let begun = Instant::now();
        let busy = sequencer.round(last).await;
        if last {
            return;
        }
        // Half of the time at most, and half of the database's attention, also with millions to do.
        let pause = match busy {
            true => begun.elapsed().min(AFTER_FAILURE),
            false => EVERY,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

struct Sequencer {
    cx: Arc<Context>,
    settings: SequencerSettings,
    notices: Notices,
    metrics: SequencerMetrics,
    anchor: Option<Anchor>,
    /// Not yet settled what the token has against what there is.
    restored: bool,
    /// The largest checkpoint that is known to be genuine.
    known: Option<Signed>,
    /// When something failed last, and when the log was told of such a thing.
    failed: Option<Instant>,
    complained: Option<Instant>,
}

impl Sequencer {
    /// Whether there is more to do at once.
    async fn round(&mut self, last: bool) -> bool {
        let placed = self.place().await;
        let (busy, figures) = match placed {
            Ok(placed) => placed,
            Err(error) => {
                self.failed(Task::Place, &error);
                return false;
            }
        };
        let failed = self.failed.is_some_and(|at| at.elapsed() < AFTER_FAILURE);
        if failed && !last {
            return busy;
        }
        if let Err(error) = self.read_anchor().await {
            // What the token has signed before is not known: nothing is signed on top of it.
            self.failed(Task::Anchor, &error);
            return busy;
        }
        if let Err(error) = self.sign(&figures, last).await {
            self.failed(Task::Checkpoint, &error);
        }
        if let Err(error) = self.write_anchor(last).await {
            self.failed(Task::Anchor, &error);
        }
        busy
    }

    fn failed(&mut self, task: Task, error: &Error) {
        self.metrics.failed(task);
        let now = Instant::now();
        self.failed = Some(now);
        if self.complained.is_none_or(|at| at.elapsed() >= COMPLAINT) {
            self.complained = Some(now);
            log::warn!("audit log: {}: {error}", task.name());
        }
    }

    async fn place(&self) -> Result<(bool, AuditFigures), Error> {
        let store = &self.cx.store;
        let before = store.audit_figures().await?;
        self.metrics.stands(&before);
        if !before.unsettled {
            return Ok((false, before));
        }
        match placing::place(store).await? {
            Some(placed) => {
                self.metrics.placed.inc_by(placed.records);
                let figures = store.audit_figures().await?;
                self.metrics.stands(&figures);
                Ok((placed.more, figures))
            }
            None => Ok((false, before)),
        }
    }

    /// Sees what the token has, now and then; the database may have been exchanged meanwhile.
    async fn read_anchor(&mut self) -> Result<(), Error> {
        let Some(anchor) = self.anchor.as_mut().filter(|anchor| anchor.is_due()) else {
            return Ok(());
        };
        let read = anchor.read(&self.cx).await?;
        if self.restored {
            // Later than the anchor: another gateway may have gone on.
            let size = self.cx.store.audit_figures().await?.size;
            let breach = match &read {
                Some(signed) => signed.breach(&self.cx.store, size).await?,
                None => None,
            };
            self.restored = false;
            if let Some(breach) = breach {
                log::warn!("audit log: {breach}; it goes on from there, as [audit] restored says");
                anchor.give_up();
                return Ok(());
            }
        }
        let size = |signed: &Option<Signed>| signed.as_ref().map_or(0, |s| s.checkpoint.size);
        if size(&read) > size(&self.known) {
            self.known = read;
        }
        Ok(())
    }

    /// Signs a checkpoint, if it is time for one.
    async fn sign(&mut self, figures: &AuditFigures, last: bool) -> Result<(), Error> {
        let cx = &*self.cx;
        // The tree may have grown since, also by the hand that made the anchor.
        let size = match &self.known {
            Some(known) if known.checkpoint.size > figures.size => {
                cx.store.audit_figures().await?.size
            }
            _ => figures.size,
        };
        let due = self.settings.is_due(figures, last);
        let cut_off = self
            .known
            .as_ref()
            .is_some_and(|known| known.checkpoint.size > size);
        if !due && !cut_off {
            return Ok(());
        }
        let breach = match &self.known {
            Some(known) => known.breach(&cx.store, size).await?,
            None => None,
        };
        self.metrics
            .breached
            .set(f64::from(u8::from(breach.is_some())));
        let said = breach.map(|breach| breach.to_string());
        if self.notices.set(ABOUT, said.clone())
            && let Some(said) = &said
        {
            log::error!(
                "ALERT audit log: {said}. No checkpoint is made: see docs/audit-anchors.md"
            );
        }
        if said.is_some() {
            return Ok(());
        }
        let signed = Signed::make(cx, size).await?;
        let inserted = cx
            .store
            .insert_checkpoint(size, &signed.note, figures.signed);
        if inserted.await? {
            self.metrics.checkpoints.inc();
            self.known = Some(signed);
        }
        Ok(())
    }

    async fn write_anchor(&mut self, last: bool) -> Result<(), Error> {
        let Some((anchor, known)) = self.anchor.as_mut().zip(self.known.as_ref()) else {
            return Ok(());
        };
        anchor.write(&self.cx, known, last).await?;
        self.metrics.anchored.set(anchor.size() as f64);
        Ok(())
    }
}

impl SequencerSettings {
    /// Whether a checkpoint is due; `last` of a gateway that stops.
    fn is_due(&self, figures: &AuditFigures, last: bool) -> bool {
        let new = figures.size.saturating_sub(figures.signed);
        // A clock that was set back makes the age of the last one negative.
        let old = figures
            .signed_seconds
            .is_none_or(|age| !(0.0..self.checkpoint_after.as_secs_f64()).contains(&age));
        new > 0 && (old || last || new >= self.checkpoint_records)
    }
}
