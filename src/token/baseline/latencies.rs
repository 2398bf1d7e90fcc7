//! How long each operation took.

use super::Operation;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The longest latency that is told from longer ones, in nanoseconds.
const LONGEST: u64 = 600_000_000_000;

/// How long operations took: for each kind a histogram of nanoseconds, to three digits.
#[derive(Default)]
pub struct Latencies(pub Vec<(Operation, Histogram<u64>)>);

impl Latencies {
    /// None yet, of those kinds.
    pub fn of(operations: &[Operation]) -> Self {
        let mut latencies = Self::default();
        for operation in operations {
            latencies.histogram(*operation);
        }
        latencies
    }

    fn histogram(&mut self, operation: Operation) -> &mut Histogram<u64> {
        let known = self.0.iter().position(|(known, _)| *known == operation);
        let at = known.unwrap_or_else(|| {
            // Unwrap safety: bounds and digits are ones that a histogram has.
            let histogram = Histogram::new_with_bounds(1, LONGEST, 3).unwrap();
            self.0.push((operation, histogram));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// One more; what took longer than ten minutes counts as ten minutes.
    pub fn add(&mut self, operation: Operation, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(LONGEST);
        self.histogram(operation).saturating_record(nanos);
    }

    /// Those of another as well.
    pub fn merge(&mut self, other: &Self) {
        for (operation, histogram) in &other.0 {
            // Histograms of the same bounds always fit.
            let _ = self.histogram(*operation).add(histogram);
        }
    }
}
