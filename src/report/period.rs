//! The period that a report is about, and the steps in which it is drawn.

use super::moment::Moment;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, Time};

/// From a point in time on, and before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// The first moment of it.
    pub from: Moment,
    /// The first that is not.
    pub to: Moment,
}

/// Equal parts of a period.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Steps {
    /// Where the first begins.
    pub from: Moment,
    /// How long each is.
    pub seconds: i64,
    /// How many there are.
    pub many: usize,
}

/// The most bars of a plot.
const MOST: i64 = 100;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// How long a bar may be.
const LENGTHS: [i64; 7] = [HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 91 * DAY, 364 * DAY];

impl Period {
    /// Reads both ends: `2026-11-28` or RFC 3339. A day that is the end is part of the period.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(from: &str, to: &str) -> Result<Self, String> {
        let from = moment(from, Duration::ZERO)?;
        let to = moment(to, Duration::DAY)?;
        if from >= to {
            return Err("--from must be before --to".into());
        }
        Ok(Self {
            from: Moment(from),
            to: Moment(to),
        })
    }

    /// The part of it that is over at `now`; nothing of it where it is yet to begin.
    #[must_use]
    pub fn until(self, now: OffsetDateTime) -> Self {
        let to = self.to.min(Moment(now)).max(self.from);
        Self { to, ..self }
    }

    /// Parts of it for a plot.
    pub fn steps(self) -> Steps {
        let whole = (self.to.0 - self.from.0).whole_seconds().max(1);
        let many = |length: i64| (whole + length - 1) / length;
        let length = LENGTHS.into_iter().find(|length| many(*length) <= MOST);
        let seconds = length.unwrap_or((whole + MOST - 1) / MOST);
        Steps {
            from: self.from,
            seconds,
            many: usize::try_from(many(seconds)).unwrap_or(1),
        }
    }
}

impl Steps {
    /// Which of them a moment is in; what is outside is in the nearest.
    pub fn of(self, at: OffsetDateTime) -> usize {
        let step = (at - self.from.0).whole_seconds().max(0) / self.seconds;
        usize::try_from(step)
            .unwrap_or(0)
            .min(self.many.saturating_sub(1))
    }

    /// Where one begins.
    pub fn start(self, step: usize) -> Moment {
        let seconds = self
            .seconds
            .saturating_mul(i64::try_from(step).unwrap_or(i64::MAX));
        Moment(self.from.0.saturating_add(Duration::seconds(seconds)))
    }

    /// How long each is, in words.
    pub fn each(self) -> String {
        match self.seconds {
            HOUR => "hour".into(),
            DAY => "day".into(),
            seconds if seconds % DAY == 0 => format!("{} days", seconds / DAY),
            seconds if seconds % HOUR == 0 => format!("{} hours", seconds / HOUR),
            seconds => format!("{seconds} seconds"),
        }
    }
}

fn moment(text: &str, of_day: Duration) -> Result<OffsetDateTime, String> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    if let Ok(day) = day {
        let midnight = day.with_time(Time::MIDNIGHT).assume_utc();
        return Ok(midnight.saturating_add(of_day));
    }
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| format!("{text:?} is no date: write 2026-11-28 or 2026-11-28T19:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_is_part_of_it() {
        let period = Period::parse("2026-10-01", "2026-10-31").unwrap();
        assert_eq!(period.from.rfc3339(), "2026-10-01T00:00:00Z");
        assert_eq!(period.to.rfc3339(), "2026-11-01T00:00:00Z");
        assert_eq!(period.steps().many, 31);
        let exact = Period::parse("2026-10-01T00:00:00Z", "2026-10-01T01:30:00+01:00").unwrap();
        assert_eq!(exact.to.rfc3339(), "2026-10-01T00:30:00Z");
        for (from, to) in [("2026-10-02", "2026-10-01"), ("yesterday", "2026-10-01")] {
            assert!(Period::parse(from, to).is_err());
        }
    }

    #[test]
    fn steps_cover_the_period_and_are_not_too_many() {
        for (from, to) in [
            ("2026-10-01", "2026-10-01"),
            ("2026-10-01", "2026-12-31"),
            ("2000-01-01", "2026-12-31"),
            ("0001-01-01", "9998-12-31"),
        ] {
            let period = Period::parse(from, to).unwrap();
            let steps = period.steps();
            assert!((1..=100).contains(&steps.many), "{from} {to} {steps:?}");
            assert_eq!(steps.of(period.from.0), 0);
            let last = period.to.0 - Duration::seconds(1);
            assert_eq!(steps.of(last), steps.many - 1);
            assert!(steps.start(steps.many - 1).0 <= last);
        }
    }
}
