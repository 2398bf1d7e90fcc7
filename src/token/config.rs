//! Which token is used and how, and what it answers about itself.

use crate::model::{KeySpec, KeyUsage};
use openssl::sha::sha256;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// Which token, and how it is used.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// The token, by label or serial number; never by slot number.
    pub select: TokenSelector,
    /// The user PIN.
    pub pin: secrecy::SecretString,
    /// Read-only sessions, each on a thread of its own; at least 1.
    pub sessions: usize,
    /// Jobs that may wait for a session; one more is refused.
    pub queue_length: usize,
    /// How long a caller waits for one job, its time in the queue included. Generation is given
    /// at least a minute: an RSA-4096 pair takes a small token many seconds.
    pub deadline: Duration,
    /// Try a PIN again that this token already refused.
    pub retry_pin: bool,
    /// Where the token cannot unwrap imported key material by itself, let it, or the key that it is
    /// wrapped with, pass through this process's memory.
    pub import_through_memory: bool,
}

/// How a token is told from its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenSelector {
    Label(String),
    Serial(String),
}

impl std::fmt::Display for TokenSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TokenSelector::Label(label) => write!(f, "labelled {label:?}"),
            TokenSelector::Serial(serial) => write!(f, "with serial number {serial:?}"),
        }
    }
}

/// Whether the token answers, and if not, why and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenStatus {
    Ready {
        serial: String,
        label: String,
        model: String,
    },
    /// Being opened, or away: being opened again with backoff. The text is the last failure.
    Away(String),
    /// Only an operator can help: PIN refused, PIN nearly locked, no such token.
    Operator(String),
}

/// What keeps a token from being used, for those who must tell one cause from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTrouble {
    /// There is no such token, or no such module.
    NotFound,
    /// This process uses it already.
    InUse,
    /// The PIN is wrong.
    WrongPin,
    /// The PIN is locked, or nearly so.
    PinLocked,
    /// It has no user PIN yet.
    NoPin,
    /// It does not answer.
    Silent,
    /// It lets keys out, or lacks what it must have.
    Unfit,
}

/// How busy the token is, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenStats {
    /// How often the module was initialised and the token opened.
    pub epoch: u64,
    /// Session threads, the read-write one included.
    pub threads: usize,
    /// Threads with a call into the token under way; a thread that hangs stays in this number.
    pub busy: usize,
    /// Those of them whose call has taken longer than [`TokenConfig::deadline`], a generation's
    /// longer than it is given.
    pub hung: usize,
    /// Jobs that wait for a read-only session.
    pub queued: usize,
    /// Jobs that wait for the read-write session.
    pub queued_read_write: usize,
}

/// The gateway's own keys on the token. Their `CKA_ID` is derived from the deployment and the
/// role, so that no row in the database can put another key in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemKey {
    /// AES-256: wraps secret access keys.
    Wrapping,
    /// HMAC-SHA-256: row MACs.
    RowMac,
    /// ECDSA P-256 (or Ed25519): signs audit checkpoints.
    Audit,
}

impl SystemKey {
    /// Every role.
    pub const ALL: [SystemKey; 3] = [SystemKey::Wrapping, SystemKey::RowMac, SystemKey::Audit];

    /// The role's name, as in `CKA_LABEL`.
    pub const fn role(self) -> &'static str {
        match self {
            SystemKey::Wrapping => "wrapping",
            SystemKey::RowMac => "row-mac",
            SystemKey::Audit => "audit",
        }
    }

    /// What kind of key it is, and its one use.
    pub const fn spec_and_usage(self) -> (KeySpec, KeyUsage) {
        match self {
            SystemKey::Wrapping => (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt),
            SystemKey::RowMac => (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
            SystemKey::Audit => (KeySpec::EccNistP256, KeyUsage::SignVerify),
        }
    }

    /// The `CKA_ID` of this role's key in `deployment`: the first 16 bytes of
    /// SHA-256("strongroom/" role "/" deployment).
    pub fn object_id(self, deployment: Uuid) -> Uuid {
        let name = format!("strongroom/{}/{}", self.role(), deployment.hyphenated());
        let digest = sha256(name.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_keys_differ_by_role_and_deployment() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut ids: Vec<Uuid> = SystemKey::ALL
            .iter()
            .flat_map(|role| [role.object_id(one), role.object_id(two)])
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }
}
