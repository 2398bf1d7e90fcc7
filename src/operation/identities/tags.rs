//! Tags of users, roles and sessions. Keys that differ in case alone are the same tag.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.

use crate::Error;
use crate::model::shapes::{IdentityTags, TagKeys};
use crate::operation::tags::{check_key, check_number, checked, refused};
use crate::store::Identity;
use std::collections::{BTreeMap, BTreeSet};

/// A tag, as answers have it.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// An identity's tags, as answers have them.
pub(super) fn of(identity: &Identity) -> Vec<Tag> {
    let tags = identity.tags.clone().into_iter();
    tags.map(|(key, value)| Tag { key, value }).collect()
}

/// The tags of a request, by their keys.
///
/// # Errors
/// `TagException`.
pub(in crate::operation) fn by_key(
    given: Option<&IdentityTags>,
) -> Result<BTreeMap<String, String>, Error> {
    let given = given.map_or(&[][..], |tags| &tags.0);
    let mut seen = BTreeSet::new();
    if !given.iter().all(|tag| seen.insert(tag.key.to_lowercase())) {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(refused(message));
    }
    checked(given.iter().map(|tag| (&*tag.key, &*tag.value)))
}

/// Whether the keys may be taken away.
///
/// # Errors
/// `TagException`.
pub(super) fn check_keys(keys: &TagKeys) -> Result<(), Error> {
    keys.0.iter().try_for_each(|key| check_key(key))
}

/// Adds the tags to those of `identity`.
///
/// # Errors
/// `TagException`.
pub(super) fn add(given: &IdentityTags, identity: &mut Identity) -> Result<(), Error> {
    for (key, value) in by_key(Some(given))? {
        remove(&key, identity);
        identity.tags.insert(key, value);
    }
    check_number(&identity.tags)
}

/// Takes tags away. One that is not there is no error.
pub(super) fn remove_all(keys: &TagKeys, identity: &mut Identity) {
    for key in &keys.0 {
        remove(key, identity);
    }
}

fn remove(key: &str, identity: &mut Identity) {
    let key = key.to_lowercase();
    identity.tags.retain(|other, _| other.to_lowercase() != key);
}
