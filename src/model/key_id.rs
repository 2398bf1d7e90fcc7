//! The four ways to name a key, and how one of its versions is named.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>. AWS names
//! no version; here `/version/` and its number may follow a key id or a key ARN. A key id has no
//! slash, so that is no other key's name; an alias may have one, so none may follow an alias.

use super::arn::text;
use super::ascii::Ascii;
use super::{AccountId, Region};
use crate::{Error, ErrorCode};
use std::ops::Deref;
use uuid::Uuid;

/// What the id of a multi-Region key begins with, and no other's does.
pub const MULTI_REGION: &str = "mrk-";
/// Between a key and the number of one of its versions.
const VERSION: &str = "/version/";

text! {
    /// A key's id by itself: a UUID, or `mrk-` and 32 hexadecimal digits.
    BareKeyId(Ascii<36>), is_key_id
}

impl BareKeyId {
    /// That of a new key.
    pub fn of(random: Uuid, multi_region: bool) -> Self {
        let text = match multi_region {
            true => format!("{MULTI_REGION}{}", random.simple()),
            false => random.to_string(),
        };
        // Unwrap safety: both have the form.
        #[allow(clippy::expect_used)]
        Self::parse(&text).expect("a key id")
    }
}

impl Deref for BareKeyId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A `KeyId` member, parsed. Account and Region are `None` where the name leaves them to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// From an ARN.
    pub place: Option<(AccountId, Region)>,
    /// What is named there.
    pub resource: KeyResource,
    /// The number of the version that is named, where one is: from 1.
    pub version: Option<i32>,
}

/// What a [`KeyName`] names within its account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyResource {
    /// A key id.
    Key(BareKeyId),
    /// An alias name, with its `alias/`.
    Alias(String),
}

/// Which ways of naming a key an operation accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForms {
    /// Key id, key ARN, alias name, alias ARN: cryptographic operations and DescribeKey.
    Any,
    /// Key id or key ARN: most management operations.
    KeyOnly,
}

impl KeyName {
    /// Parses the text of a `KeyId`. A text of no known form is a key id that cannot exist.
    ///
    /// # Errors
    /// `NotFoundException` as AWS words it, for a text that is no ARN, alias or key id;
    /// `NotFoundException` "Invalid arn" for a malformed ARN.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some(rest) = text.strip_prefix("arn:") else {
            let (resource, version) = parse(text, &format!("Invalid keyId '{text}'"))?;
            return Ok(Self {
                place: None,
                resource,
                version,
            });
        };
        let invalid = || Error::new(ErrorCode::NotFound, format!("Invalid arn {text}"));
        let mut parts = rest.splitn(5, ':');
        let (Some(_partition), Some("kms"), Some(region), Some(account), Some(resource)) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(invalid());
        };
        let region = Region::parse(region).ok_or_else(invalid)?;
        let account = AccountId::parse(account).ok_or_else(invalid)?;
        let (resource, version) = match resource.strip_prefix("key/") {
            Some(id) => parse(id, &format!("Invalid arn {text}"))?,
            None if resource.starts_with("alias/") => {
                (KeyResource::Alias(resource.to_owned()), None)
            }
            None => return Err(invalid()),
        };
        Ok(Self {
            place: Some((account, region)),
            resource,
            version,
        })
    }
}

/// A version's name: `name` is its key's id or ARN.
pub fn version_of(name: &str, number: i32) -> String {
    format!("{name}{VERSION}{number}")
}

fn parse(text: &str, message: &str) -> Result<(KeyResource, Option<i32>), Error> {
    if text.starts_with("alias/") {
        return Ok((KeyResource::Alias(text.to_owned()), None));
    }
    let invalid = || Error::new(ErrorCode::NotFound, message);
    let (id, version) = match text.split_once(VERSION) {
        Some((id, number)) => (id, Some(version_number(number).ok_or_else(invalid)?)),
        None => (text, None),
    };
    let id = BareKeyId::parse(id).ok_or_else(invalid)?;
    Ok((KeyResource::Key(id), version))
}

/// Written in one way only.
fn version_number(text: &str) -> Option<i32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    digits.then(|| text.parse().ok()).flatten()
}

fn is_key_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match text.strip_prefix(MULTI_REGION) {
        Some(rest) => rest.len() == 32 && hex(rest),
        None => {
            text.len() == 36
                && text.char_indices().all(|(at, c)| match at {
                    8 | 13 | 18 | 23 => c == '-',
                    _ => matches!(c, '0'..='9' | 'a'..='f'),
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms() {
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(
            KeyName::parse(id).unwrap().resource,
            KeyResource::Key(BareKeyId::parse(id).unwrap())
        );
        let arn = KeyName::parse(&format!("arn:aws:kms:us-east-1:111122223333:key/{id}")).unwrap();
        assert_eq!(arn.place.unwrap().0.as_str(), "111122223333");
        let alias = KeyName::parse("alias/a/b").unwrap();
        assert_eq!(alias.resource, KeyResource::Alias("alias/a/b".into()));
        let arn = KeyName::parse("arn:aws:kms:us-east-1:111122223333:alias/x").unwrap();
        assert_eq!(arn.resource, KeyResource::Alias("alias/x".into()));
    }

    #[test]
    fn a_version_of_a_key_and_of_no_alias() {
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
        for key in [id, &arn] {
            let mut named = KeyName::parse(&version_of(key, 12)).unwrap();
            assert_eq!(named.version.take(), Some(12));
            assert_eq!(named, KeyName::parse(key).unwrap());
        }
        let alias = KeyName::parse("alias/x/version/1").unwrap();
        assert_eq!(alias.version, None);
        assert_eq!(
            alias.resource,
            KeyResource::Alias("alias/x/version/1".into())
        );
    }

    #[test]
    fn what_is_none_of_them() {
        for text in [
            "key_id",
            "mrk-fake-key-id",
            "arn:aws:kms:us-east-1:1:key/x",
            "arn:aws:s3:::b",
        ] {
            assert_eq!(
                KeyName::parse(text).unwrap_err().code(),
                ErrorCode::NotFound,
                "{text}"
            );
        }
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        for version in ["0", "01", "-1", "+1", "", "1/version/2", "x", "2147483648"] {
            let error = KeyName::parse(&format!("{id}/version/{version}")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::NotFound, "{version}");
        }
        assert_eq!(
            KeyName::parse("key_id").unwrap_err().message(),
            "Invalid keyId 'key_id'"
        );
    }
}
