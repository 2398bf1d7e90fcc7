//! The PKCS#11 token: the only user of `cryptoki`.
//!
//! Calls into a token block, so they run on named session threads behind a bounded queue; an
//! async handle submits a job and awaits its answer. See `pool.rs`.

mod key;

pub use key::{Birth, KeyRef};

use crate::model::{EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, SigningAlgorithm};
use secrecy::SecretSlice;
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
    /// How long a caller waits for one job, its time in the queue included.
    pub deadline: Duration,
    /// Try a PIN again that this token already refused.
    pub retry_pin: bool,
}

/// How a token is told from its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenSelector {
    Label(String),
    Serial(String),
}

/// A token in use. Cheap to clone; the threads stop when [`Token::close`] is called.
#[derive(Clone)]
pub struct Token {}

/// What AES-256-GCM gave.
#[derive(Debug)]
pub struct Sealed {
    /// 96 random bits from the token.
    pub iv: [u8; 12],
    /// Ciphertext, then the 128-bit tag.
    pub ciphertext: Vec<u8>,
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

impl Token {
    /// Starts the threads. Never waits for the token and never fails for its absence: see
    /// [`Token::status`].
    pub fn open(_config: TokenConfig) -> Result<Self, TokenError> {
        todo!()
    }
    /// Where things stand.
    pub fn status(&self) -> TokenStatus {
        todo!()
    }
    /// Waits until the token is ready, or says why not by `timeout`.
    pub async fn wait_ready(&self, _timeout: Duration) -> Result<(), TokenError> {
        todo!()
    }
    /// One cheap call to the token (C_GenerateRandom), for readiness.
    pub async fn ping(&self) -> Result<(), TokenError> {
        todo!()
    }
    /// Finishes what is under way, joins the threads, finalizes the module.
    pub async fn close(&self) {
        todo!()
    }

    /// Makes a key (pair) under `CKA_ID` = `version`, every attribute explicit, reads it back, and
    /// destroys it if it reads back otherwise.
    pub async fn generate(
        &self,
        _version: Uuid,
        _label: &str,
        _spec: KeySpec,
        _usage: KeyUsage,
    ) -> Result<Birth, TokenError> {
        todo!()
    }
    /// Destroys every object under `version`; `Ok(0)` only if the token is there and has none.
    pub async fn destroy(&self, _version: Uuid) -> Result<usize, TokenError> {
        todo!()
    }
    /// The `CKA_ID`s of all key objects on the token that are UUIDs, for reconciliation.
    pub async fn object_ids(&self) -> Result<Vec<Uuid>, TokenError> {
        todo!()
    }
    /// Makes the gateway's own key of `role` unless it is there; answers its reference.
    pub async fn ensure_system_key(
        &self,
        _deployment: Uuid,
        _role: SystemKey,
    ) -> Result<KeyRef, TokenError> {
        todo!()
    }

    /// Random bytes from the token.
    pub async fn random(&self, _len: usize) -> Result<SecretSlice<u8>, TokenError> {
        todo!()
    }
    /// AES-256-GCM under a fresh IV.
    pub async fn seal(
        &self,
        _key: &KeyRef,
        _aad: Vec<u8>,
        _plaintext: SecretSlice<u8>,
    ) -> Result<Sealed, TokenError> {
        todo!()
    }
    /// `len` random bytes, and the same sealed: one job.
    pub async fn seal_random(
        &self,
        _key: &KeyRef,
        _aad: Vec<u8>,
        _len: usize,
    ) -> Result<(SecretSlice<u8>, Sealed), TokenError> {
        todo!()
    }
    /// Opens what [`Token::seal`] gave; `Ok(None)` if it does not authenticate.
    pub async fn unseal(
        &self,
        _key: &KeyRef,
        _iv: [u8; 12],
        _aad: Vec<u8>,
        _sealed: Vec<u8>,
    ) -> Result<Option<SecretSlice<u8>>, TokenError> {
        todo!()
    }
    /// RSAES-OAEP encryption.
    pub async fn rsa_encrypt(
        &self,
        _key: &KeyRef,
        _algorithm: EncryptionAlgorithm,
        _plaintext: SecretSlice<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        todo!()
    }
    /// RSAES-OAEP decryption; `Ok(None)` for bad padding or length.
    pub async fn rsa_decrypt(
        &self,
        _key: &KeyRef,
        _algorithm: EncryptionAlgorithm,
        _ciphertext: Vec<u8>,
    ) -> Result<Option<SecretSlice<u8>>, TokenError> {
        todo!()
    }
    /// Signs a digest of the algorithm's length; ECDSA signatures come DER-encoded.
    pub async fn sign(
        &self,
        _key: &KeyRef,
        _algorithm: SigningAlgorithm,
        _digest: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        todo!()
    }
    /// Whether `signature` (ECDSA: DER) is right; anything malformed is `false`.
    pub async fn verify(
        &self,
        _key: &KeyRef,
        _algorithm: SigningAlgorithm,
        _digest: Vec<u8>,
        _signature: Vec<u8>,
    ) -> Result<bool, TokenError> {
        todo!()
    }
    /// HMAC of a message.
    pub async fn mac(
        &self,
        _key: &KeyRef,
        _algorithm: MacAlgorithm,
        _message: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        todo!()
    }
    /// Whether `mac` is the HMAC of `message`, compared in constant time.
    pub async fn verify_mac(
        &self,
        _key: &KeyRef,
        _algorithm: MacAlgorithm,
        _message: Vec<u8>,
        _mac: Vec<u8>,
    ) -> Result<bool, TokenError> {
        todo!()
    }
}

/// What went wrong at the token, and the class that alone decides what follows.
#[derive(Debug, thiserror::Error)]
#[error("{function}: {detail}")]
pub struct TokenError {
    /// What follows from it.
    pub class: TokenErrorClass,
    /// The PKCS#11 function, or the step of ours.
    pub function: &'static str,
    /// The `CKR_` code, or what happened.
    pub detail: String,
}

/// The classes of token errors (design, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenErrorClass {
    CallersFault,
    Busy,
    SessionLost,
    TokenLost,
    Deadline,
    Operator,
    Unsupported,
    NoSuchObject,
    Bug,
}

impl From<TokenError> for crate::Error {
    fn from(_error: TokenError) -> Self {
        todo!()
    }
}
