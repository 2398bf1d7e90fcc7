//! Session tokens: all that the gateway must know of temporary credentials, sealed and handed to
//! their holder. Nothing of them is stored, and every gateway opens those of the others.
//!
//! A token is `1`, 16 bytes of salt, 12 of IV, and AES-256-GCM's ciphertext and tag, in base64. Its key
//! is the HMAC-SHA-256 of the salt by a key that the gateways of a deployment have from the PKCS#11
//! token: derived once, when they start, and kept in memory that is wiped.

use crate::authz::{Principal, PrincipalKind};
use crate::model::arn::principal_account;
use crate::model::{MacAlgorithm, arn};
use crate::operation::credential::Credential;
use crate::operation::{Proof, Session, expired};
use crate::token::{KeyRef, Token};
use crate::{Error, ErrorCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// The longest token, in characters: as AWS has it.
pub(super) const MAX_LENGTH: usize = 4096;
/// What the deployment's key for sessions is the HMAC of. No row's bytes begin so.
const LABEL: &[u8] = b"strongroom session tokens 1\0";
const VERSION: u8 = 1;
const SALT: usize = 16;
const IV: usize = 12;
const TAG: usize = 16;
/// The first byte, salt and IV: what is authenticated and not encrypted.
const HEAD: usize = 1 + SALT + IV;
/// Opened tokens kept at a time.
const OPENED: usize = 10_000;
/// How long the gateway waits before it asks a token that was away again.
const PAUSE: Duration = Duration::from_secs(1);

/// Seals and opens session tokens.
pub struct SessionTokens {
    token: Token,
    row_mac: KeyRef,
    key: OnceLock<Zeroizing<Vec<u8>>>,
    /// By the SHA-256 of the token.
    opened: Cache<[u8; 32], Arc<Credential>>,
}

/// What is in a token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    /// `ASIA…`.
    pub id: String,
    /// The secret access key.
    #[serde(serialize_with = "exposed")]
    pub secret: SecretString,
    /// The role's ARN.
    pub role: String,
    /// The role's unique id.
    pub role_id: String,
    /// `RoleSessionName`.
    pub session: String,
    /// Seconds since 1970.
    pub issued: i64,
    /// Likewise.
    pub expires: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Who assumed the role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

fn exposed<S: serde::Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl SessionTokens {
    /// Tokens under a key that is derived by `row_mac`, which every gateway of a deployment has.
    pub fn new(token: Token, row_mac: KeyRef) -> Self {
        Self {
            token,
            row_mac,
            key: OnceLock::new(),
            opened: Cache::new(OPENED),
        }
    }

    /// Derives the key, unless it is there. Only this asks the token: what callers send does not.
    ///
    /// # Errors
    /// The token does not answer.
    pub async fn derive(&self) -> Result<(), Error> {
        if self.key.get().is_none() {
            let algorithm = MacAlgorithm::HmacSha256;
            let key = self.token.mac(&self.row_mac, algorithm, LABEL.to_vec());
            drop(self.key.set(Zeroizing::new(key.await?))); // it is the same, if another was faster
        }
        Ok(())
    }

    /// The same, as often as it takes; until `stopped`.
    pub async fn derive_at_last(&self, mut stopped: watch::Receiver<bool>) {
        while self.derive().await.is_err() {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    fn key_of(&self, salt: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = self.key.get().ok_or_else(|| {
            let message = "The gateway waits for its token. The request can be retried.";
            Error::new(ErrorCode::ServiceUnavailable, message)
        })?;
        let key = PKey::hmac(key).map_err(Error::internal)?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(Error::internal)?;
        let key = signer.sign_oneshot_to_vec(salt).map_err(Error::internal)?;
        Ok(Zeroizing::new(key))
    }

    /// Seals; a token of at least `minimum` characters.
    ///
    /// # Errors
    /// `PackedPolicyTooLargeException`; the token does not answer.
    pub(super) async fn seal(&self, content: &Sealed, minimum: usize) -> Result<String, Error> {
        // At its full length: a buffer that grows leaves copies behind.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(2 * MAX_LENGTH));
        serde_json::to_writer(&mut *plaintext, content).map_err(Error::internal)?;
        // JSON may end in blanks.
        let least = (minimum.div_ceil(4) * 3).saturating_sub(HEAD + TAG);
        let length = plaintext.len().max(least);
        plaintext.resize(length, b' ');
        let mut sealed = vec![VERSION];
        let random = self.token.random(SALT + IV).await?;
        sealed.extend_from_slice(random.expose_secret());
        let (head, iv) = (sealed.clone(), &sealed[1 + SALT..]);
        let key = self.key_of(&head[1..=SALT])?;
        let mut tag = [0; TAG];
        let aes = Cipher::aes_256_gcm();
        let ciphertext = encrypt_aead(aes, &key, Some(iv), &head, &plaintext, &mut tag);
        sealed.extend(ciphertext.map_err(Error::internal)?);
        sealed.extend(tag);
        let token = STANDARD.encode(sealed);
        if token.len() > MAX_LENGTH {
            let message = "The session policy and the session tags are too large together.";
            return Err(Error::new(ErrorCode::PackedPolicyTooLarge, message));
        }
        Ok(token)
    }

    /// The credential of a token, if that is of `access_key_id`; `None` for any other text.
    ///
    /// # Errors
    /// `ExpiredTokenException`; `ServiceUnavailableException` before the key is there.
    pub fn open(
        &self,
        access_key_id: &str,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Credential>>, Error> {
        if token.len() > MAX_LENGTH {
            return Ok(None);
        }
        let digest = sha256(token.as_bytes());
        let credential = match self.opened.get(&digest) {
            Some(known) => known,
            None => {
                let opened = self.unseal(token)?.and_then(credential);
                let Some(opened) = opened.map(Arc::new) else {
                    return Ok(None);
                };
                self.opened.insert(digest, opened.clone());
                opened
            }
        };
        if credential.proof.access_key_id() != Some(access_key_id) {
            return Ok(None);
        }
        match credential.proof.session() {
            Some(session) if session.expires > now => Ok(Some(credential)),
            _ => Err(expired()),
        }
    }

    fn unseal(&self, token: &str) -> Result<Option<Sealed>, Error> {
        let Ok(sealed) = STANDARD.decode(token) else {
            return Ok(None);
        };
        let Some((head, rest)) = sealed.split_at_checked(HEAD) else {
            return Ok(None);
        };
        let Some((ciphertext, tag)) = rest.split_last_chunk::<TAG>() else {
            return Ok(None);
        };
        if head[0] != VERSION {
            return Ok(None);
        }
        let key = self.key_of(&head[1..=SALT])?;
        let aes = Cipher::aes_256_gcm();
        let iv = Some(&head[1 + SALT..]);
        let Ok(plaintext) = decrypt_aead(aes, &key, iv, head, ciphertext, tag) else {
            return Ok(None);
        };
        let plaintext = Zeroizing::new(plaintext);
        serde_json::from_slice(&plaintext)
            .map(Some)
            .map_err(Error::internal)
    }
}

/// `None` for what no gateway seals.
fn credential(sealed: Sealed) -> Option<Credential> {
    let account = principal_account(&sealed.role)?;
    let name = sealed.role.rsplit('/').next()?;
    let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
    let session = Session {
        issued: time(sealed.issued)?,
        expires: time(sealed.expires)?,
        policy: sealed.policy,
        tags: sealed.tags,
        role_id: sealed.role_id,
        assumed_by: sealed.by,
    };
    Some(Credential {
        principal: Principal {
            arn: arn::assumed_role_arn(&account, name, &sealed.session),
            account,
            user_id: format!("{}:{}", session.role_id, sealed.session),
            kind: PrincipalKind::AssumedRole { role: sealed.role },
        },
        proof: Proof::Session(sealed.id, Arc::new(session)),
        row: None,
        secret: sealed.secret,
    })
}
