//! The results for programs.

use super::super::failed;
use super::results::{Results, Row};
use super::sample::{Latency, Sample};
use crate::Error;
use crate::report::csv::Csv;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

/// Writes a file.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    failed(format!("cannot write {}: {error}", path.display()))
}

/// A row each: medians over the rounds, and the rates of all of them.
pub(super) fn json(results: &Results) -> String {
    let rows: Vec<Value> = results.rows().iter().map(json_row).collect();
    format!("{:#}\n", Value::from(rows))
}

fn json_row(row: &Row) -> Value {
    let rates: Vec<f64> = row.samples.iter().map(|it| it.per_second).collect();
    let mut object = json!({
        "operation": row.name, "by": row.subject.who.name(), "at_once": row.subject.at_once,
        "asked_per_second": row.subject.rate, "per_second": row.rate(), "rounds": rates,
        "errors": row.errors(), "unanswered": row.unanswered(),
        "server_cpu_us": row.median(|it| it.cost.server),
        "postgres_cpu_us": row.median(|it| it.cost.postgres),
        "session_us": row.median(|it| it.cost.session),
        "token_jobs": row.median(|it| it.cost.jobs),
        "client_cpu_us": row.client(|it| it.cpu),
        "client_busy": row.client(|it| it.busy),
        "client_late_p99_ns": row.client(|it| it.late as f64),
    });
    extend(&mut object, row.latency());
    let parts = row.parts().into_iter().map(|(operation, latency)| {
        let mut part = json!({"operation": operation.name()});
        extend(&mut part, latency);
        part
    });
    let parts: Vec<Value> = parts.collect();
    if !parts.is_empty() {
        object["parts"] = parts.into();
    }
    object
}

fn extend(object: &mut Value, latency: Latency) {
    for (name, nanos) in latency.figures() {
        object[name] = nanos.into();
    }
}

/// A line for each round of each row.
///
/// # Errors
/// The file cannot be written.
pub(super) fn csv(results: &Results, path: &Path) -> Result<(), Error> {
    let write = || {
        let file = BufWriter::new(File::create(path)?);
        let mut csv = Csv::new(file, &HEAD)?;
        for row in results.rows() {
            for (round, sample) in row.samples.iter().enumerate() {
                csv.row(&line(row, round + 1, sample))?;
            }
        }
        csv.finish()
    };
    write().map_err(|error| unwritten(path, &error))
}

const HEAD: [&str; 18] = [
    "operation",
    "by",
    "at_once",
    "asked_per_second",
    "round",
    "per_second",
    "p50_ns",
    "p90_ns",
    "p99_ns",
    "p999_ns",
    "max_ns",
    "errors",
    "unanswered",
    "server_cpu_us",
    "postgres_cpu_us",
    "session_us",
    "token_jobs",
    "client_cpu_us",
];

fn line(row: &Row, round: usize, sample: &Sample) -> [String; HEAD.len()] {
    let known = |figure: Option<f64>| figure.map_or(String::new(), |it| format!("{it:.3}"));
    let [p50, p90, p99, p999, max] = sample.latency.figures().map(|(_, it)| it.to_string());
    [
        row.name.to_owned(),
        row.subject.who.name().to_owned(),
        row.subject.at_once.to_string(),
        row.subject.rate.map_or(String::new(), |it| it.to_string()),
        round.to_string(),
        format!("{:.1}", sample.per_second),
        p50,
        p90,
        p99,
        p999,
        max,
        sample.errors.to_string(),
        sample.unanswered.to_string(),
        known(sample.cost.server),
        known(sample.cost.postgres),
        known(sample.cost.session),
        known(sample.cost.jobs),
        known(sample.client.map(|it| it.cpu)),
    ]
}
