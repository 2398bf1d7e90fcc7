//! What the store hands out: records without the shape of their tables.

use crate::model::shapes::KeyLastUsageTrackingOperation;
use crate::model::{
    AccountId, ConnectionErrorCode, ConnectionState, Constraints, GrantOperationSet, KeySpec,
    KeyState, KeyUsage, Origin, Region, RotationType, VersionState,
};
use std::borrow::Cow;
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
    /// The account it belongs to.
    pub account: AccountId,
    /// The Region it belongs to.
    pub region: Region,
    /// AWS's key id: a UUID, or `mrk-…`.
    pub key_id: String,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// The one thing it may be used for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// Whether it may be used.
    pub state: KeyState,
    /// What its owner wrote about it.
    pub description: String,
    /// The key policy, as given.
    pub policy: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
    /// When the key is to be destroyed, while pending deletion.
    pub deletion: Option<OffsetDateTime>,
    /// The custom key store whose token has it; `None` for the gateway's own token.
    pub key_store: Option<Uuid>,
    /// Whether it may have replicas.
    pub multi_region: bool,
    /// Where the primary of a multi-Region key is; `None` for a single-Region key.
    pub primary_region: Option<Region>,
    /// Days from one automatic rotation to the next; `None` where it is off.
    pub rotation_days: Option<i32>,
    /// When it is next rotated, where automatic rotation is on.
    pub next_rotation: Option<OffsetDateTime>,
    /// How many days a primary will wait once its last replica is gone.
    pub pending_days: Option<i32>,
    /// Whose versions are its own.
    pub material_set: Uuid,
    /// The version that encrypts and signs.
    pub current_version: Uuid,
    /// All versions, by number.
    pub versions: Vec<KeyVersion>,
}

impl Key {
    /// One of its versions.
    pub fn version(&self, id: Uuid) -> Option<&KeyVersion> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// The versions that have been current, and the one that is: all that there may be ciphertexts
    /// of. What comes after them is imported and waits for a rotation.
    pub fn in_service(&self) -> impl Iterator<Item = &KeyVersion> {
        let current = self.version(self.current_version);
        let last = current.map_or(0, |version| version.number);
        let versions = self.versions.iter();
        versions.filter(move |version| version.number <= last)
    }

    /// The version whose material is imported and waits for a rotation to become current.
    pub fn pending_rotation(&self) -> Option<&KeyVersion> {
        let current = self.version(self.current_version)?;
        let last = self.versions.last()?;
        (self.origin == Origin::External && last.number > current.number).then_some(last)
    }

    /// Whether material that the key needs is yet to be imported.
    pub fn awaits_import(&self) -> bool {
        self.in_service()
            .any(|version| version.state == VersionState::PendingImport)
    }

    /// Whether it is the primary of a multi-Region key.
    pub fn is_primary(&self) -> bool {
        self.primary_region.as_ref() == Some(&self.region)
    }
}

/// One object, or one key pair, on the token.
#[derive(Debug, Clone)]
pub struct KeyVersion {
    /// Names it in ciphertexts, and is the `CKA_ID` of what the token generated.
    pub id: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// Counts from 1 within the material set.
    pub number: i32,
    /// The serial number of the token it is on.
    pub token_serial: String,
    /// The `CKA_ID` of what was adopted, and of imported material, which has another one after each
    /// import; `None` where it is `id`.
    pub object_id: Option<Arc<[u8]>>,
    /// DER SubjectPublicKeyInfo.
    pub public_key: Option<Arc<[u8]>>,
    /// What the token said of it when it was made, as JSON.
    pub birth: serde_json::Value,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
    /// Whether it may be used, and has material.
    pub state: VersionState,
    /// When its imported material expires.
    pub valid_to: Option<OffsetDateTime>,
    /// `KeyMaterialDescription` of imported material.
    pub description: Option<String>,
    /// By which rotation it became current, and when; `None` for a first version.
    pub rotation: Option<(RotationType, OffsetDateTime)>,
    /// Made by imported material: the same material makes or opens it again.
    pub verifier: Option<Vec<u8>>,
}

