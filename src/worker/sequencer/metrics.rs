//! How the audit log's tree stands, as every gateway of the deployment sees it, and what this one did.

use crate::metrics::{Gauge, IntCounter, IntCounterVec, Metrics};
use crate::store::AuditFigures;

/// What can fail.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    Place,
    Checkpoint,
    Anchor,
}

impl Task {
    const ALL: [Self; 3] = [Self::Place, Self::Checkpoint, Self::Anchor];

    /// Its name, in the metrics and in the log.
    const fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Checkpoint => "checkpoint",
            Self::Anchor => "anchor",
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The metrics of the sequencer.
pub struct SequencerMetrics {
    size: Gauge,
    waiting: Gauge,
    waiting_seconds: Gauge,
    signed: Gauge,
    unsigned_seconds: Gauge,
    pub(super) anchored: Gauge,
    pub(super) breached: Gauge,
    pub(super) placed: IntCounter,
    pub(super) checkpoints: IntCounter,
    cosignatures: IntCounterVec,
    witness_failures: IntCounterVec,
    failures: [IntCounter; Task::ALL.len()],
}

impl SequencerMetrics {
    /// Made part of a set.
    pub fn new(set: &Metrics) -> Self {
        Self {
            size: set.gauge(
                "strongroom_audit_tree_size",
                "Records that have a leaf in the audit log's tree.",
            ),
            waiting: set.gauge(
                "strongroom_audit_unsequenced_records",
                "Records that have none yet, about.",
            ),
            waiting_seconds: set.gauge(
                "strongroom_audit_unsequenced_age_seconds",
                "The age of the oldest of them; 0 without any.",
            ),
            signed: set.gauge(
                "strongroom_audit_checkpoint_size",
                "Leaves that the newest checkpoint covers.",
            ),
            unsigned_seconds: set.gauge(
                "strongroom_audit_unsigned_age_seconds",
                "The age of the oldest leaf that no checkpoint covers; 0 without any.",
            ),
            anchored: set.gauge(
                "strongroom_audit_anchor_size",
                "Leaves that the newest checkpoint on the token covers, as this gateway last saw it.",
            ),
            breached: set.gauge(
                "strongroom_audit_log_breached",
                "1 if the audit log is not the one that the token has signed: cut off, or another.",
            ),
            placed: set.counter(
                "strongroom_audit_sequenced_records_total",
                "Records that this gateway gave a leaf.",
            ),
            checkpoints: set.counter(
                "strongroom_audit_checkpoints_total",
                "Checkpoints that this gateway made.",
            ),
            cosignatures: set.counter_vec(
                "strongroom_audit_cosignatures_total",
                "Cosignatures that a witness gave this gateway, and that verify.",
                &["witness"],
            ),
            witness_failures: set.counter_vec(
                "strongroom_audit_witness_failures_total",
                "Checkpoints that it did not cosign.",
                &["witness"],
            ),
            failures: set.counters(
                "strongroom_audit_sequencer_failures_total",
                "What the sequencer could not do.",
                "task",
                Task::ALL.map(Task::name),
            ),
        }
    }

    pub(super) fn stands(&self, figures: &AuditFigures) {
        self.size.set(figures.size as f64);
        self.waiting.set(figures.waiting as f64);
        self.waiting_seconds
            .set(figures.waiting_seconds.unwrap_or(0.0).max(0.0));
        self.signed.set(figures.signed as f64);
        self.unsigned_seconds
            .set(figures.unsigned_seconds.unwrap_or(0.0).max(0.0));
    }

    pub(super) fn witness(&self, name: &str, cosignatures: usize, failures: usize) {
        let add = |to: &IntCounterVec, many| to.with_label_values(&[name]).inc_by(many as u64);
        add(&self.cosignatures, cosignatures);
        add(&self.witness_failures, failures);
    }

    pub(super) fn failed(&self, task: Task) {
        self.failures[task as usize].inc();
    }
}
