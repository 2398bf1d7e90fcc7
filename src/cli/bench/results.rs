//! Everything that was measured: a row for each workload and subject, a sample for each round.

use super::sample::{Client, Latency, Sample};
use crate::token::BaselineOperation as Operation;

/// Who was measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Gateway,
    /// The gateway while another tenant makes noise.
    Beside,
    /// OpenBao.
    Transit,
    /// The token, called by this process.
    Direct,
}

impl Who {
    /// In files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Beside => "gateway beside noise",
            Self::Transit => "transit",
            Self::Direct => "direct",
        }
    }
}

/// What was measured: by so many connections or threads at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) who: Who,
    pub(super) at_once: usize,
    /// Requests asked for in a second, in an open loop.
    pub(super) rate: Option<u32>,
}

impl Subject {
    pub(super) fn of(self, who: Who) -> Self {
        Self { who, ..self }
    }
}

/// One row: the samples of every round.
pub(super) struct Row {
    /// The workload's.
    pub(super) name: &'static str,
    pub(super) subject: Subject,
    pub(super) samples: Vec<Sample>,
}

/// The median; of an even number, the mean of the middle two.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => None,
        len if len % 2 == 1 => Some(figures[len / 2]),
        len => Some(f64::midpoint(figures[len / 2 - 1], figures[len / 2])),
    }
}

impl Row {
    /// The median of a figure over the rounds that have it.
    pub(super) fn median(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.iter().filter_map(figure).collect())
    }

    pub(super) fn rate(&self) -> f64 {
        let rate = self.median(|sample| Some(sample.per_second));
        rate.unwrap_or(0.0)
    }

    /// The least and the greatest rate.
    pub(super) fn spread(&self) -> (f64, f64) {
        let rates = || self.samples.iter().map(|sample| sample.per_second);
        (
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
        )
    }

    /// Medians of the percentiles, and the longest of all rounds.
    pub(super) fn latency(&self) -> Latency {
        self.latencies(|sample| Some(sample.latency))
    }

    fn latencies(&self, of: impl Fn(&Sample) -> Option<Latency>) -> Latency {
        let all: Vec<Latency> = self.samples.iter().filter_map(of).collect();
        let middle = |figure: fn(&Latency) -> u64| {
            let figures = all.iter().map(|latency| figure(latency) as f64);
            median(figures.collect()).unwrap_or(0.0) as u64
        };
        Latency {
            p50: middle(|it| it.p50),
            p90: middle(|it| it.p90),
            p99: middle(|it| it.p99),
            p999: middle(|it| it.p999),
            max: all.iter().map(|it| it.max).max().unwrap_or(0),
        }
    }

    /// Of a mix, the same by operation.
    pub(super) fn parts(&self) -> Vec<(Operation, Latency)> {
        let first = self.samples.first().map_or(&[][..], |first| &first.parts);
        let part = |operation: Operation| {
            self.latencies(|sample| {
                let mut parts = sample.parts.iter();
                Some(parts.find(|(known, _)| *known == operation)?.1)
            })
        };
        let operations = first.iter().map(|(operation, _)| *operation);
        operations.map(|it| (it, part(it))).collect()
    }

    pub(super) fn client(&self, figure: impl Fn(Client) -> f64) -> Option<f64> {
        self.median(|sample| sample.client.map(&figure))
    }

    pub(super) fn errors(&self) -> u64 {
        self.samples.iter().map(|sample| sample.errors).sum()
    }

    pub(super) fn unanswered(&self) -> u64 {
        self.samples.iter().map(|sample| sample.unanswered).sum()
    }

    pub(super) fn first_error(&self) -> Option<&str> {
        let mut errors = self.samples.iter();
        errors.find_map(|sample| sample.first_error.as_deref())
    }
}

/// All rows, in the order in which they were measured first.
#[derive(Default)]
pub(super) struct Results {
    rows: Vec<Row>,
}

impl Results {
    pub(super) fn add(&mut self, name: &'static str, subject: Subject, sample: Sample) {
        let mut known = self.rows.iter_mut();
        match known.find(|row| row.name == name && row.subject == subject) {
            Some(row) => row.samples.push(sample),
            None => self.rows.push(Row {
                name,
                subject,
                samples: vec![sample],
            }),
        }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn of(&self, who: Who) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.subject.who == who)
    }

    /// The same workload and load of another.
    pub(super) fn counterpart(&self, row: &Row, who: Who) -> Option<&Row> {
        let subject = row.subject.of(who);
        let mut rows = self.rows.iter();
        rows.find(|other| other.name == row.name && other.subject == subject)
    }

    /// The best rate of the token alone.
    pub(super) fn best_direct(&self, row: &Row) -> Option<f64> {
        let direct = self.of(Who::Direct).filter(|other| other.name == row.name);
        direct.map(Row::rate).max_by(f64::total_cmp)
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
    fn medians_over_the_rounds() {
        let mut results = Results::default();
        let subject = Subject {
            who: Who::Gateway,
            at_once: 1,
            rate: None,
        };
        for rate in [9, 1, 5] {
            let sample = Sample {
                per_second: f64::from(rate as u8),
                latency: Latency {
                    p50: rate * 10,
                    max: rate * 100,
                    ..Latency::default()
                },
                ..Sample::default()
            };
            results.add("encrypt", subject, sample);
        }
        let [row] = results.rows() else {
            panic!("one row");
        };
        assert_eq!((row.rate(), row.spread()), (5.0, (1.0, 9.0)));
        assert_eq!((row.latency().p50, row.latency().max), (50, 900));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
