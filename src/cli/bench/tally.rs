//! What one thread of the client counts during a measurement.

use super::arrivals::{Arrival, Arrivals};
use crate::Error;
use crate::token::{BaselineLatencies as Latencies, BaselineOperation as Operation};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// The time that is measured; what comes before is warm-up.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) begin: Instant,
    pub(super) end: Instant,
}

impl Window {
    fn contains(&self, moment: Instant) -> bool {
        (self.begin..self.end).contains(&moment)
    }
}

/// The counts. A rate is of what was *answered* in the window, latencies are of what was *due* in it: so
/// a slow answer is not left out for coming after its end.
pub(super) struct Tally {
    window: Window,
    pub(super) latencies: Latencies,
    /// Answers in the window.
    pub(super) answered: u64,
    /// Answers and errors to what was due in the window.
    settled: u64,
    /// Answers, those of the warm-up included.
    pub(super) exchanges: u64,
    /// Nanoseconds by which the client itself was late.
    pub(super) late: Histogram<u64>,
    pub(super) errors: u64,
    pub(super) first_error: Option<String>,
    /// Due in the window and not answered long after it.
    pub(super) unanswered: u64,
    /// The time that the client's threads had a processor.
    pub(super) cpu: Duration,
    /// The time that they were there.
    pub(super) present: Duration,
}

impl Tally {
    pub(super) fn new(window: Window, operations: &[Operation]) -> Self {
        // Unwrap safety: bounds and digits are ones that a histogram has.
        let late = Histogram::new_with_bounds(1, 60_000_000_000, 2).unwrap();
        Self {
            window,
            latencies: Latencies::of(operations),
            answered: 0,
            settled: 0,
            exchanges: 0,
            late,
            errors: 0,
            first_error: None,
            unanswered: 0,
            cpu: Duration::ZERO,
            present: Duration::ZERO,
        }
    }

    pub(super) fn answered(&mut self, operation: Operation, arrival: Arrival) {
        let now = Instant::now();
        self.exchanges += 1;
        self.answered += u64::from(self.window.contains(now));
        if self.window.contains(arrival.due) {
            self.settled += 1;
            self.latencies.add(operation, now - arrival.due);
            if let Some(late) = arrival.late {
                let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
                self.late.saturating_record(nanos);
            }
        }
    }

    pub(super) fn failed(&mut self, due: Instant, error: &Error) {
        self.settled += u64::from(self.window.contains(due));
        self.error(error);
    }

    pub(super) fn error(&mut self, error: &Error) {
        self.errors += 1;
        self.first_error
            .get_or_insert_with(|| error.message().to_owned());
    }

    /// Those who are still waiting have waited for so long at least.
    pub(super) fn give_up(&mut self, arrivals: &Arrivals, pattern: &[Operation]) {
        let now = Instant::now();
        let measured = arrivals
            .latest()
            .take_while(|due| *due >= self.window.begin);
        let left = (measured.count() as u64).saturating_sub(self.settled);
        let longest = arrivals.latest().zip(0..left).map(|(due, _)| now - due);
        for (waited, operation) in longest.zip(pattern.iter().cycle()) {
            self.latencies.add(*operation, waited);
        }
        self.unanswered = left;
    }

    /// Another thread's as well.
    pub(super) fn merge(&mut self, other: Self) {
        self.latencies.merge(&other.latencies);
        // Histograms of the same bounds always fit.
        let _ = self.late.add(&other.late);
        self.answered += other.answered;
        self.exchanges += other.exchanges;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.unanswered += other.unanswered;
        self.cpu += other.cpu;
        self.present += other.present;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_never_answered_counts_with_the_time_waited() {
        let end = Instant::now();
        let begin = end - Duration::from_secs(1);
        let operations = [Operation::Encrypt];
        let mut tally = Tally::new(Window { begin, end }, &operations);
        let arrivals = Arrivals::new(begin - Duration::from_secs(1), 0.1, end);
        for due in [begin, begin + Duration::from_millis(100)] {
            tally.answered(Operation::Encrypt, Arrival { due, late: None });
        }
        tally.failed(begin, &crate::cli::failed("no"));
        tally.give_up(&arrivals, &operations);
        assert_eq!((tally.unanswered, tally.errors, tally.answered), (7, 1, 0));
        let histogram = &tally.latencies.0[0].1;
        assert_eq!(histogram.len(), 9, "two answered, seven not");
        assert!(histogram.min() >= 90_000_000 && histogram.max() >= 990_000_000);
    }
}
