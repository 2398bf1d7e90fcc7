//! What is counted at a token.

use super::config::TokenStats;
use super::error::TokenErrorClass;
use super::pool::Lane;
use crate::metrics::{Gauge, Histogram, IntCounter, MetricFamily, Metrics};
use std::time::Duration;

/// The lanes with threads of their own.
const LANES: [&str; 2] = ["read_only", "read_write"];

/// The metrics of one token.
pub(super) struct TokenMetrics {
    set: Metrics,
    waited: [Histogram; 2],
    worked: [Histogram; 2],
    errors: [IntCounter; TokenErrorClass::ALL.len()],
    pub(super) openings: IntCounter,
    pub(super) reopenings: IntCounter,
    ready: Gauge,
    sessions: Gauge,
    busy: Gauge,
    hung: Gauge,
    queued: [Gauge; 2],
}

impl TokenMetrics {
    pub(super) fn new() -> Self {
        let set = Metrics::default();
        Self {
            waited: set.seconds_by(
                "strongroom_token_queue_wait_seconds",
                "How long jobs waited for a session.",
                "lane",
                LANES,
            ),
            worked: set.seconds_by(
                "strongroom_token_job_duration_seconds",
                "How long jobs had a session.",
                "lane",
                LANES,
            ),
            errors: set.counters(
                "strongroom_token_errors_total",
                "Errors at the token, by what follows from their CKR_ code.",
                "class",
                TokenErrorClass::ALL.map(TokenErrorClass::name),
            ),
            openings: set.counter(
                "strongroom_token_openings_total",
                "How often the token was opened: once, and once more after each loss.",
            ),
            reopenings: set.counter(
                "strongroom_token_session_reopenings_total",
                "Sessions opened in the place of one that was lost.",
            ),
            ready: set.gauge("strongroom_token_ready", "1 while the token is open."),
            sessions: set.gauge(
                "strongroom_token_sessions",
                "Session threads, and those of before that hang in the module.",
            ),
            busy: set.gauge(
                "strongroom_token_sessions_busy",
                "Session threads with a call into the token under way.",
            ),
            hung: set.gauge(
                "strongroom_token_sessions_hung",
                "Session threads whose call has taken longer than its deadline.",
            ),
            queued: set.gauges(
                "strongroom_token_queue_jobs",
                "Jobs that wait for a session.",
                "lane",
                LANES,
            ),
            set,
        }
    }

    pub(super) fn waited(&self, lane: Lane, time: Duration) {
        self.waited[lane.queue()].observe(time.as_secs_f64());
    }

    pub(super) fn worked(&self, lane: Lane, time: Duration) {
        self.worked[lane.queue()].observe(time.as_secs_f64());
    }

    pub(super) fn error(&self, class: TokenErrorClass) {
        self.errors[class as usize].inc();
    }

    pub(super) fn gather(&self, ready: bool, stats: TokenStats) -> Vec<MetricFamily> {
        self.ready.set(if ready { 1.0 } else { 0.0 });
        self.sessions.set(stats.threads as f64);
        self.busy.set(stats.busy as f64);
        self.hung.set(stats.hung as f64);
        let queued = [stats.queued, stats.queued_read_write];
        for (gauge, queued) in self.queued.iter().zip(queued) {
            gauge.set(queued as f64);
        }
        self.set.gather()
    }
}
