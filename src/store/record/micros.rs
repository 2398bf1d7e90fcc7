//! When something was.

use std::fmt;
use std::num::NonZeroI64;
use time::{Duration, OffsetDateTime};

/// Added to the microseconds since 1970: then those of no year are 0.
const OFFSET: i64 = 1 << 62;

/// An instant to the microsecond, as Postgres keeps it. It takes 8 bytes, whether there is one or not,
/// where [`OffsetDateTime`] takes 16.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Micros(NonZeroI64);

impl Micros {
    /// The same instant.
    pub fn time(self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::microseconds(self.0.get() - OFFSET)
    }
}

impl From<OffsetDateTime> for Micros {
    fn from(time: OffsetDateTime) -> Self {
        let micros = time.unix_timestamp_nanos().div_euclid(1000) as i64;
        // The years of an OffsetDateTime are far nearer to 1970 than the offset.
        Self(NonZeroI64::new(micros + OFFSET).unwrap_or(NonZeroI64::MAX))
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.time(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn it_is_the_instant_to_the_microsecond() {
        for (time, micros) in [
            (datetime!(1970-01-01 00:00:00.000001999 UTC), 1_000),
            (datetime!(1969-12-31 23:59:59.999999999 UTC), 999_999_000),
            (datetime!(-9999-01-01 00:00 UTC), 0),
            (datetime!(9999-12-31 23:59:59.9 +01:00), 900_000_000),
        ] {
            let same = time.replace_nanosecond(micros).unwrap();
            assert_eq!(Micros::from(time).time(), same);
        }
        assert_eq!(size_of::<Option<Micros>>(), 8);
    }
}
