//! Numbers, booleans and points in time.

use crate::model::member::{Member, Violations};
use serde_json::Value;
use time::OffsetDateTime;

/// An integer newtype with a range.
macro_rules! integer_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub i64);

        impl Member for $name {
            type Wire = i64;
            fn check(wire: i64, at: &str, violations: &mut Violations) -> Option<Self> {
                let text = wire.to_string();
                if wire < $min {
                    violations.breaks(at, Some(&text), concat!("have value greater than or equal to ", $min));
                } else if wire > $max {
                    violations.breaks(at, Some(&text), concat!("have value less than or equal to ", $max));
                }
                ($min..=$max).contains(&wire).then_some(Self(wire))
            }
            fn recorded(&self) -> Option<Value> {
                Some(Value::from(self.0))
            }
        }

        impl From<$name> for i64 {
            fn from(value: $name) -> i64 {
                value.0
            }
        }
    )*};
}

integer_shape! {
    /// `LimitType`.
    Limit 1..=1000;
    /// `LimitType`, as the lists of grants narrow it.
    GrantLimit 1..=100;
    /// Of the gateway's own, for approval requests.
    ApprovalLimit 1..=100;
    /// `LimitType`, as ListResourceTags narrows it.
    TagLimit 1..=50;
    /// `NumberOfBytesType`.
    NumberOfBytes 1..=1024;
    /// `PendingWindowInDaysType`, as the page of ScheduleKeyDeletion narrows it.
    PendingWindowInDays 7..=30;
    /// `RotationPeriodInDaysType`.
    RotationPeriodInDays 90..=2560;
    /// IAM's `roleMaxSessionDurationType`, in seconds.
    MaxSessionDuration 3600..=43200;
    /// The number of a key version: the gateway's own.
    KeyVersionNumber 1..=2147483647;
}

/// An integer of the query protocol, where every value is a text.
macro_rules! text_integer_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub u16);

        impl Member for $name {
            type Wire = String;
            fn check(wire: String, at: &str, violations: &mut Violations) -> Option<Self> {
                match wire.parse() {
                    Ok(number) if ($min..=$max).contains(&number) => Some(Self(number)),
                    _ => {
                        let range = concat!("have a value between ", $min, " and ", $max);
                        violations.breaks(at, Some(&wire), range);
                        None
                    }
                }
            }
            fn recorded(&self) -> Option<Value> {
                Some(Value::from(self.0))
            }
        }
    )*};
}

text_integer_shape! {
    /// STS's `roleDurationSecondsType`.
    DurationSeconds 900..=43200;
    /// STS's `minimumSessionTokenSizeType`, in characters.
    MinimumSessionTokenSize 0..=4096;
}

/// `BooleanType`, `NullableBooleanType`.
#[derive(Debug, Clone, Copy)]
pub struct Flag(pub bool);

impl Member for Flag {
    type Wire = bool;
    fn check(wire: bool, _: &str, _: &mut Violations) -> Option<Self> {
        Some(Self(wire))
    }
    fn recorded(&self) -> Option<Value> {
        Some(Value::from(self.0))
    }
}

/// `DateType`: a point in time, on the wire the seconds since 1970 with milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timestamp(pub OffsetDateTime);

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.unix_timestamp_nanos() / 1_000_000;
        serializer.serialize_f64(millis as f64 / 1000.0)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let millis = (seconds * 1000.0).round() as i128; // saturates where there is no such time
        OffsetDateTime::from_unix_timestamp_nanos(millis.saturating_mul(1_000_000))
            .map(Timestamp)
            .map_err(|_| serde::de::Error::custom("not a point in time"))
    }
}

impl Member for Timestamp {
    type Wire = Self;
    fn check(wire: Self, _: &str, _: &mut Violations) -> Option<Self> {
        Some(wire)
    }
    fn recorded(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}
