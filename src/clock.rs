//! The only place that reads the time of day.

use time::OffsetDateTime;

/// Where the time of day comes from.
pub trait Clock: Send + Sync + 'static {
    /// The current instant, UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // this is the one place
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
