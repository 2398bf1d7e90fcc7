//! A key on the token, as the layers above hold it.

use super::error::{TokenError, TokenErrorClass};
use crate::model::{KeySpec, KeyUsage};
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
        }
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
}
