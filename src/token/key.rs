//! A key on the token, as the layers above hold it.

use super::error::{TokenError, TokenErrorClass};
use crate::model::{BirthCertificate, KeySpec, KeyUsage};
use std::sync::Arc;
use uuid::Uuid;

/// The right to use one key on the token. Only `operation/authorized.rs` makes these for CMKs, out of
/// an authorized call (clippy bans [`KeyRef::new`] elsewhere); the verbs of the token take nothing
/// else.
#[derive(Debug, Clone)]
pub struct KeyRef {
    pub(super) version: Uuid,
    pub(super) spec: KeySpec,
    pub(super) usage: KeyUsage,
    /// DER SubjectPublicKeyInfo, authenticated by the row MAC; `None` for symmetric keys.
    pub(super) public_key: Option<Arc<[u8]>>,
    /// The `CKA_ID` of an adopted object; `None` where it is `version`.
    pub(super) object_id: Option<Arc<[u8]>>,
    pub(super) born: Born,
}

/// What a key's objects have to be when they are looked up.
#[derive(Debug, Clone)]
pub(super) enum Born {
    /// They are being examined, or were just made: nothing is asked.
    Unasked,
    /// A key of the gateway's own: what this token makes.
    Here,
    /// As its [`Birth`] says, which is read only then.
    As(BirthCertificate),
}

/// Where a key is: its version, by which handles are kept, the `CKA_ID` of its objects, and what they
/// have to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) version: Uuid,
    pub(super) object_id: Option<&'a [u8]>,
    pub(super) key: Option<&'a KeyRef>,
}

impl Place<'_> {
    /// `CKA_ID`.
    pub(super) fn id(&self) -> &[u8] {
        self.object_id.unwrap_or(self.version.as_bytes())
    }
}

/// Of an object that was made here.
impl From<Uuid> for Place<'_> {
    fn from(version: Uuid) -> Self {
        Self {
            version,
            object_id: None,
            key: None,
        }
    }
}

impl<'a> From<&'a KeyRef> for Place<'a> {
    fn from(key: &'a KeyRef) -> Self {
        Self {
            version: key.version,
            object_id: key.object_id.as_deref(),
            key: Some(key),
        }
    }
}

impl KeyRef {
    /// A reference to the object(s) under `CKA_ID` = `version`.
    pub fn new(
        version: Uuid,
        spec: KeySpec,
        usage: KeyUsage,
        public_key: Option<Arc<[u8]>>,
    ) -> Self {
        Self {
            version,
            spec,
            usage,
            public_key,
            object_id: None,
            born: Born::Unasked,
        }
    }

    /// One whose objects are refused unless they are what this birth certificate says: that of a
    /// [`Birth`].
    #[must_use]
    pub fn born(self, birth: BirthCertificate) -> Self {
        Self {
            born: Born::As(birth),
            ..self
        }
    }

    /// To the object(s) under another `CKA_ID`, if one is given: an adopted key's.
    #[must_use]
    pub fn of_object(self, object_id: Option<Arc<[u8]>>) -> Self {
        Self { object_id, ..self }
    }

    /// The error for a verb that this key is not for. The pipeline checks usage and algorithm, so
    /// it is our mistake and not the caller's.
    pub(super) fn wrong(&self, verb: &str) -> TokenError {
        TokenError::new(
            TokenErrorClass::Bug,
            "key reference",
            format!(
                "a {} key for {} was given to {verb}",
                self.spec.as_str(),
                self.usage.as_str()
            ),
        )
    }
}

/// A key's birth certificate: what the token said of it when it was made.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Birth {
    /// The token's serial number.
    pub token_serial: String,
    /// DER SubjectPublicKeyInfo (RFC 5280), for asymmetric keys.
    pub public_key: Option<Vec<u8>>,
    /// The token's own `CKA_CHECK_VALUE`, where it has one.
    pub check_value: Option<Vec<u8>>,
    /// `CKA_ALWAYS_SENSITIVE`.
    pub always_sensitive: bool,
    /// `CKA_NEVER_EXTRACTABLE`.
    pub never_extractable: bool,
    /// `CKA_LOCAL`.
    pub local: bool,
    /// `CKA_KEY_GEN_MECHANISM`, by its PKCS#11 name or number; `None` where the token does not say.
    pub key_gen_mechanism: Option<String>,
    /// What the token says of an object that was not made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<AdoptedAttributes>,
}

/// The attributes of an adopted object, as they were read when it was adopted.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct AdoptedAttributes {
    /// `CKA_ID`, in hexadecimal.
    pub id: String,
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_SENSITIVE`.
    pub sensitive: bool,
    /// `CKA_EXTRACTABLE`.
    pub extractable: bool,
    /// The other attributes that are true, by their PKCS#11 names.
    pub flags: Vec<String>,
}
