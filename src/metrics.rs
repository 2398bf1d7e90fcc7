//! What is counted, as Prometheus reads it.

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder,
};
use std::time::Duration;

/// The counters of one gateway.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    rejected: IntCounterVec,
    throttled: IntCounterVec,
}

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    /// Two metrics of one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new(
                "strongroom_requests_total",
                "Authenticated requests by operation and outcome.",
            ),
            &["operation", "outcome"],
        )?;
        let buckets = prometheus::exponential_buckets(0.000_1, 2.0, 18)?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "strongroom_request_seconds",
                "Time from authentication to answer.",
            )
            .buckets(buckets),
            &["operation"],
        )?;
        let rejected = IntCounterVec::new(
            Opts::new(
                "strongroom_rejected_total",
                "Requests refused at or before authentication.",
            ),
            &["code"],
        )?;
        let throttled = IntCounterVec::new(
            Opts::new(
                "strongroom_throttled_total",
                "Requests refused for a quota that was used up, by the quota.",
            ),
            &["quota"],
        )?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(rejected.clone()))?;
        registry.register(Box::new(throttled.clone()))?;
        Ok(Self {
            registry,
            requests,
            seconds,
            rejected,
            throttled,
        })
    }

    /// One answered request; `outcome` is `success` or the exception's name.
    pub fn request(&self, operation: &str, outcome: &str, took: Duration) {
        self.requests.with_label_values(&[operation, outcome]).inc();
        self.seconds
            .with_label_values(&[operation])
            .observe(took.as_secs_f64());
    }

    /// One request that did not get past authentication.
    pub fn rejected(&self, code: &str) {
        self.rejected.with_label_values(&[code]).inc();
    }

    /// One request beyond a quota.
    pub fn throttled(&self, quota: &str) {
        self.throttled.with_label_values(&[quota]).inc();
    }

    /// The text exposition format.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            log::error!("metrics: {error}");
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}