impl KeyVersion {
    /// A version as the token has just made it: the first, or one that is yet to become current.
    pub fn made(
        id: Uuid,
        number: i32,
        token_serial: String,
        public_key: Option<Arc<[u8]>>,
        birth: serde_json::Value,
        created: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            row_version: 1,
            number,
            token_serial,
            object_id: None,
            public_key,
            birth,
            created,
            state: VersionState::Enabled,
            valid_to: None,
            description: None,
            rotation: None,
            verifier: None,
        }
    }

    /// A version whose material is yet to be imported.
    pub fn awaiting_import(id: Uuid, number: i32, created: OffsetDateTime) -> Self {
        let birth = serde_json::json!({"imported": false});
        Self {
            state: VersionState::PendingImport,
            ..Self::made(id, number, String::new(), None, birth, created)
        }
    }

    /// The `CKA_ID` of its object on the token, where it is a UUID: any but those of some adopted
    /// objects.
    pub fn cka_id(&self) -> Option<Uuid> {
        match &self.object_id {
            Some(id) => Uuid::from_slice(id).ok(),
            None => Some(self.id),
        }
    }

    /// Whether its object was on the token before the gateway knew it.
    pub fn is_adopted(&self) -> bool {
        self.birth.get("adopted").is_some()
    }

    /// Whether it has, or had, imported material, and takes no other.
    pub fn is_settled(&self) -> bool {
        self.public_key.is_some() || self.verifier.is_some()
    }
}

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

/// An account's root, a user or a role: what has policies, and access keys or sessions.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// `arn:aws:iam::ACCOUNT:root`, `…:user/PATH/NAME`, `…:role/PATH/NAME`.
    pub arn: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// Which of the three it is.
    pub kind: IdentityKind,
    /// Its name without its path; `None` for a root.
    pub name: Option<String>,
    /// `AIDA…` or `AROA…`, never given to another; `None` for a root.
    pub unique_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its policies: documents by their names.
    pub policies: BTreeMap<String, String>,
    /// Of a role: the trust policy, which says who may assume it.
    pub trust: Option<String>,
    /// Of a role: the longest session, in seconds.
    pub max_session_seconds: Option<i32>,
    /// Of a root: whether its account administers the deployment.
    pub management: bool,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
}

/// The kinds of identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IdentityKind {
    Root,
    User,
    Role,
}

/// An access key; its secret is wrapped under a key on the token.
#[derive(Clone)]
pub struct AccessKey {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// `AKIA…`.
    pub id: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// The principal's ARN.
    pub principal: String,
    /// IV, ciphertext, tag; AAD binds account, principal and id.
    pub wrapped_secret: Vec<u8>,
    /// Whether it may sign requests.
    pub enabled: bool,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the secret, even wrapped.
        f.debug_struct("AccessKey")
            .field("row", &self.row)
            .field("row_version", &self.row_version)
            .field("id", &self.id)
            .field("principal", &self.principal)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A custom key store: another token, and the PIN to it wrapped under a key on the gateway's own.
#[derive(Clone)]
pub struct KeyStore {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// The account it belongs to.
    pub account: AccountId,
    /// The Region it belongs to.
    pub region: Region,
    /// `cks-…`.
    pub id: String,
    /// `TrustAnchorCertificate`, as given.
    pub certificate: String,
    /// When it was made; microseconds are kept.
    pub created: OffsetDateTime,
    /// Its friendly name.
    pub name: String,
    /// `CloudHsmClusterId`: the token's name in the configuration.
    pub cluster: String,
    /// IV, ciphertext, tag; AAD binds account and id.
    pub wrapped_password: Vec<u8>,
    /// Whether the password may have been tried.
    pub password_tried: bool,
    /// Whether it is to be used.
    pub state: ConnectionState,
    /// Why it could not be connected.
    pub error: Option<ConnectionErrorCode>,
    /// Another one for each time it is connected.
    pub connection: Uuid,
    /// The gateway process that connects it.
    pub connector: Uuid,
    /// The serial number of its token, once it was connected.
    pub token_serial: Option<String>,
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password, even wrapped.
        f.debug_struct("KeyStore")
            .field("row", &self.row)
            .field("row_version", &self.row_version)
            .field("id", &self.id)
            .field("cluster", &self.cluster)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// What is about to be done to a token.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The key version concerned.
    pub version: Uuid,
    /// The serial number of the token; `None` for the gateway's own, in rows of an earlier schema.
    pub token_serial: Option<String>,
    /// The objects, where they were adopted; else they have the version's id.
    pub adopted: Option<AdoptedObject>,
    /// What is about to be done.
    pub kind: IntentKind,
    /// The gateway process that does it.
    pub owner: Uuid,
    /// Until when nobody else may take it over, from now.
    pub lease: std::time::Duration,
}

/// Objects on a token that were there before the gateway knew them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedObject {
    /// Their `CKA_ID`.
    pub object_id: Vec<u8>,
    /// Whether they are a private and a public key, rather than one secret key.
    pub is_pair: bool,
}

