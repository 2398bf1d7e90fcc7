//! When a checkpoint is due, what must hold before it is signed, and where it goes.

use super::anchor::Anchor;
use super::checkpoint::{Head, Signed};
use super::metrics::Task;
use super::witness::Witness;
use super::{Complaints, Notices, SequencerMetrics, SequencerSettings, pause_for, place, resumed};
use crate::Error;
use crate::audit::{Note, Signature};
use crate::operation::Context;
use crate::store::AuditFigures;
use futures_util::future::join_all;
use std::time::Duration;
use tokio::sync::watch;

/// What readiness calls it.
const ABOUT: &str = "audit";

pub(super) struct Signing<'c> {
    cx: &'c Context,
    settings: SequencerSettings,
    notices: Notices,
    metrics: &'c SequencerMetrics,
    anchor: Option<Anchor>,
    witnesses: Vec<Witness>,
    /// The token's anchor has not been seen yet by an operator's word.
    restored: bool,
    /// The largest checkpoint that is known to be genuine.
    known: Option<Signed>,
    /// How the log stood when the placing last looked.
    seen: watch::Receiver<Option<AuditFigures>>,
}

impl<'c> Signing<'c> {
    pub(super) fn new(
        cx: &'c Context,
        settings: SequencerSettings,
        notices: Notices,
        metrics: &'c SequencerMetrics,
        seen: watch::Receiver<Option<AuditFigures>>,
    ) -> Self {
        let anchor = settings.token_anchor_every;
        let witnesses = settings.witnesses.iter().cloned();
        for witness in &settings.witnesses {
            metrics.witness(&witness.name, 0, 0);
        }
        Self {
            cx,
            notices,
            metrics,
            anchor: anchor.map(|every| Anchor::new(cx, every)),
            witnesses: witnesses.map(Witness::new).collect(),
            restored: settings.restored,
            known: None,
            seen,
            settings,
        }
    }

