//! What is said of the session that a role is to be assumed for.

use crate::model::shapes::IdentityTag;

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
