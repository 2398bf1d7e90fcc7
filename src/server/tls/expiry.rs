//! A certificate that will soon expire is spoken of while there is time.

use time::OffsetDateTime;

/// Of the whole life of a certificate by ACME, which is 90 days and less, the last sixth.
const SOON: i64 = 14 * DAY;
const DAY: i64 = 86_400;

/// Warns of a certificate that expires: at once, and then once a day.
#[derive(Default)]
pub(super) struct Reminder {
    /// Of which, by the time that it expires, and when.
    last: Option<(i64, i64)>,
}

impl Reminder {
    /// Logs, if it is time to.
    pub(super) fn remind(&mut self, section: &str, expires: i64, now: OffsetDateTime) {
        let now = now.unix_timestamp();
        if !self.is_due(expires, now) {
            return;
        }
        match expires - now {
            ..=0 => log::error!("the certificate of [{section}] has expired: renew it"),
            left => {
                let days = left / DAY;
                log::warn!("the certificate of [{section}] expires in {days} days: renew it");
            }
        }
    }

    fn is_due(&mut self, expires: i64, now: i64) -> bool {
        let reminded = self
            .last
            .is_some_and(|(of, at)| of == expires && now - at < DAY);
        let due = expires - now < SOON && !reminded;
        if due {
            self.last = Some((expires, now));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_day_in_the_last_two_weeks() {
        let expires = 100 * DAY;
        let mut reminder = Reminder::default();
        assert!(!reminder.is_due(expires, expires - SOON));
        assert!(reminder.is_due(expires, expires - SOON + 1));
        assert!(!reminder.is_due(expires, expires - SOON + DAY));
        assert!(reminder.is_due(expires, expires - SOON + DAY + 1));
        // Another one, which is no better.
        assert!(reminder.is_due(expires + 1, expires - SOON + DAY + 2));
        assert!(!reminder.is_due(expires + SOON + DAY + 2, expires - SOON + DAY + 2));
        assert!(reminder.is_due(expires, expires + 1));
    }
}
