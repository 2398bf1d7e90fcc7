//! Values that are compared otherwise than as text.

use std::cmp::Ordering;
use std::net::IpAddr;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) fn number(value: &str, wanted: &str) -> Option<Ordering> {
    let value: f64 = value.parse().ok()?;
    value.partial_cmp(&wanted.parse().ok()?)
}

pub(crate) fn date(value: &str, wanted: &str) -> Option<Ordering> {
    instant(value)?.partial_cmp(&instant(wanted)?)
}

/// Seconds since 1970 of one of the formats of <http://www.w3.org/TR/NOTE-datetime>, or of a
/// number of seconds. A year alone would be a number too: it is taken to be one of seconds.
fn instant(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let full = match text.len() {
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        // 2013-08-16T12:00Z, 2013-08-16T12:00+01:00
        17 | 22 if !text[16..].starts_with(':') => format!("{}:00{}", &text[..16], &text[16..]),
        _ => text.to_owned(),
    };
    let instant = OffsetDateTime::parse(&full, &Rfc3339).ok()?;
    Some(instant.unix_timestamp_nanos() as f64 / 1e9)
}

/// Whether the address is in the range; one without a length is of one address.
pub(crate) fn in_range(value: &str, range: &str) -> bool {
    let (network, length) = match range.split_once('/') {
        Some((network, length)) => (network, Some(length)),
        None => (range, None),
    };
    let bits = |text: &str| {
        Some(match text.parse().ok()? {
            IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
            IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
        })
    };
    let (Some(value), Some(network)) = (bits(value), bits(network)) else {
        return false;
    };
    let length = length.map_or(network.len(), |length| length.parse().expect("a length"));
    value.len() == network.len() && value[..length] == network[..length]
}
