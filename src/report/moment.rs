//! Points in time as a report has them: whole seconds, UTC.

use serde::{Serialize, Serializer};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// For people `2026-11-28 19:07:28`, for programs RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub OffsetDateTime);

impl Moment {
    fn seconds(self) -> OffsetDateTime {
        let utc = self.0.to_offset(time::UtcOffset::UTC);
        utc.replace_nanosecond(0).unwrap_or(utc)
    }

    /// As programs have it.
    pub fn rfc3339(self) -> String {
        self.seconds().format(&Rfc3339).unwrap_or_default()
    }

    /// The day alone.
    pub fn day(self) -> String {
        let day = format_description!("[year]-[month]-[day]");
        self.seconds().format(day).unwrap_or_default()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
        f.write_str(&self.seconds().format(format).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}
