//! What was measured, and how it is shown.

use super::super::failed;
use crate::Error;
use crate::token::BaselineOperation as Operation;
use serde_json::{Value, json};
use std::path::Path;

/// One measurement.
#[derive(Default)]
pub(super) struct Sample {
    per_second: f64,
    p50_ns: u32,
    p99_ns: u32,
    errors: u64,
    first_error: Option<String>,
}

impl Sample {
    pub(super) fn new(per_second: f64, mut latencies: Vec<u32>) -> Self {
        latencies.sort_unstable();
        Self {
            per_second,
            p50_ns: percentile(&latencies, 50),
            p99_ns: percentile(&latencies, 99),
            ..Self::default()
        }
    }

    pub(super) fn with_errors(self, errors: u64, first_error: Option<String>) -> Self {
        Self {
            errors,
            first_error,
            ..self
        }
    }
}

/// The nearest-rank percentile of a sorted list; 0 of an empty one.
fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// What was measured: by whom, and by how many at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Gateway {
        connections: usize,
    },
    /// The gateway while another tenant makes noise.
    Beside {
        connections: usize,
    },
    Direct {
        threads: usize,
    },
}

/// One row: the samples of every round.
struct Row {
    operation: Operation,
    subject: Subject,
    samples: Vec<Sample>,
}

impl Row {
    /// The median of one figure over the rounds; of an even number, the mean of the middle two.
    fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        let mut figures: Vec<f64> = self.samples.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        match figures.len() {
            0 => 0.0,
            len if len % 2 == 1 => figures[len / 2],
            len => f64::midpoint(figures[len / 2 - 1], figures[len / 2]),
        }
    }

    fn rate(&self) -> f64 {
        self.median(|sample| sample.per_second)
    }

    fn spread(&self) -> (f64, f64) {
        let rates = || self.samples.iter().map(|sample| sample.per_second);
        (
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
        )
    }

    fn errors(&self) -> u64 {
        self.samples.iter().map(|sample| sample.errors).sum()
    }

    /// Rate, spread and latencies, as they are shown.
    fn cells(&self) -> String {
        let (least, most) = self.spread();
        format!(
            "{:>10.0}  {:>17}  {:>9}  {:>9}",
            self.rate(),
            format!("{least:.0}–{most:.0}"),
            duration(self.median(|sample| f64::from(sample.p50_ns))),
            duration(self.median(|sample| f64::from(sample.p99_ns))),
        )
    }
}

fn duration(nanos: f64) -> String {
    if nanos < 1e6 {
        format!("{:.1} µs", nanos / 1e3)
    } else {
        format!("{:.2} ms", nanos / 1e6)
    }
}

/// Everything that was measured.
#[derive(Default)]
pub(super) struct Results {
    rows: Vec<Row>,
}

impl Results {
    pub(super) fn add(&mut self, operation: Operation, subject: Subject, sample: Sample) {
        let known = self
            .rows
            .iter_mut()
            .find(|row| row.operation == operation && row.subject == subject);
        match known {
            Some(row) => row.samples.push(sample),
            None => self.rows.push(Row {
                operation,
                subject,
                samples: vec![sample],
            }),
        }
    }

    /// The best direct rate of an operation.
    fn best_direct(&self, operation: Operation) -> Option<f64> {
        self.rows
            .iter()
            .filter(|row| {
                row.operation == operation && matches!(row.subject, Subject::Direct { .. })
            })
            .map(Row::rate)
            .max_by(f64::total_cmp)
    }

    /// The tables, for people.
    pub(super) fn text(&self) -> String {
        let mut gateway = format!(
            "{:<18} {:>11}  {:>10}  {:>17}  {:>9}  {:>9}  {:>6}  {:>8}\n",
            "gateway", "connections", "requests/s", "min–max", "p50", "p99", "errors", "/ direct"
        );
        let mut direct = format!(
            "{:<18} {:>11}  {:>10}  {:>17}  {:>9}  {:>9}\n",
            "token alone", "threads", "ops/s", "min–max", "p50", "p99"
        );
        let mut errors = String::new();
        for row in &self.rows {
            let (name, cells) = (row.operation.name(), row.cells());
            let name = match row.subject {
                Subject::Beside { .. } => format!("{name} + noise"),
                _ => name.to_owned(),
            };
            match row.subject {
                Subject::Gateway { connections } | Subject::Beside { connections } => {
                    let ratio = self.best_direct(row.operation).map_or("–".into(), |best| {
                        format!("{:.1} %", 100.0 * row.rate() / best)
                    });
                    gateway += &format!(
                        "{name:<18} {connections:>11}  {cells}  {:>6}  {ratio:>8}\n",
                        row.errors()
                    );
                    let first = row.samples.iter().find_map(|s| s.first_error.as_deref());
                    if let Some(first) = first {
                        errors += &format!("{name} at {connections}: {first}\n");
                    }
                }
                Subject::Direct { threads } => {
                    direct += &format!("{name:<18} {threads:>11}  {cells}\n");
                }
            }
        }
        format!("{gateway}\n{direct}{errors}{}", self.noise())
    }

    /// What the noise of another does to the slowest answers.
    fn noise(&self) -> String {
        let p99 = |row: &Row| row.median(|sample| f64::from(sample.p99_ns));
        let ratio = |row: &Row| {
            let Subject::Beside { connections } = row.subject else {
                return None;
            };
            let alone = Subject::Gateway { connections };
            let mut rows = self.rows.iter();
            let alone =
                rows.find(|other| other.operation == row.operation && other.subject == alone)?;
            let (name, ratio) = (row.operation.name(), p99(row) / p99(alone));
            Some(format!(
                "{name} at {connections}: p99 beside the noise is {ratio:.2} of that alone\n"
            ))
        };
        self.rows.iter().filter_map(ratio).collect()
    }

    /// The same for programs; latencies in nanoseconds.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write_json(&self, path: &Path) -> Result<(), Error> {
        let row = |row: &Row| {
            let (by, at_once) = match row.subject {
                Subject::Gateway { connections } => ("gateway", connections),
                Subject::Beside { connections } => ("gateway beside noise", connections),
                Subject::Direct { threads } => ("direct", threads),
            };
            let rates: Vec<f64> = row.samples.iter().map(|s| s.per_second).collect();
            json!({
                "operation": row.operation.name(), "by": by, "at_once": at_once,
                "per_second": row.rate(), "rounds": rates,
                "p50_ns": row.median(|s| f64::from(s.p50_ns)),
                "p99_ns": row.median(|s| f64::from(s.p99_ns)),
                "errors": row.errors(),
            })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let text = format!("{:#}\n", Value::from(rows));
        std::fs::write(path, text)
            .map_err(|error| failed(format!("cannot write {}: {error}", path.display())))
    }

    /// How many requests failed.
    pub(super) fn errors(&self) -> u64 {
        self.rows.iter().map(Row::errors).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_medians() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(
            (percentile(&hundred, 50), percentile(&hundred, 99)),
            (50, 99)
        );
        assert_eq!((percentile(&[7], 99), percentile(&[], 50)), (7, 0));
        let mut results = Results::default();
        for rate in [9.0, 1.0, 5.0] {
            let subject = Subject::Gateway { connections: 1 };
            results.add(Operation::Encrypt, subject, Sample::new(rate, vec![1]));
        }
        assert_eq!(
            (results.rows[0].rate(), results.rows[0].spread()),
            (5.0, (1.0, 9.0))
        );
    }
}
