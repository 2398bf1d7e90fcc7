//! AWS's simple shapes with their lengths, ranges and patterns (botocore `kms` 2014-11-01).

use super::EncryptionContext;
use super::member::{Member, Violations};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes that are base64 on the wire; wiped when dropped, and never shown.
pub struct Blob(pub Zeroizing<Vec<u8>>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl<'de> serde::Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Blob;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Blob, E> {
                STANDARD
                    .decode(text)
                    .map(|bytes| Blob(Zeroizing::new(bytes)))
                    .map_err(|_| E::custom("not base64"))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl serde::Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(&*self.0)))
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// A text newtype with a length range and a check of its characters.
macro_rules! text_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal, $pattern:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub String);

        impl Member for $name {
            type Wire = String;
            fn check(wire: String, at: &'static str, violations: &mut Violations) -> Option<Self> {
                let length = violations.length(at, Some(&wire), wire.chars().count(), $min, $max);
                let check: fn(char) -> bool = $check;
                let pattern = wire.chars().all(check);
                if !pattern {
                    violations.breaks(at, Some(&wire), concat!("satisfy regular expression pattern: ", $pattern));
                }
                (length && pattern).then_some(Self(wire))
            }
            fn recorded(&self) -> Option<Value> {
                Some(Value::from(self.0.as_str()))
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_shape! {
    /// `KeyIdType`.
    KeyId 1..=2048, ".*", |_| true;
    /// `AliasNameType`.
    AliasName 1..=256, "^[a-zA-Z0-9:/_-]+$",
        |c| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '_' | '-');
    /// `DescriptionType`.
    Description 0..=8192, ".*", |_| true;
    /// `MarkerType`.
    Marker 1..=1024, "[\\u0020-\\u00FF]*", |c| matches!(c, '\u{20}'..='\u{ff}');
    /// `PolicyType`.
    Policy 1..=131072, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
        |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    /// `CustomKeyStoreIdType`.
    CustomKeyStoreId 1..=64, ".*", |_| true;
    /// `BackingKeyIdType`: a `KeyMaterialId`.
    KeyMaterialId 64..=64, "^[a-f0-9]+$", |c| matches!(c, 'a'..='f' | '0'..='9');
    /// `KeyMaterialDescriptionType`.
    KeyMaterialDescription 0..=256, "^[a-zA-Z0-9:/_\\s.-]+$",
        |c| c.is_ascii_alphanumeric() || c.is_whitespace() || matches!(c, ':' | '/' | '_' | '.' | '-');
    /// `XksKeyIdType`.
    XksKeyId 1..=128, "^[a-zA-Z0-9-_.]+$",
        |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
}

/// A blob newtype with a length range; never recorded.
macro_rules! blob_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Blob);

        impl Member for $name {
            type Wire = Blob;
            fn check(wire: Blob, at: &'static str, violations: &mut Violations) -> Option<Self> {
                violations.length(at, None, wire.0.len(), $min, $max).then_some(Self(wire))
            }
            fn recorded(&self) -> Option<Value> {
                None
            }
        }

        impl std::ops::Deref for $name {
            type Target = [u8];
            fn deref(&self) -> &[u8] {
                &self.0.0
            }
        }
    )*};
}

blob_shape! {
    /// `PlaintextType`: also the `Message` of Sign and GenerateMac.
    Plaintext 1..=4096;
    /// `CiphertextType`: also signatures and MACs.
    Ciphertext 1..=6144;
}

/// An integer newtype with a range.
macro_rules! integer_shape {
    ($($(#[$doc:meta])* $name:ident $min:literal ..= $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub i64);

        impl Member for $name {
            type Wire = i64;
            fn check(wire: i64, at: &'static str, violations: &mut Violations) -> Option<Self> {
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
    )*};
}

integer_shape! {
    /// `LimitType`.
    Limit 1..=1000;
    /// `NumberOfBytesType`.
    NumberOfBytes 1..=1024;
    /// `PendingWindowInDaysType`; ScheduleKeyDeletion narrows it to 7 to 30.
    PendingWindowInDays 1..=365;
}

/// `BooleanType`.
#[derive(Debug, Clone, Copy)]
pub struct Flag(pub bool);

impl Member for Flag {
    type Wire = bool;
    fn check(wire: bool, _: &'static str, _: &mut Violations) -> Option<Self> {
        Some(Self(wire))
    }
    fn recorded(&self) -> Option<Value> {
        Some(Value::from(self.0))
    }
}

impl Member for EncryptionContext {
    type Wire = BTreeMap<String, String>;
    fn check(wire: Self::Wire, at: &'static str, violations: &mut Violations) -> Option<Self> {
        let context = EncryptionContext(wire);
        violations
            .length(
                at,
                None,
                context.len_bytes(),
                0,
                EncryptionContext::MAX_BYTES,
            )
            .then_some(context)
    }
    fn recorded(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

/// `GrantTokenList`: names of grants, never bearer rights.
#[derive(Debug, Clone)]
pub struct GrantTokens(pub Vec<String>);

impl Member for GrantTokens {
    type Wire = Vec<String>;
    fn check(wire: Self::Wire, at: &'static str, violations: &mut Violations) -> Option<Self> {
        let list = violations.length(at, None, wire.len(), 0, 10);
        let each = wire
            .iter()
            .all(|t| violations.length(at, None, t.chars().count(), 1, 8192));
        (list && each).then_some(Self(wire))
    }
    fn recorded(&self) -> Option<Value> {
        None
    }
}

/// `Tag`, and the `TagList` that CreateKey takes.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Tag {
    pub tag_key: String,
    pub tag_value: String,
}

/// `TagList`.
#[derive(Debug, Clone)]
pub struct Tags(pub Vec<Tag>);

impl Member for Tags {
    type Wire = Vec<Tag>;
    fn check(wire: Self::Wire, _: &'static str, violations: &mut Violations) -> Option<Self> {
        let mut right = true;
        for tag in &wire {
            let (key, value) = (&tag.tag_key, &tag.tag_value);
            right &= violations.length("tag_key", Some(key), key.chars().count(), 1, 128);
            right &= violations.length("tag_value", Some(value), value.chars().count(), 0, 256);
        }
        right.then_some(Self(wire))
    }
    fn recorded(&self) -> Option<Value> {
        let tag = |t: &Tag| serde_json::json!({"tagKey": t.tag_key, "tagValue": t.tag_value});
        Some(self.0.iter().map(tag).collect())
    }
}

/// A member whose content is not looked into: its presence is refused or ignored by name.
#[derive(Debug, Clone)]
pub struct Opaque;

impl Member for Opaque {
    type Wire = serde::de::IgnoredAny;
    fn check(_: Self::Wire, _: &'static str, _: &mut Violations) -> Option<Self> {
        Some(Self)
    }
    fn recorded(&self) -> Option<Value> {
        None
    }
}

/// A point in time, on the wire the seconds since 1970 with milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timestamp(pub time::OffsetDateTime);

impl Member for Timestamp {
    type Wire = f64;
    fn check(wire: f64, at: &'static str, violations: &mut Violations) -> Option<Self> {
        // Beyond the years that a date can have, the cast stops at a number that no date is.
        let millis = i128::from((wire * 1000.0).round() as i64);
        let date = time::OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000);
        if date.is_err() {
            violations.breaks(at, None, "be a valid timestamp");
        }
        date.ok().map(Self)
    }
    fn recorded(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.unix_timestamp_nanos() / 1_000_000;
        serializer.serialize_f64(millis as f64 / 1000.0)
    }
}
