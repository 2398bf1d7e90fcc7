//! What is said of the session that a role is to be assumed for.

use crate::model::shapes::IdentityTag;
use crate::operation::tags::checked;
use crate::{Error, ErrorCode};
use std::collections::{BTreeMap, BTreeSet};

/// Of a request to assume a role.
#[derive(Debug, Clone, Copy)]
pub struct Assuming<'i> {
    /// The role's ARN.
    pub role: &'i str,
    /// `RoleSessionName`.
    pub session: &'i str,
    /// `ExternalId`.
    pub external_id: Option<&'i str>,
    /// Session tags.
    pub tags: &'i [IdentityTag],
}

/// The tags of a session.
///
/// # Errors
/// `ValidationException`: one key twice, whatever its case; `TagException`: one that nothing may have.
pub(super) fn tags(given: &[IdentityTag]) -> Result<BTreeMap<String, String>, Error> {
    let mut seen = BTreeSet::new();
    if !given.iter().all(|tag| seen.insert(tag.key.to_lowercase())) {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(Error::new(ErrorCode::Validation, message));
    }
    checked(given.iter().map(|tag| (&*tag.key.0, &*tag.value.0)))
}
