//! How far each destination has come.

use crate::metrics::{Gauge, GaugeVec, IntCounter, IntCounterVec, Metrics};

const LABEL: &str = "destination";

/// The metrics of all destinations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ForwardMetrics {
    behind: GaugeVec,
    forwarded: IntCounterVec,
    failures: IntCounterVec,
}

/// Those of one.
pub(super) struct Counts {
    pub(super) behind: Gauge,
    pub(super) forwarded: IntCounter,
    pub(super) failures: IntCounter,
}

impl ForwardMetrics {
    /// Made part of a set.
    pub fn new(set: &Metrics) -> Self {
        Self {
            behind: set.gauge_vec(
                "strongroom_audit_forward_behind_records",
                "Leaves that a destination is behind the log, or its newest checkpoint.",
                &[LABEL],
            ),
            forwarded: set.counter_vec(
                "strongroom_audit_forwarded_total",
                "What this gateway has forwarded to it.",
                &[LABEL],
            ),
            failures: set.counter_vec(
                "strongroom_audit_forward_failures_total",
                "Attempts that failed.",
                &[LABEL],
            ),
        }
    }

    pub(super) fn of(&self, destination: &str) -> Counts {
        let label = [destination];
        Counts {
            behind: self.behind.with_label_values(&label),
            forwarded: self.forwarded.with_label_values(&label),
            failures: self.failures.with_label_values(&label),
        }
    }
}
