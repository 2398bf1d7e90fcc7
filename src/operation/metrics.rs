//! What is counted of requests.

use super::OperationName;
use super::quota::Throttled;
use crate::Error;
use crate::metrics::{
    Histogram, HistogramTimer, HistogramVec, IntCounter, IntCounterVec, MetricFamily, Metrics,
};
use std::sync::OnceLock;
use std::time::Duration;

/// What a request that was answered with its result counts as; others by their exception's name.
const SUCCESS: &str = "success";

/// The steps of the pipeline that take time.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The body comes in.
    Read,
    /// Signature, certificate or token are verified; an access key that is not in memory is unwrapped.
    Authenticate,
    /// Quotas, and the members.
    Decode,
    /// Keys are found, policies and states looked at.
    Authorize,
    /// The operation itself, and what of a change comes before its transaction.
    Execute,
    /// The record's wait for its group's commit.
    Record,
    /// A change's transaction, its record included.
    Change,
}

impl Step {
    const ALL: [Self; 7] = [
        Self::Read,
        Self::Authenticate,
        Self::Decode,
        Self::Authorize,
        Self::Execute,
        Self::Record,
        Self::Change,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Authenticate => "authenticate",
            Self::Decode => "decode",
            Self::Authorize => "authorize",
            Self::Execute => "execute",
            Self::Record => "record",
            Self::Change => "change",
        }
    }
}

/// The metrics of the pipeline.
pub struct PipelineMetrics {
    set: Metrics,
    requests: IntCounterVec,
    seconds: HistogramVec,
    steps: [Histogram; Step::ALL.len()],
    rejected: IntCounterVec,
    throttled: IntCounterVec,
    /// Those of an operation, from its first request on.
    operations: Box<[OnceLock<PerOperation>]>,
}

/// What nearly every request counts: kept, so that it need not be looked up.
struct PerOperation {
    succeeded: IntCounter,
    seconds: Histogram,
}

impl PipelineMetrics {
    /// All at zero.
    #[allow(clippy::new_without_default)] // it is nothing's default
    pub fn new() -> Self {
        let set = Metrics::default();
        Self {
            requests: set.counter_vec(
                "strongroom_requests_total",
                "Authenticated requests by operation and outcome.",
                &["operation", "outcome"],
            ),
            seconds: set.seconds_vec(
                "strongroom_request_duration_seconds",
                "Time from authentication to answer.",
                "operation",
            ),
            steps: set.seconds_by(
                "strongroom_step_duration_seconds",
                "Time that the steps of the pipeline took.",
                "step",
                Step::ALL.map(Step::name),
            ),
            rejected: set.counter_vec(
                "strongroom_rejected_total",
                "Requests refused at or before authentication.",
                &["code"],
            ),
            throttled: set.counter_vec(
                "strongroom_throttled_total",
                "Requests refused for a quota that was used up, by the quota.",
                &["quota"],
            ),
            operations: OperationName::ALL.iter().map(|_| OnceLock::new()).collect(),
            set,
        }
    }

    /// One answered request.
    pub fn answered(&self, name: OperationName, error: Option<&Error>, took: Duration) {
        let operation = self.operations[name as usize].get_or_init(|| PerOperation {
            succeeded: self.requests.with_label_values(&[name.as_str(), SUCCESS]),
            seconds: self.seconds.with_label_values(&[name.as_str()]),
        });
        operation.seconds.observe(took.as_secs_f64());
        match error {
            None => operation.succeeded.inc(),
            Some(error) => {
                let outcome = error.code().name();
                let labels = [name.as_str(), outcome];
                self.requests.with_label_values(&labels).inc();
                self.throttled(error);
            }
        }
    }

    /// One request that did not get past authentication.
    pub fn rejected(&self, error: &Error) {
        let code = error.code().name();
        self.rejected.with_label_values(&[code]).inc();
        self.throttled(error);
    }

    fn throttled(&self, error: &Error) {
        if let Some(Throttled(quota)) = error.cause() {
            self.throttled.with_label_values(&[*quota]).inc();
        }
    }

    /// One step that took so long.
    pub fn took(&self, step: Step, time: Duration) {
        self.steps[step as usize].observe(time.as_secs_f64());
    }

    /// Measures a step until this is dropped, whatever comes of it.
    pub(super) fn step(&self, step: Step) -> HistogramTimer {
        self.steps[step as usize].start_timer()
    }

    /// All of it, as it stands.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.set.gather()
    }
}
