//! What is counted at the group writers.

use crate::metrics::{Gauge, Histogram, IntCounter, Metrics};
use crate::store::Committed;

/// The metrics of the group writers.
pub(super) struct AuditMetrics {
    pub(super) set: Metrics,
    pub(super) group: Histogram,
    pub(super) commit: Histogram,
    pub(super) lag: Histogram,
    pub(super) waiting: Gauge,
    durable: IntCounter,
    stale: IntCounter,
    pub(super) failed: IntCounter,
    pub(super) refused: IntCounter,
}

impl AuditMetrics {
    pub(super) fn new() -> Self {
        let set = Metrics::default();
        let [durable, stale, failed, refused] = set.counters(
            "strongroom_audit_records_total",
            "Records handed to the group writer, by what became of them.",
            "outcome",
            ["durable", "stale", "failed", "refused"],
        );
        Self {
            group: set.many(
                "strongroom_audit_group_records",
                "How many records a group had.",
            ),
            commit: set.seconds(
                "strongroom_audit_commit_duration_seconds",
                "How long the commit of a group took.",
            ),
            lag: set.seconds(
                "strongroom_audit_lag_seconds",
                "How long records took from the request's end to the commit.",
            ),
            waiting: set.gauge(
                "strongroom_audit_waiting_records",
                "Records that wait for the commit under way to end.",
            ),
            durable,
            stale,
            failed,
            refused,
            set,
        }
    }

    pub(super) fn committed(&self, committed: Committed) {
        match committed {
            Committed::Durable => self.durable.inc(),
            Committed::Stale => self.stale.inc(),
        }
    }
}
