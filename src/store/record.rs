//! What the store hands out: records without the shape of their tables.

use crate::model::{AccountId, KeySpec, KeyState, KeyUsage, Origin, Region};
use std::collections::BTreeMap;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// A CMK in one account and Region.
#[derive(Debug, Clone)]
pub struct Key {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    pub account: AccountId,
    pub region: Region,
    /// AWS's key id: a UUID, or `mrk-…`.
    pub key_id: String,
    pub spec: KeySpec,
    pub usage: KeyUsage,
    pub origin: Origin,
    pub state: KeyState,
    pub description: String,
    /// The key policy, as given.
    pub policy: String,
    pub tags: BTreeMap<String, String>,
    pub created: OffsetDateTime,
    /// When the key is to be destroyed, while pending deletion.
    pub deletion: Option<OffsetDateTime>,
    pub multi_region: bool,
    pub material_set: Uuid,
    /// The version that encrypts and signs.
    pub current_version: Uuid,
    pub versions: Vec<KeyVersion>,
}

/// One object, or one key pair, on the token.
#[derive(Debug, Clone)]
pub struct KeyVersion {
    /// The `CKA_ID`.
    pub id: Uuid,
    /// Counts from 1 within the material set.
    pub number: i32,
    /// The serial number of the token it is on.
    pub token_serial: String,
    /// DER SubjectPublicKeyInfo.
    pub public_key: Option<Arc<[u8]>>,
    /// What the token said of it when it was made, as JSON.
    pub birth: serde_json::Value,
    pub created: OffsetDateTime,
}

/// A name for a key.
#[derive(Debug, Clone)]
pub struct Alias {
    pub row: Uuid,
    pub row_version: i64,
    pub account: AccountId,
    pub region: Region,
    /// With its `alias/`.
    pub name: String,
    /// The key id of its target, in the same account and Region.
    pub key_id: String,
    pub created: OffsetDateTime,
    pub updated: OffsetDateTime,
}

/// An access key; its secret is wrapped under a key on the token.
#[derive(Debug, Clone)]
pub struct AccessKey {
    pub row: Uuid,
    pub row_version: i64,
    /// `AKIA…`.
    pub id: String,
    pub account: AccountId,
    /// The principal's ARN.
    pub principal: String,
    /// IV, ciphertext, tag; AAD binds account, principal and id.
    pub wrapped_secret: Vec<u8>,
    pub enabled: bool,
    pub created: OffsetDateTime,
}

/// What is about to be done to the token.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The key version concerned.
    pub version: Uuid,
    pub kind: IntentKind,
    /// The gateway process that does it.
    pub owner: Uuid,
    /// Until when nobody else may take it over, from now.
    pub lease: std::time::Duration,
}

/// The steps that are recorded before they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentKind {
    /// An object is about to be made: if no row knows it once the lease is past, destroy it.
    Create,
    /// An object is to be destroyed: nothing uses it any more.
    Destroy,
}

/// A row and the version it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowVersion {
    Key(Uuid, i64),
    Alias(Uuid, i64),
    AccessKey(Uuid, i64),
}
