//! What leads to a key, by another name or for somebody else.

use crate::model::{AccountId, Constraints, GrantOperationSet, Region};
use time::OffsetDateTime;
use uuid::Uuid;

/// A name for a key.
#[derive(Debug, Clone)]
pub struct Alias {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// The account it belongs to.
    pub account: AccountId,
    /// The Region it belongs to.
    pub region: Region,
    /// With its `alias/`.
    pub name: String,
    /// The key id of its target, in the same account and Region.
    pub key_id: String,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
    /// When it was last pointed at a key.
    pub updated: OffsetDateTime,
}

/// Who else may use a key, and for what. Nothing of it ever changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// As of any row; a grant is never written again.
    pub row_version: i64,
    /// The row of its key.
    pub key: Uuid,
    /// The account of its key.
    pub account: AccountId,
    /// The Region of its key.
    pub region: Region,
    /// Its key's id.
    pub key_id: String,
    /// AWS's grant id: 64 hexadecimal digits.
    pub grant_id: String,
    /// What its maker calls it.
    pub name: Option<String>,
    /// Who may use the key: a principal's ARN, or a service's name.
    pub grantee: String,
    /// Who may retire the grant: likewise.
    pub retiring: Option<String>,
    /// The account that made it.
    pub issuer: AccountId,
    /// What the key may be used for.
    pub operations: GrantOperationSet,
    /// On which conditions.
    pub constraints: Option<Constraints>,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
}