/// The steps that are recorded before they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentKind {
    /// An object is about to be made: if no row knows it once the lease is past, destroy it.
    Create,
    /// An object is to be destroyed: nothing uses it any more.
    Destroy,
}

/// A use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// What was done.
    pub operation: KeyLastUsageTrackingOperation,
    /// When.
    pub at: OffsetDateTime,
    /// By which request.
    pub request_id: Uuid,
}

/// A call that waits for approvals, or has waited.
#[derive(Debug, Clone)]
pub struct ApprovalRequest {
    /// Identifies the row for ever; the `ApprovalId`.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// The account of whoever asked.
    pub account: AccountId,
    /// The Region that was called.
    pub region: Region,
    /// The operation's name.
    pub operation: String,
    /// The ARN of the principal that asked.
    pub requester: String,
    /// The ARN of its identity: of a session, the role's.
    pub identity: String,
    /// The ARNs of all who asked: that, and of a session, of whoever assumed the role.
    pub hands: Vec<String>,
    /// What [`Store::call`](super::Store::call) made of the call.
    pub call: Vec<u8>,
    /// The text of a JSON object: the parameters that the audit record shows.
    pub parameters: String,
    /// The ARNs of the keys that the call comes to.
    pub resources: Vec<String>,
    /// How many approvals the rule asked for.
    pub needed: i32,
    /// The ARNs of those whom the rule named.
    pub approvers: Vec<String>,
    /// When it was made, by the database's clock.
    pub created: OffsetDateTime,
    /// Until when it is good, by the database's clock.
    pub expires: OffsetDateTime,
    /// What has become of it.
    pub state: ApprovalState,
    /// The ARN of the principal that denied it.
    pub denied_by: Option<String>,
    /// Whether it was past its time when it was read; no column.
    pub expired: bool,
    /// Those given so far; rows of their own.
    pub approvals: Vec<Approval>,
}

/// What has become of an approval request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// It waits.
    Pending,
    /// An approver, or the requester, wants none of it.
    Denied,
    /// The call was executed.
    Executed,
    /// Another request for the same call stands in its place.
    Expired,
}

/// One approval.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The row of the identity that gave it.
    pub identity_row: Uuid,
    /// The identity's ARN: of a session, the role's.
    pub approver: String,
    /// The ARNs of all who gave it: that, and of a session, of whoever assumed the role.
    pub hands: Vec<String>,
    /// The principal's ARN.
    pub principal: String,
    /// The access key that signed it, where one did.
    pub access_key: Option<String>,
    /// When, by the database's clock.
    pub created: OffsetDateTime,
}

/// A use of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyUse {
    /// When.
    pub at: OffsetDateTime,
    /// The service that it was used with: the prefix of the action.
    pub service: Cow<'static, str>,
    /// The Region that the request named.
    pub region: Region,
}

/// A row and the version it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowVersion {
    /// Of a key.
    Key(Uuid, i64),
    /// Of an alias.
    Alias(Uuid, i64),
    /// Of a grant.
    Grant(Uuid, i64),
    /// Of an access key.
    AccessKey(Uuid, i64),
    /// Of an identity.
    Identity(Uuid, i64),
    /// Of a custom key store.
    KeyStore(Uuid, i64),
}
