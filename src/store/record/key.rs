//! Keys and their use.

use super::{KeyVersion, Micros, Versions};
use crate::model::shapes::KeyLastUsageTrackingOperation;
use crate::model::{
    AccountId, BareKeyId, KeySpec, KeyState, KeyUsage, Origin, Region, VersionState,
};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// A CMK in one account and Region. A gateway keeps very many of them, so what they may have alike
/// is apart, and is kept once for all that do (`store/alike.rs`); it is read and written as if it were
/// the key's own.
#[derive(Debug, Clone)]
pub struct Key {
    /// Identifies the row for ever; never shown.
    pub row: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// AWS's key id: a UUID, or `mrk-…`.
    pub key_id: BareKeyId,
    /// Whether it may be used.
    pub state: KeyState,
    /// When it was made.
    pub created: Micros,
    /// When it is next rotated, where automatic rotation is on.
    pub next_rotation: Option<Micros>,
    /// Whose versions are its own.
    pub material_set: Uuid,
    /// The version that encrypts and signs.
    pub current_version: Uuid,
    /// All versions, by number.
    pub versions: Versions,
    /// What it is, and how it is set up.
    pub profile: Arc<KeyProfile>,
}

/// What a key is, and how it is set up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyProfile {
    /// The account it belongs to.
    pub account: AccountId,
    /// The Region it belongs to.
    pub region: Region,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// The one thing it may be used for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// What its owner wrote about it.
    pub description: String,
    /// The key policy, as given.
    pub policy: Arc<str>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
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
    /// How many days a primary will wait once its last replica is gone.
    pub pending_days: Option<i32>,
}

impl Deref for Key {
    type Target = KeyProfile;

    fn deref(&self) -> &KeyProfile {
        &self.profile
    }
}

impl DerefMut for Key {
    /// From then on the profile is the key's own.
    fn deref_mut(&mut self) -> &mut KeyProfile {
        Arc::make_mut(&mut self.profile)
    }
}

impl Key {
    /// A key with the version that was made for it, as a new row.
    pub fn made(
        key_id: BareKeyId,
        profile: KeyProfile,
        version: KeyVersion,
        created: OffsetDateTime,
    ) -> Self {
        Self {
            row: Uuid::new_v4(),
            row_version: 1,
            key_id,
            state: KeyState::Enabled,
            created: created.into(),
            next_rotation: None,
            material_set: Uuid::new_v4(),
            current_version: version.id,
            versions: vec![version].into(),
            profile: Arc::new(profile),
        }
    }

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

    /// As it is once its deletion is cancelled. AWS brings it back disabled: enabling it is a decision
    /// of its own. A key whose material was deleted meanwhile cannot be enabled.
    pub fn deletion_cancelled(&self) -> Key {
        let mut key = self.clone();
        key.state = match self.awaits_import() {
            true => KeyState::PendingImport,
            false => KeyState::Disabled,
        };
        key.deletion = None;
        key.pending_days = None;
        key
    }

    /// Whether it is the primary of a multi-Region key.
    pub fn is_primary(&self) -> bool {
        self.primary_region.as_ref() == Some(&self.region)
    }
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
