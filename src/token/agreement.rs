//! Shared secrets: ECDH (PKCS#11 v3.1 section 6.3.19) and ML-KEM (PKCS#11 v3.2, C_EncapsulateKey and
//! C_DecapsulateKey).
//!
//! The secret arises on the token as a session object that may be read, since it is handed out; the
//! private key that it is derived with is a CMK as any other, and stays in.

use super::Token;
use super::attributes::Class;
use super::error::{TokenError, TokenErrorClass};
use super::export_check::forget;
use super::handed_out::{readable, value_out};
use super::key::KeyRef;
use super::public_key::{curve, peer_point};
use super::session::TokenSession;
use crate::model::KeyUsage;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::types::Ulong;
use secrecy::SecretSlice;

/// The length of an ML-KEM secret in bytes (FIPS 203 section 8).
const ML_KEM_SECRET_LEN: usize = 32;

/// What ML-KEM's encapsulation gave.
pub struct Encapsulated {
    /// 32 bytes.
    pub secret: SecretSlice<u8>,
    /// The secret, for the holder of the private key.
    pub ciphertext: Vec<u8>,
}

impl Token {
    /// The raw ECDH secret of a key agreement key and a peer's public key, a DER
    /// SubjectPublicKeyInfo (PKCS#11 v3.1 section 6.3.19).
    ///
    /// # Errors
    ///
    /// CallersFault for what is no valid public key of the same curve; else whatever keeps the
    /// token from answering; NoSuchObject if it has no such key.
    pub async fn derive(&self, key: &KeyRef, peer: Vec<u8>) -> Result<SecretSlice<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| derive(session, &key, &peer))
            .await
    }

    /// A fresh secret, also encapsulated with ML-KEM (PKCS#11 v3.2, C_EncapsulateKey).
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn encapsulate(&self, key: &KeyRef) -> Result<Encapsulated, TokenError> {
        let key = key.clone();
        self.crypto(move |session| encapsulate(session, &key)).await
    }

    /// The secret that was encapsulated (C_DecapsulateKey); `Ok(None)` for a wrong length, and
    /// another secret for a wrong ciphertext.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn decapsulate(
        &self,
        key: &KeyRef,
        ciphertext: Vec<u8>,
    ) -> Result<Option<SecretSlice<u8>>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| decapsulate(session, &key, &ciphertext))
            .await
    }
}

/// The raw shared secret, the x coordinate, of `key` and the public key `peer` (DER
/// SubjectPublicKeyInfo), which must be a point of the same curve: what comes of another could tell
/// the private key.
pub(super) fn derive(
    session: &mut TokenSession,
    key: &KeyRef,
    peer: &[u8],
) -> Result<SecretSlice<u8>, TokenError> {
    let curve = curve(key.spec).filter(|_| key.usage == KeyUsage::KeyAgreement);
    let Some(curve) = curve else {
        return Err(key.wrong("ECDH"));
    };
    let point = peer_point(&curve, peer).ok_or_else(|| {
        TokenError::new(
            TokenErrorClass::CallersFault,
            "peer public key",
            format!(
                "PublicKey is not a valid DER-encoded public key of key spec {}.",
                key.spec
            ),
        )
    })?;
    let template = secret_template(curve.len)?;
    let secret = session.with_key(key, Class::Private, |raw, object| {
        let params = Ecdh1DeriveParams::new(EcKdf::null(), &point);
        raw.derive_key(&Mechanism::Ecdh1Derive(params), object, &template)
    })?;
    read(session, secret, curve.len)
}

/// A fresh secret, and the same encapsulated under the public half of `key`.
pub(super) fn encapsulate(
    session: &mut TokenSession,
    key: &KeyRef,
) -> Result<Encapsulated, TokenError> {
    let Some(len) = key.spec.encapsulation_len_bytes() else {
        return Err(key.wrong("ML-KEM"));
    };
    let template = secret_template(ML_KEM_SECRET_LEN)?;
    let (ciphertext, secret) = session.with_key(key, Class::Public, |raw, object| {
        raw.encapsulate_key(&Mechanism::MlKem, object, &template)
    })?;
    let secret = read(session, secret, ML_KEM_SECRET_LEN)?;
    if ciphertext.len() != len {
        return Err(TokenError::new(
            TokenErrorClass::Bug,
            "C_EncapsulateKey",
            format!("CKM_ML_KEM gave {} bytes", ciphertext.len()),
        ));
    }
    Ok(Encapsulated { secret, ciphertext })
}

/// The secret in `ciphertext`; by ML-KEM's implicit rejection another one for any other ciphertext
/// of the right length, and `None` for a wrong length.
pub(super) fn decapsulate(
    session: &mut TokenSession,
    key: &KeyRef,
    ciphertext: &[u8],
) -> Result<Option<SecretSlice<u8>>, TokenError> {
    let Some(len) = key.spec.encapsulation_len_bytes() else {
        return Err(key.wrong("ML-KEM"));
    };
    if ciphertext.len() != len {
        return Ok(None);
    }
    let template = secret_template(ML_KEM_SECRET_LEN)?;
    let secret = session.with_key(key, Class::Private, |raw, object| {
        raw.decapsulate_key(&Mechanism::MlKem, object, &template, ciphertext)
    })?;
    read(session, secret, ML_KEM_SECRET_LEN).map(Some)
}

/// A secret that is handed out, `len` bytes long.
pub(super) fn secret_template(len: usize) -> cryptoki::error::Result<Vec<Attribute>> {
    let mut template = readable(ObjectClass::SECRET_KEY, KeyType::GENERIC_SECRET);
    template.extend([
        Attribute::ValueLen(Ulong::try_from(len)?),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
    ]);
    Ok(template)
}

/// Reads the secret and destroys its object.
fn read(
    session: &mut TokenSession,
    secret: ObjectHandle,
    len: usize,
) -> Result<SecretSlice<u8>, TokenError> {
    let value = value_out(session, secret, len);
    forget(session.raw(), secret);
    value
}
