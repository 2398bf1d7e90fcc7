//! How session tokens are sealed; pure.
//!
//! A token is `1`, 16 bytes of salt, 12 of IV, and AES-256-GCM's ciphertext and tag, in base64. Each
//! has a key of its own, the HMAC-SHA-256 of its salt: no key comes near the number of messages that
//! AES-GCM is good for under random IVs (NIST SP 800-38D section 8.3).

use crate::{Error, ErrorCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The longest token, in characters: as AWS has it.
pub(super) const MAX_LENGTH: usize = 4096;
/// The random bytes that sealing takes: salt and IV.
pub(super) const RANDOM: usize = SALT + IV;
const VERSION: u8 = 1;
const SALT: usize = 16;
const IV: usize = 12;
const TAG: usize = 16;
/// The first byte, salt and IV: what is authenticated and not encrypted.
const HEAD: usize = 1 + SALT + IV;

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

/// The key that the keys of tokens are derived from.
pub(super) struct SealingKey(Zeroizing<Vec<u8>>);

impl SealingKey {
    pub(super) fn new(key: Vec<u8>) -> Self {
        Self(Zeroizing::new(key))
    }

    fn of(&self, salt: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = PKey::hmac(&self.0).map_err(Error::internal)?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(Error::internal)?;
        let key = signer.sign_oneshot_to_vec(salt).map_err(Error::internal)?;
        Ok(Zeroizing::new(key))
    }

    /// A token of at least `minimum` characters; `random` is [`RANDOM`] bytes.
    ///
    /// # Errors
    /// `PackedPolicyTooLargeException`.
    pub(super) fn seal(
        &self,
        content: &Sealed,
        minimum: usize,
        random: &[u8],
    ) -> Result<String, Error> {
        // At its full length: a buffer that grows leaves copies behind.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(4 * MAX_LENGTH));
        serde_json::to_writer(&mut *plaintext, content).map_err(Error::internal)?;
        // JSON may end in blanks.
        let least = (minimum.div_ceil(4) * 3).saturating_sub(HEAD + TAG);
        let length = plaintext.len().max(least);
        plaintext.resize(length, b' ');
        let head = [&[VERSION], random].concat();
        let (salt, iv) = head[1..].split_at(SALT);
        let (key, mut tag) = (self.of(salt)?, [0; TAG]);
        let aes = Cipher::aes_256_gcm();
        let ciphertext = encrypt_aead(aes, &key, Some(iv), &head, &plaintext, &mut tag);
        let ciphertext = ciphertext.map_err(Error::internal)?;
        let token = STANDARD.encode([&*head, &ciphertext, &tag].concat());
        if token.len() > MAX_LENGTH {
            let message = "The session policy and the session tags are too large together.";
            return Err(Error::new(ErrorCode::PackedPolicyTooLarge, message));
        }
        Ok(token)
    }

    /// What is in a token; `None` for what this key has not sealed.
    ///
    /// # Errors
    /// Internal: it has sealed something else.
    pub(super) fn open(&self, token: &str) -> Result<Option<Sealed>, Error> {
        let Ok(sealed) = STANDARD.decode(token) else {
            return Ok(None);
        };
        let Some((head, rest)) = sealed.split_at_checked(HEAD) else {
            return Ok(None);
        };
        let Some((ciphertext, tag)) = rest.split_last_chunk::<TAG>() else {
            return Ok(None);
        };
        let (salt, iv) = head[1..].split_at(SALT);
        if head[0] != VERSION {
            return Ok(None);
        }
        let (key, aes) = (self.of(salt)?, Cipher::aes_256_gcm());
        let Ok(plaintext) = decrypt_aead(aes, &key, Some(iv), head, ciphertext, tag) else {
            return Ok(None);
        };
        let plaintext = Zeroizing::new(plaintext);
        serde_json::from_slice(&plaintext)
            .map(Some)
            .map_err(Error::internal)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::operation::sts) fn sealed() -> Sealed {
        Sealed {
            id: "ASIAX".into(),
            secret: "secret".into(),
            role: "arn:aws:iam::111122223333:role/r".into(),
            role_id: "AROAX".into(),
            session: "session".into(),
            issued: 1_000,
            expires: 1_900,
            policy: None,
            tags: BTreeMap::new(),
            by: Vec::new(),
        }
    }

    fn key() -> SealingKey {
        SealingKey::new(vec![7; 32])
    }

    fn token(minimum: usize) -> String {
        key().seal(&sealed(), minimum, &[9; RANDOM]).unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened() {
        for minimum in [0, 1, 500, 501, 4095, 4096] {
            let token = token(minimum);
            assert!((minimum..=MAX_LENGTH).contains(&token.len()), "{minimum}");
            let opened = key().open(&token).unwrap().unwrap();
            assert_eq!(opened.secret.expose_secret(), "secret");
            assert_eq!((opened.issued, opened.expires), (1_000, 1_900));
        }
    }

    #[test]
    fn what_is_not_is_not() {
        let token = token(0);
        let bytes = STANDARD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut edited = bytes.clone();
            edited[at] ^= 1;
            let opened = key().open(&STANDARD.encode(edited)).unwrap();
            assert!(opened.is_none(), "byte {at}");
            assert!(
                key()
                    .open(&STANDARD.encode(&bytes[..at]))
                    .unwrap()
                    .is_none()
            );
        }
        for other in ["", " ", "=", "\u{0}", &token[1..], &format!("{token}\n")] {
            assert!(key().open(other).unwrap().is_none(), "{other:?}");
        }
        let another = SealingKey::new(vec![8; 32]);
        assert!(another.open(&token).unwrap().is_none());
    }

    #[test]
    fn what_is_too_large() {
        let content = Sealed {
            policy: Some("x".repeat(3000)),
            ..sealed()
        };
        let error = key().seal(&content, 0, &[0; RANDOM]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::PackedPolicyTooLarge);
    }
}
