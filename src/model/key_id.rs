//! The four ways to name a key.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>.

use super::{AccountId, Region};
use crate::{Error, ErrorCode};

/// What the id of a multi-Region key begins with, and no other's does.
pub const MULTI_REGION: &str = "mrk-";

/// A `KeyId` member, parsed. Account and Region are `None` where the name leaves them to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// From an ARN.
    pub place: Option<(AccountId, Region)>,
    /// What is named there.
    pub resource: KeyResource,
}

/// What a [`KeyName`] names within its account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyResource {
    /// A key id: a UUID, or `mrk-` and 32 hexadecimal digits.
    Key(String),
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
            let resource = KeyResource::parse(text, &format!("Invalid keyId '{text}'"))?;
            return Ok(Self {
                place: None,
                resource,
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
        let resource = match resource.strip_prefix("key/") {
            Some(id) => KeyResource::parse(id, &format!("Invalid arn {text}"))?,
            None if resource.starts_with("alias/") => KeyResource::Alias(resource.to_owned()),
            None => return Err(invalid()),
        };
        Ok(Self {
            place: Some((account, region)),
            resource,
        })
    }
}

impl KeyResource {
    fn parse(text: &str, message: &str) -> Result<Self, Error> {
        if text.starts_with("alias/") {
            Ok(KeyResource::Alias(text.to_owned()))
        } else if is_key_id(text) {
            Ok(KeyResource::Key(text.to_owned()))
        } else {
            Err(Error::new(ErrorCode::NotFound, message))
        }
    }
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
            KeyResource::Key(id.into())
        );
        let arn = KeyName::parse(&format!("arn:aws:kms:us-east-1:111122223333:key/{id}")).unwrap();
        assert_eq!(arn.place.unwrap().0.as_str(), "111122223333");
        let alias = KeyName::parse("alias/a/b").unwrap();
        assert_eq!(alias.resource, KeyResource::Alias("alias/a/b".into()));
        let arn = KeyName::parse("arn:aws:kms:us-east-1:111122223333:alias/x").unwrap();
        assert_eq!(arn.resource, KeyResource::Alias("alias/x".into()));
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
        assert_eq!(
            KeyName::parse("key_id").unwrap_err().message(),
            "Invalid keyId 'key_id'"
        );
    }
}
