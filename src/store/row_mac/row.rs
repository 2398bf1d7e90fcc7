//! The exact bytes that a row's MAC is over.
//!
//! `"strongroom row 1\0"`, then the table's name and every column, identity and row version
//! included. Each is a byte that tells NULL from a value, a length, and the value: no two rows have
//! the same bytes, and no column's end can pass for another's beginning.
//!
//! Columns that a later migration added follow by name, and only where they are not null: rows
//! written before it stay genuine.

use crate::store::Micros;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

const DOMAIN: &[u8] = b"strongroom row 1\0";

/// The canonical bytes of a row in the making.
pub(super) struct Row(pub(super) Vec<u8>);

impl Row {
    pub(super) fn of(table: &str) -> Self {
        Self(DOMAIN.to_vec()).text(table)
    }

    pub(super) fn bytes(mut self, value: &[u8]) -> Self {
        self.0.push(1);
        self.0.extend((value.len() as u64).to_be_bytes());
        self.0.extend(value);
        self
    }

    pub(super) fn null(mut self) -> Self {
        self.0.push(0);
        self
    }

    pub(super) fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    pub(super) fn uuid(self, value: Uuid) -> Self {
        self.bytes(value.as_bytes())
    }

    pub(super) fn number(self, value: i64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn boolean(self, value: bool) -> Self {
        self.bytes(&[u8::from(value)])
    }

    /// Whole microseconds, which is all that Postgres keeps.
    pub(super) fn instant(self, value: OffsetDateTime) -> Self {
        let micros = value.unix_timestamp_nanos().div_euclid(1000);
        self.bytes(&micros.to_be_bytes())
    }

    pub(super) fn optional(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// A column of a later migration.
    pub(super) fn added<T>(self, name: &str, value: Option<T>, write: fn(Self, T) -> Self) -> Self {
        match value {
            Some(value) => write(self.text(name), value),
            None => self,
        }
    }

    pub(super) fn map(mut self, value: &BTreeMap<String, String>) -> Self {
        self = self.number(value.len() as i64);
        for (name, value) in value {
            self = self.text(name).text(value);
        }
        self
    }
}

/// An instant as Postgres gives it back.
pub(in crate::store) fn micros(value: OffsetDateTime) -> OffsetDateTime {
    Micros::from(value).time()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_have_the_same_bytes() {
        let row = |columns: &[&str]| columns.iter().fold(Row::of("t"), |row, c| row.text(c)).0;
        assert_ne!(row(&["ab", "c"]), row(&["a", "bc"]));
        assert_ne!(row(&["a", ""]), row(&["a"]));
        assert_ne!(Row::of("t").null().0, Row::of("t").text("").0);
        assert_ne!(Row::of("t").text("x").0, Row::of("u").text("x").0);
    }

    #[test]
    fn an_instant_survives_the_precision_of_the_database() {
        let nanos = OffsetDateTime::UNIX_EPOCH + time::Duration::nanoseconds(1_234_567);
        assert_eq!(micros(nanos).nanosecond(), 1_234_000);
        let row = |at| Row::of("t").instant(at).0;
        assert_eq!(row(nanos), row(micros(nanos)));
    }
}
