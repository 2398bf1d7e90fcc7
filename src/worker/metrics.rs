//! What the worker counts, of itself and of the whole deployment.

use super::Notices;
use crate::Error;
use crate::metrics::{Gauge, IntCounter, Metrics};
use crate::model::KeyState;
use crate::operation::Context;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// How often the deployment's figures are asked for.
const EVERY: Duration = Duration::from_secs(30);

/// What a round consists of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    Intents,
    WornKeys,
    Approvals,
    KeyScan,
    Clock,
    Deletion,
    ImportExpiry,
    Rotation,
    Figures,
}

impl Task {
    const ALL: [Self; 9] = [
        Self::Intents,
        Self::WornKeys,
        Self::Approvals,
        Self::KeyScan,
        Self::Clock,
        Self::Deletion,
        Self::ImportExpiry,
        Self::Rotation,
        Self::Figures,
    ];

    /// Its name, in the metrics and in the log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Intents => "intents",
            Self::WornKeys => "worn_keys",
            Self::Approvals => "approvals",
            Self::KeyScan => "key_scan",
            Self::Clock => "clock",
            Self::Deletion => "deletion",
            Self::ImportExpiry => "import_expiry",
            Self::Rotation => "rotation",
            Self::Figures => "figures",
        }
    }
}

/// The metrics of the worker.
pub struct WorkerMetrics {
    failures: [IntCounter; Task::ALL.len()],
    pub(super) last_round: Gauge,
    pub(super) clock_offset: Gauge,
    pub(super) clock_jumped: Gauge,
    keys: Vec<(KeyState, Gauge)>,
    gcm_budget_left: Gauge,
    drifted: Gauge,
    scanned: Gauge,
    notices: Notices,
    asked: Option<Instant>,
}

impl WorkerMetrics {
    /// Made part of a set; what a figure shows to be wrong is noticed as well.
    pub fn new(set: &Metrics, notices: Notices) -> Self {
        let gcm_budget_left = set.gauge(
            "strongroom_gcm_budget_left_ratio",
            "The least part that an enabled key has left of the 2^32 GCM encryptions that its \
             current version may make.",
        );
        // Until it is known.
        gcm_budget_left.set(f64::NAN);
        Self {
            failures: set.counters(
                "strongroom_worker_failures_total",
                "Tasks of a round that failed.",
                "task",
                Task::ALL.map(Task::name),
            ),
            last_round: set.gauge(
                "strongroom_worker_last_round_timestamp_seconds",
                "When the last round ended, whatever came of it.",
            ),
            clock_offset: set.gauge(
                "strongroom_clock_offset_seconds",
                "How far this gateway's clock is ahead of the database's.",
            ),
            clock_jumped: set.gauge(
                "strongroom_clock_jumped",
                "1 once the clock has jumped: nothing is destroyed or rotated by date until a restart.",
            ),
            keys: KeyState::ALL
                .iter()
                .map(|state| {
                    let name = "strongroom_keys";
                    let help = "Keys of all accounts and Regions.";
                    let [gauge] = set.gauges(name, help, "state", [state.as_str()]);
                    (*state, gauge)
                })
                .collect(),
            gcm_budget_left,
            drifted: set.gauge(
                "strongroom_drifted_key_versions",
                "Key versions, and keys of the gateway's own, whose object on the token is not what \
                 was made.",
            ),
            scanned: set.gauge(
                "strongroom_key_scan_timestamp_seconds",
                "When the last scan of all key versions ended; 0 before the first.",
            ),
            notices,
            asked: None,
        }
    }

    /// Counts a task that failed, and says so.
    pub(super) fn done(&self, task: Task, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            self.failures[task as usize].inc();
            log::warn!("worker: {}: {error}", task.name());
        }
    }

    /// Asks for the deployment's figures, now and then.
    pub(super) async fn update(&mut self, cx: &Context) -> Result<(), Error> {
        if self.asked.is_some_and(|asked| asked.elapsed() < EVERY) {
            return Ok(());
        }
        let keys = cx.store.keys_by_state().await?;
        for (state, gauge) in &self.keys {
            let found = keys.iter().find(|(found, _)| found == state);
            gauge.set(found.map_or(0.0, |(_, many)| *many as f64));
        }
        self.gcm_budget_left.set(cx.store.least_gcm_budget().await?);
        let drift = cx.store.key_drift().await?;
        self.drifted.set(drift.drifted as f64);
        let wrong = (drift.drifted > 0).then(|| {
            format!(
                "{} on the token are not what they were made as",
                drift.drifted
            )
        });
        self.notices.set("keys", wrong);
        let scanned = drift.scanned.map_or(0, OffsetDateTime::unix_timestamp);
        self.scanned.set(scanned as f64);
        self.asked = Some(Instant::now());
        Ok(())
    }
}
