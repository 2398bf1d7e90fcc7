//! The versions of keys.

use super::Micros;
use crate::model::{BirthCertificate, RotationType, VersionState};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// The versions of a key. Most keys have one, which is kept in place.
#[derive(Debug, Clone)]
pub struct Versions(OneOrMany);

#[derive(Debug, Clone)]
enum OneOrMany {
    One(KeyVersion),
    Many(Vec<KeyVersion>),
}

impl From<Vec<KeyVersion>> for Versions {
    fn from(versions: Vec<KeyVersion>) -> Self {
        Self(match <[KeyVersion; 1]>::try_from(versions) {
            Ok([one]) => OneOrMany::One(one),
            Err(many) => OneOrMany::Many(many),
        })
    }
}

impl Deref for Versions {
    type Target = [KeyVersion];

    fn deref(&self) -> &[KeyVersion] {
        match &self.0 {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

impl<'a> IntoIterator for &'a Versions {
    type Item = &'a KeyVersion;
    type IntoIter = std::slice::Iter<'a, KeyVersion>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One object, or one key pair, on the token. As of a [`Key`](super::Key), what versions may have alike is apart.
#[derive(Debug, Clone)]
pub struct KeyVersion {
    /// Names it in ciphertexts, and is the `CKA_ID` of what the token generated.
    pub id: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// Counts from 1 within the material set.
    pub number: i32,
    /// Whether it may be used, and has material.
    pub state: VersionState,
    /// When it was made.
    pub created: Micros,
    /// What the token said of it when it was made.
    pub birth: BirthCertificate,
    /// Where it is, and what became of it.
    pub profile: Arc<VersionProfile>,
}

/// Where a version is, and what became of it since it was made; its public key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct VersionProfile {
    /// The serial number of the token it is on.
    pub token_serial: String,
    /// The `CKA_ID` of what was adopted, and of imported material, which has another one after each
    /// import; `None` where it is the version's id.
    pub object_id: Option<Arc<[u8]>>,
    /// DER SubjectPublicKeyInfo.
    pub public_key: Option<Arc<[u8]>>,
    /// When its imported material expires.
    pub valid_to: Option<OffsetDateTime>,
    /// `KeyMaterialDescription` of imported material.
    pub description: Option<String>,
    /// By which rotation it became current, and when; `None` for a first version.
    pub rotation: Option<(RotationType, OffsetDateTime)>,
    /// Made by imported material: the same material makes or opens it again.
    pub verifier: Option<Vec<u8>>,
}

impl Deref for KeyVersion {
    type Target = VersionProfile;

    fn deref(&self) -> &VersionProfile {
        &self.profile
    }
}

impl DerefMut for KeyVersion {
    /// From then on the profile is the version's own.
    fn deref_mut(&mut self) -> &mut VersionProfile {
        Arc::make_mut(&mut self.profile)
    }
}

impl KeyVersion {
    /// A version as the token has just made it: the first, or one that is yet to become current.
    pub fn made(
        id: Uuid,
        number: i32,
        token_serial: String,
        public_key: Option<Arc<[u8]>>,
        birth: impl Into<BirthCertificate>,
        created: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            row_version: 1,
            number,
            state: VersionState::Enabled,
            created: created.into(),
            birth: birth.into(),
            profile: Arc::new(VersionProfile {
                token_serial,
                public_key,
                ..VersionProfile::default()
            }),
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
