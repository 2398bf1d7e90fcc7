//! Tags: what a key's owner says of it, by name and value.

pub mod list_resource_tags;
pub mod tag_resource;
pub mod untag_resource;

use super::OperationName;
use super::access::{Further, New};
use crate::model::Region;
use crate::model::shapes::Tags;
use crate::{Error, ErrorCode};
use std::collections::BTreeMap;

/// The most tags of a key.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html>.
const MAX_TAGS: usize = 50;

pub(super) fn refused(message: &str) -> Error {
    Error::new(ErrorCode::Tag, message)
}

/// A tag, as answers have it.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Tag {
    pub tag_key: String,
    pub tag_value: String,
}

impl From<(&String, &String)> for Tag {
    fn from((key, value): (&String, &String)) -> Self {
        Self {
            tag_key: key.clone(),
            tag_value: value.clone(),
        }
    }
}

/// The tags of a request, by their keys.
///
/// # Errors
/// `TagException`.
pub(super) fn by_key(given: Option<&Tags>) -> Result<BTreeMap<String, String>, Error> {
    let given = given.into_iter().flat_map(|tags| &tags.0);
    checked(given.map(|tag| (&*tag.tag_key, &*tag.tag_value)))
}

/// Tags that may be put on something, by their keys.
///
/// # Errors
/// `TagException`.
pub(super) fn checked<'t>(
    given: impl Iterator<Item = (&'t str, &'t str)>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut map = BTreeMap::new();
    for (key, value) in given {
        check_key(key)?;
        // Nothing that Postgres, or a reader of its records, could stumble over.
        if key.contains(char::is_control) || value.contains(char::is_control) {
            return Err(refused("Tags must not contain control characters"));
        }
        if map.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(refused("Duplicate tag keys"));
        }
    }
    check_number(&map)?;
    Ok(map)
}

/// What a request that makes a key needs besides, if it gives it tags.
pub(super) fn tagging<'i>(given: Option<&Tags>, region: Option<&'i Region>) -> Option<Further<'i>> {
    given.map(|_| Further {
        action: OperationName::TagResource.action(),
        on: New::Key(region),
    })
}

/// # Errors
/// `TagException` for a key that is AWS's.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    match key.to_ascii_lowercase().starts_with("aws:") {
        true => Err(refused("Tags beginning with aws: are reserved")),
        false => Ok(()),
    }
}

/// # Errors
/// `TagException` for more than there may be.
pub(super) fn check_number(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    match tags.len() > MAX_TAGS {
        true => Err(refused("Too many tags")),
        false => Ok(()),
    }
}
