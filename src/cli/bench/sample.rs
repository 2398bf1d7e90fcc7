//! What one measurement gave.

use super::meter::Cost;
use super::tally::Tally;
use crate::token::{BaselineOperation as Operation, Rates};
use hdrhistogram::Histogram;
use std::time::Duration;

/// The figures of a latency that are shown, in nanoseconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Latency {
    pub(super) p50: u64,
    pub(super) p90: u64,
    pub(super) p99: u64,
    pub(super) p999: u64,
    pub(super) max: u64,
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }

    /// By their names in files.
    pub(super) fn figures(self) -> [(&'static str, u64); 5] {
        [
            ("p50_ns", self.p50),
            ("p90_ns", self.p90),
            ("p99_ns", self.p99),
            ("p999_ns", self.p999),
            ("max_ns", self.max),
        ]
    }
}

/// The client's own part in a measurement.
#[derive(Clone, Copy, Default)]
pub(super) struct Client {
    /// Microseconds of CPU for each request.
    pub(super) cpu: f64,
    /// The share of the time in which its threads were busy.
    pub(super) busy: f64,
    /// The 99th percentile of how late it made requests that were due, in nanoseconds.
    pub(super) late: u64,
}

/// One measurement.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) per_second: f64,
    pub(super) latency: Latency,
    /// Of a mix, by operation.
    pub(super) parts: Vec<(Operation, Latency)>,
    pub(super) errors: u64,
    pub(super) first_error: Option<String>,
    pub(super) unanswered: u64,
    pub(super) client: Option<Client>,
    pub(super) cost: Cost,
}

impl Sample {
    pub(super) fn of(tally: Tally, duration: Duration, spent: super::meter::Spent) -> Self {
        let exchanges = tally.exchanges.max(1) as f64;
        let present = tally.present.as_secs_f64().max(f64::MIN_POSITIVE);
        let (latency, parts) = figures(&tally.latencies.0);
        Self {
            per_second: tally.answered as f64 / duration.as_secs_f64(),
            latency,
            parts,
            errors: tally.errors,
            first_error: tally.first_error,
            unanswered: tally.unanswered,
            client: Some(Client {
                cpu: tally.cpu.as_secs_f64() * 1e6 / exchanges,
                busy: tally.cpu.as_secs_f64() / present,
                late: tally.late.value_at_quantile(0.99),
            }),
            cost: spent.each(tally.answered),
        }
    }

    /// Of the token alone.
    pub(super) fn direct(rates: &Rates) -> Self {
        let (latency, parts) = figures(&rates.latencies.0);
        Self {
            per_second: rates.per_second,
            latency,
            parts,
            ..Self::default()
        }
    }
}

/// Of all together, and where there are several, of each.
fn figures(latencies: &[(Operation, Histogram<u64>)]) -> (Latency, Vec<(Operation, Latency)>) {
    let Some(((_, first), others)) = latencies.split_first() else {
        return Default::default();
    };
    let mut all = first.clone();
    for (_, other) in others {
        // Histograms of the same bounds always fit.
        let _ = all.add(other);
    }
    let parts = latencies.iter().filter(|_| !others.is_empty());
    let parts = parts.map(|(operation, it)| (*operation, Latency::of(it)));
    (Latency::of(&all), parts.collect())
}
