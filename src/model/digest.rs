//! A digest of JSON that is the same for the same values, however they are written.

use openssl::sha::{Sha256, sha256};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// SHA-256 over a JSON value: over its kind and itself, or the digests of its parts. The order of an
/// object's members, space and escapes make no difference, nor does a member that is null, which is
/// one that is absent. No copy is made of any text but the members' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonDigest(pub [u8; 32]);

impl JsonDigest {
    /// Of a text; `None` if it is not JSON.
    pub fn of(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    fn scalar(kind: u8, value: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(&[kind]);
        digest.update(value);
        Self(digest.finish())
    }

    fn null() -> Self {
        Self::scalar(b'n', &[])
    }
}

impl<'de> Deserialize<'de> for JsonDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = JsonDigest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<JsonDigest, E> {
        Ok(JsonDigest::null())
    }

    fn visit_bool<E>(self, value: bool) -> Result<JsonDigest, E> {
        Ok(JsonDigest::scalar(b'b', &[value.into()]))
    }

    fn visit_i64<E>(self, value: i64) -> Result<JsonDigest, E> {
        Ok(JsonDigest::scalar(b'i', &i128::from(value).to_be_bytes()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<JsonDigest, E> {
        Ok(JsonDigest::scalar(b'i', &i128::from(value).to_be_bytes()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<JsonDigest, E> {
        // 7.0 is 7: clients differ in how they write points in time.
        let whole = value as i64;
        match whole as f64 == value && value.abs() < 9e15 {
            true => Ok(JsonDigest::scalar(b'i', &i128::from(whole).to_be_bytes())),
            false => Ok(JsonDigest::scalar(b'f', &value.to_bits().to_be_bytes())),
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<JsonDigest, E> {
        Ok(JsonDigest::scalar(b's', value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonDigest, A::Error> {
        let mut digest = Sha256::new();
        digest.update(b"l");
        while let Some(JsonDigest(element)) = seq.next_element()? {
            digest.update(&element);
        }
        Ok(JsonDigest(digest.finish()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonDigest, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, JsonDigest>()? {
            if members.insert(sha256(name.as_bytes()), value).is_some() {
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        let mut digest = Sha256::new();
        digest.update(b"o");
        for (name, value) in members
            .into_iter()
            .filter(|(_, v)| *v != JsonDigest::null())
        {
            digest.update(&name);
            digest.update(&value.0);
        }
        Ok(JsonDigest(digest.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_values_however_written() {
        let same = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|text| JsonDigest::of(text.as_bytes()).expect(text));
            assert_eq!(a, b);
        };
        same(
            r#"{"A":1,"B":[true,"x"]}"#,
            r#" {"B" : [true, "\u0078"], "A": 1.0} "#,
        );
        same(r#"{"A":1,"B":null}"#, r#"{"A":1}"#);
        same(r#"{"A":{"c":"d","a":"b"}}"#, r#"{"A":{"a":"b","c":"d"}}"#);
        same("1764000000", "1764000000.0");
    }

    #[test]
    fn any_other_value_is_another() {
        let texts = [
            "{}",
            "[]",
            "\"\"",
            "null",
            "0",
            "false",
            "1",
            "1.5",
            "\"1\"",
            "true",
            "[1]",
            "[\"1\"]",
            "[[1]]",
            "[1,1]",
            "[null]",
            "[1,null]",
            "[2,1]",
            "[1,2]",
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"A":1}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{}}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":1,"ab":1}"#,
            "-1",
            "1e300",
            "9007199254740993",
        ];
        let digests = texts.map(|text| JsonDigest::of(text.as_bytes()).expect(text));
        for (at, digest) in digests.iter().enumerate() {
            assert!(!digests[..at].contains(digest), "{}", texts[at]);
        }
    }

    #[test]
    fn what_is_not_json_or_says_two_things_has_none() {
        for text in ["", "{", "{} {}", r#"{"a":1,"a":2}"#, "nul"] {
            assert_eq!(JsonDigest::of(text.as_bytes()), None, "{text}");
        }
    }
}