    /// Until `stop` turns true, and once more then.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut complaints = Complaints::default();
        loop {
            let last = *stop.borrow();
            let pause = match self.round(last).await {
                Ok(()) => self.settings.every,
                Err((task, error)) => {
                    self.metrics.failed(task);
                    complaints.add(task, &error)
                }
            };
            if last {
                return;
            }
            pause_for(pause, &mut stop).await;
        }
    }

    async fn round(&mut self, last: bool) -> Result<(), (Task, Error)> {
        if last {
            // What was answered since the last round.
            let placed = place(&self.cx.store).await;
            placed.map_err(|error| (Task::Place, error))?;
        }
        // Before what the token has signed is known, nothing is signed on top of it.
        let read = self.read_anchor().await;
        let read = read.map_err(|error| (Task::Anchor, error))?;
        if read || last || self.may_sign() {
            let signed = self.sign(last).await;
            signed.map_err(|error| (Task::Checkpoint, error))?;
        }
        let anchored = self.write_anchor(last).await;
        anchored.map_err(|error| (Task::Anchor, error))
    }

    /// Sees what the token has, now and then; the database may have been exchanged meanwhile. Answers
    /// whether it did.
    async fn read_anchor(&mut self) -> Result<bool, Error> {
        let Some(anchor) = self.anchor.as_mut().filter(|anchor| anchor.is_due()) else {
            return Ok(false);
        };
        let read = anchor.read(self.cx).await?;
        if self.restored {
            // Later than the anchor: another gateway may have gone on.
            let size = self.cx.store.audit_figures().await?.size;
            let head = Head::read(&self.cx.store, size).await?;
            let breach = match &read {
                Some(signed) => signed.breach(&self.cx.store, head).await?,
                None => None,
            };
            if let (Some(breach), Some(signed)) = (breach, &read) {
                resumed::record(self.cx, signed, size).await?;
                self.restored = false;
                log::warn!("audit log: {breach}; it goes on from there, as [audit] restored says");
                anchor.give_up();
                return Ok(true);
            }
            self.restored = false;
        }
        if size(&read) > size(&self.known) {
            self.known = read;
        }
        Ok(true)
    }

    /// Whether there may be something to sign, or to say, by what the placing has seen: most rounds have
    /// nothing, and need not ask the database.
    fn may_sign(&self) -> bool {
        let seen = *self.seen.borrow();
        !seen.is_some_and(|seen| self.has_nothing(&seen, self.settings.is_due(&seen, false)))
    }

    /// Whether, with a checkpoint due or not, there is none to make and no breach to look for.
    fn has_nothing(&self, figures: &AuditFigures, due: bool) -> bool {
        !due && figures.size >= size(&self.known)
    }

    /// Signs a checkpoint, if it is time for one.
    async fn sign(&mut self, last: bool) -> Result<(), Error> {
        // After the anchor was read: what it covers was there then.
        let figures = self.cx.store.audit_figures().await?;
        let due = self.settings.is_due(&figures, last);
        if self.has_nothing(&figures, due) {
            return Ok(());
        }
        let store = &self.cx.store;
        let head = Head::read(store, figures.size).await?;
        if self.is_breached(head).await? || !due {
            return Ok(());
        }
        let signed = Signed::make(self.cx, head).await?;
        // From now on the log has to go on from here: what becomes of the note is the database's to say.
        self.known = Some(signed.clone());
        let note = self.cosigned(&signed).await?;
        if store
            .insert_checkpoint(figures.size, &note, figures.signed)
            .await?
        {
            self.metrics.checkpoints.inc();
        }
        Ok(())
    }

    /// Whether the log is not the one that was signed before; says so.
    async fn is_breached(&self, head: Head) -> Result<bool, Error> {
        let breach = match &self.known {
            Some(known) => known.breach(&self.cx.store, head).await?,
            None => None,
        };
        let said = breach.map(|breach| breach.to_string());
        self.metrics
            .breached
            .set(f64::from(u8::from(said.is_some())));
        if self.notices.set(ABOUT, said.clone())
            && let Some(said) = &said
        {
            log::error!(
                "ALERT audit log: {said}. No checkpoint is made: see docs/audit-anchors.md"
            );
        }
        Ok(said.is_some())
    }

    /// The note with the cosignatures of the witnesses that answer.
    async fn cosigned(&mut self, signed: &Signed) -> Result<String, Error> {
        let (cx, metrics) = (self.cx, self.metrics);
        let asked = self.witnesses.iter_mut().map(|witness| async move {
            match witness.cosign(cx, signed).await {
                Ok(cosignatures) => {
                    metrics.witness(witness.name(), cosignatures.len(), 0);
                    cosignatures
                }
                Err(error) => {
                    metrics.witness(witness.name(), 0, 1);
                    log::warn!("audit log: the witness {}: {error}", witness.name());
                    Vec::new()
                }
            }
        });
        let cosignatures = join_all(asked).await.into_iter().flatten();
        let note = Note::parse(&signed.note).map_err(Error::internal)?;
        let note = cosignatures.fold(note, |note, signature: Signature| note.signed(signature));
        Ok(note.to_string())
    }

    async fn write_anchor(&mut self, last: bool) -> Result<(), Error> {
        let Some((anchor, known)) = self.anchor.as_mut().zip(self.known.as_ref()) else {
            return Ok(());
        };
        anchor.write(self.cx, known, last).await?;
        self.metrics.anchored.set(anchor.size() as f64);
        Ok(())
    }
}

/// Leaves that a checkpoint covers.
fn size(signed: &Option<Signed>) -> u64 {
    signed.as_ref().map_or(0, |signed| signed.checkpoint.size)
}

impl SequencerSettings {
    /// Whether a checkpoint is due; `last` of a gateway that stops.
    fn is_due(&self, figures: &AuditFigures, last: bool) -> bool {
        let new = figures.size.saturating_sub(figures.signed);
        let after: Duration = self.checkpoint_after;
        // A clock that was set back makes the age of the last one negative.
        let old = figures
            .signed_seconds
            .is_none_or(|age| !(0.0..after.as_secs_f64()).contains(&age));
        new > 0 && (old || last || new >= self.checkpoint_records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_due_where_there_is_something_new() {
        let settings = SequencerSettings {
            every: Duration::from_millis(300),
            checkpoint_after: Duration::from_secs(60),
            checkpoint_records: 100,
            token_anchor_every: None,
            restored: false,
            witnesses: Vec::new(),
        };
        let due = |size, signed, signed_seconds, last| {
            let figures = AuditFigures {
                size,
                unsettled: false,
                waiting: 0,
                waiting_seconds: None,
                signed,
                signed_seconds,
                unsigned_seconds: None,
            };
            settings.is_due(&figures, last)
        };
        assert!(!due(0, 0, None, true));
        assert!(due(1, 0, None, false));
        assert!(!due(10, 10, Some(1e9), true));
        assert!(!due(11, 10, Some(59.0), false));
        assert!(due(11, 10, Some(59.0), true));
        assert!(due(11, 10, Some(60.0), false));
        assert!(due(11, 10, Some(-1.0), false), "the clock was set back");
        assert!(due(110, 10, Some(1.0), false));
    }
}
