//! The table: check, result, what to do.

use std::fmt;

/// Lines in the order in which they were found.
#[derive(Default)]
pub(super) struct Table(Vec<Line>);

struct Line {
    mark: &'static str,
    check: String,
    result: String,
    /// What to do; empty where nothing is to be done.
    remedy: String,
}

const GOOD: &str = "ok";
const NOTE: &str = "--";
const BAD: &str = "BAD";

impl Table {
    /// Nothing to do.
    pub(super) fn good(&mut self, check: impl ToString, result: impl ToString) {
        self.push(GOOD, check, result, "");
    }

    /// Nothing wrong, and worth knowing.
    pub(super) fn note(&mut self, check: impl ToString, result: impl ToString) {
        self.push(NOTE, check, result, "");
    }

    /// Something to do.
    pub(super) fn bad(&mut self, check: impl ToString, result: impl ToString, remedy: &str) {
        self.push(BAD, check, result, remedy);
    }

    fn push(
        &mut self,
        mark: &'static str,
        check: impl ToString,
        result: impl ToString,
        remedy: &str,
    ) {
        let (check, result) = (check.to_string(), result.to_string());
        self.0.push(Line {
            mark,
            check,
            result,
            remedy: remedy.to_owned(),
        });
    }

    /// How many lines have something to do.
    pub(super) fn wrong(&self) -> usize {
        self.0.iter().filter(|line| line.mark == BAD).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .0
            .iter()
            .map(|line| line.check.chars().count())
            .max()
            .unwrap_or(0);
        for Line {
            mark,
            check,
            result,
            remedy,
        } in &self.0
        {
            writeln!(f, "{mark:<4} {check:<width$}  {result}")?;
            if !remedy.is_empty() {
                writeln!(f, "{:<4} {:<width$}  -> {remedy}", "", "")?;
            }
        }
        Ok(())
    }
}
