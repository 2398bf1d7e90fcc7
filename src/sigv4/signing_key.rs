//! The signing key: what a secret access key is turned into for a day, a Region and a service.

use crate::Error;
use hmac::{Hmac, KeyInit, Mac};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Date (`YYYYMMDD`), Region and service.
type Scope<'a> = (&'a str, &'a str, &'a str);

/// HMAC-SHA256 under the derived key, both of its blocks hashed already. Making one leaves the
/// derived key on the stack, which is good for a day, a Region and a service: `Hmac` wipes its state
/// alone. The secret never gets there.
#[derive(Clone)]
pub(super) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>,
    /// "Derive a signing key".
    pub(super) fn derive(secret: &str, (date, region, service): Scope<'_>) -> Result<Self, Error> {
        let mut key = Zeroizing::new(format!("AWS4{secret}").into_bytes());
        for part in [date, region, service, "aws4_request"] {
            key = hmac(&key, part.as_bytes())?;
        }
        Hmac::new_from_slice(&key)
            .map(Self)
            .map_err(Error::internal)
    }

    pub(super) fn sign(self, message: &[u8]) -> Zeroizing<Vec<u8>> {
        let code = self.0.chain_update(message).finalize();
        code.as_bytes().to_vec().into()
    }
}

/// By OpenSSL, which wipes what it makes of the key.
fn hmac(key: &[u8], message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let key = PKey::hmac(key).map_err(Error::internal)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(Error::internal)?;
    signer
        .sign_oneshot_to_vec(message)
        .map(Zeroizing::new)
        .map_err(Error::internal)
}

/// A secret access key. It keeps the signing key that it was turned into last: clients sign a whole
/// day's requests with one. Both are wiped with it.
pub struct SecretAccessKey {
    secret: SecretString,
    last: Mutex<Option<([String; 3], SigningKey)>>,
}

impl From<SecretString> for SecretAccessKey {
    fn from(secret: SecretString) -> Self {
        Self {
            secret,
            last: Mutex::default(),
        }
    }
}

impl SecretAccessKey {
    pub(super) fn signing_key(&self, scope: Scope<'_>) -> Result<SigningKey, Error> {
        let parts: [&str; 3] = scope.into();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, key)) = &*last
            && *known == parts
        {
            return Ok(key.clone());
        }
        let key = SigningKey::derive(self.secret.expose_secret(), scope)?;
        *last = Some((parts.map(String::from), key.clone()));
        Ok(key)
    }
}
