//! Numbers, dates, addresses: what the values of conditions are read as.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use std::net::IpAddr;
use time::{Date, Month};

/// An integer or decimal number, exactly: up to 18 digits on either side of the point, in units of
/// 10^-18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal(i128);

/// A moment: seconds since the epoch, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64, u32);

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl Decimal {
    const PLACES: usize = 18;

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() > Self::PLACES || fraction.len() > Self::PLACES {
            return None;
        }
        let zeros = Self::PLACES - fraction.len();
        let units = [whole, fraction].concat() + &"0".repeat(zeros);
        let units: i128 = units.parse().ok()?;
        Some(Self(if negative { -units } else { units }))
    }
}

impl Moment {
    /// Reads one of the W3C's forms of ISO 8601 (a year, a month, a day, or a time of a day with
    /// its zone), or seconds since the epoch. Four digits are a year.
    ///
    /// Source: <https://www.w3.org/TR/NOTE-datetime>.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let seconds = text.strip_prefix('-').unwrap_or(text);
        if digits(seconds) && text.len() != 4 {
            return Some(Self(text.parse().ok()?, 0));
        }
        let (day, time) = match text.split_once('T') {
            Some((day, time)) if day.len() == 10 => (day, Some(time)),
            Some(_) => return None,
            None => (text, None),
        };
        let mut parts = day.split('-');
        let year = number(parts.next()?, 4)?;
        let month = parts.next().map_or(Some(1), |part| number(part, 2))?;
        let of_month = parts.next().map_or(Some(1), |part| number(part, 2))?;
        if parts.next().is_some() {
            return None;
        }
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date = Date::from_calendar_date(
            i32::try_from(year).ok()?,
            month,
            u8::try_from(of_month).ok()?,
        );
        let midnight = date.ok()?.midnight().assume_utc().unix_timestamp();
        let (seconds, nanoseconds) = time.map_or(Some((0, 0)), time_of_day)?;
        Some(Self(midnight + seconds, nanoseconds))
    }
}

/// A number of exactly so many digits.
fn number(text: &str, width: usize) -> Option<i64> {
    if text.len() != width || !digits(text) {
        return None;
    }
    text.parse().ok()
}

/// Seconds since midnight UTC, and nanoseconds, of `hh:mm[:ss[.s…]]` and `Z` or `±hh:mm`.
fn time_of_day(text: &str) -> Option<(i64, u32)> {
    let zone = text.find(['Z', '+', '-'])?;
    let (clock, zone) = text.split_at(zone);
    let hours_and_minutes = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
        (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)
    };
    let offset = match zone.split_at(1) {
        ("Z", "") => 0,
        ("+", zone) => hours_and_minutes(zone)?,
        ("-", zone) => -hours_and_minutes(zone)?,
        _ => return None,
    };
    let (minute, seconds) = match clock.len() {
        5 => (clock, "00"),
        _ => (clock.get(..5)?, clock.get(5..)?.strip_prefix(':')?),
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let seconds = number(seconds, 2).filter(|seconds| *seconds < 60)?;
    if !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    Some((hours_and_minutes(minute)? - offset + seconds, nanoseconds))
}

impl Network {
    /// Reads an address, or a range in CIDR notation; an address by itself is a range of one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) if digits(prefix) => prefix.parse().ok()?,
            Some(_) => return None,
            None => widest,
        };
        (prefix <= widest).then_some(Self { address, prefix })
    }

    /// Whether an address is in it. An IPv4 address that was written as an IPv6 one is an IPv4
    /// address.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - self.prefix;
                let bits = |bits: u32| bits.checked_shr(shift).unwrap_or(0);
                bits(own.to_bits()) == bits(other.to_bits())
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - self.prefix;
                let bits = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
                bits(own.to_bits()) == bits(other.to_bits())
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        let number = |text: &str| Decimal::parse(text).expect(text);
        assert_eq!(number("10"), number("010.000"));
        assert_eq!(number("-0"), number("0"));
        assert!(number("0.1") < number("0.11"));
        assert!(number("-2") < number("-1.5"));
        assert!(number("9007199254740993") > number("9007199254740992"));
        for wrong in ["", "-", "1.", ".5", "1e3", "0x1", "1,0", "--1", "ten"] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(19)), None);
    }

    #[test]
    fn moments_in_every_form() {
        for (text, seconds, nanoseconds) in [
            ("1970", 0, 0),
            ("2013-07", 1_372_636_800, 0),
            ("2013-06-30", 1_372_550_400, 0),
            ("2013-06-30T00:01Z", 1_372_550_460, 0),
            ("2013-06-30T00:00:01Z", 1_372_550_401, 0),
            ("2013-06-30T02:00:00+02:00", 1_372_550_400, 0),
            ("2013-06-29T22:30:00.5-01:30", 1_372_550_400, 500_000_000),
            ("1372550400", 1_372_550_400, 0),
            ("0", 0, 0),
            ("-1", -1, 0),
        ] {
            assert_eq!(
                Moment::parse(text),
                Some(Moment(seconds, nanoseconds)),
                "{text}"
            );
        }
        for wrong in [
            "",
            "now",
            "2013-13",
            "2013-02-30",
            "2013-1-1",
            "2013-06-30T00:00:01",
            "2013-06-30T24:00Z",
            "2013-06-30T00:60Z",
            "2013-06-30T00:00:60Z",
            "2013-06T00:00Z",
            "2013-06-30 00:00:01Z",
            "2013-06-30T00:00:01.Z",
            "20130930T231548Z",
            "2013-06-30T00:00Zx",
            "2013-06-30-01",
            "99999999999999999999",
        ] {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ranges_of_addresses() {
        for (range, address, expected) in [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.77/24", "203.0.113.1", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5678::9", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5679::9", false),
            ("::/0", "2001:db8::1", true),
            ("203.0.113.0/24", "::ffff:203.0.113.9", true),
        ] {
            let range = Network::parse(range).expect(range);
            assert_eq!(range.contains(address.parse().unwrap()), expected);
        }
        for wrong in [
            "",
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/",
            "::/129",
            "1.2.3.4/+8",
            "*",
        ] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
