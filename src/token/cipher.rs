//! AES-256-GCM (PKCS#11 v3.1 section 6.13.3; NIST SP 800-38D) and random bytes.

use super::Sealed;
use super::attributes::Class;
use super::error::{TokenError, TokenErrorClass};
use super::key::KeyRef;
use super::session::TokenSession;
use crate::model::{KeySpec, KeyUsage};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use secrecy::{ExposeSecret, SecretSlice};
use zeroize::{Zeroize, Zeroizing};

/// Bytes fetched from the token at once: a network HSM charges by the round trip.
const BLOCK_LEN: usize = 4096;
/// What is longer is fetched for itself.
const CUT_LEN: usize = 512;
/// The longest random answer; nothing in the API needs more than a few kilobytes.
const MAX_RANDOM_LEN: usize = 1 << 20;
/// The length of the GCM tag in bits, and in bytes.
const TAG_BITS: u64 = 128;
const TAG_LEN: usize = 16;

/// Token random fetched in a block; what is cut off is wiped here.
#[derive(Default)]
pub(super) struct RandomBlock {
    bytes: Zeroizing<Vec<u8>>,
    used: usize,
}

impl RandomBlock {
    /// Fills `out` with bytes that are given to nobody else.
    pub(super) fn fill(&mut self, session: &Session, out: &mut [u8]) -> Result<(), TokenError> {
        if out.len() > CUT_LEN {
            return Ok(session.generate_random_slice(out)?);
        }
        if self.bytes.len() - self.used < out.len() {
            self.bytes.zeroize();
            self.used = 0;
            let mut fresh = Zeroizing::new(vec![0; BLOCK_LEN]);
            session.generate_random_slice(&mut fresh)?;
            self.bytes = fresh;
        }
        let cut = &mut self.bytes[self.used..self.used + out.len()];
        out.copy_from_slice(cut);
        cut.zeroize();
        self.used += out.len();
        Ok(())
    }
}

/// Moves a secret out of a vector that may be longer than it, and wipes the vector: turning such
/// a vector into a boxed slice would leave a copy behind in freed memory.
pub(super) fn secret(bytes: Vec<u8>) -> SecretSlice<u8> {
    let bytes = Zeroizing::new(bytes);
    SecretSlice::from(Box::<[u8]>::from(bytes.as_slice()))
}

pub(super) fn random(
    session: &mut TokenSession,
    len: usize,
) -> Result<SecretSlice<u8>, TokenError> {
    if len > MAX_RANDOM_LEN {
        return Err(TokenError::new(
            TokenErrorClass::CallersFault,
            "C_GenerateRandom",
            format!("at most {MAX_RANDOM_LEN} random bytes are given at once"),
        ));
    }
    let mut bytes = Zeroizing::new(vec![0; len]);
    session.fill_random(&mut bytes)?;
    Ok(SecretSlice::from(Box::<[u8]>::from(bytes.as_slice())))
}

fn check(key: &KeyRef) -> Result<(), TokenError> {
    if key.spec == KeySpec::SymmetricDefault && key.usage == KeyUsage::EncryptDecrypt {
        Ok(())
    } else {
        Err(key.wrong("AES-256-GCM"))
    }
}

pub(super) fn seal(
    session: &mut TokenSession,
    key: &KeyRef,
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Sealed, TokenError> {
    check(key)?;
    let mut iv = [0; 12];
    session.fill_random(&mut iv)?;
    // The buffer is the token's to write to: one that makes IVs itself says there which it has used.
    let mut used = iv;
    let ciphertext = session.with_key(key, Class::Secret, |raw, object| {
        used = iv;
        let params = GcmParams::new(&mut used, aad, Ulong::from(TAG_BITS))?;
        raw.encrypt(&Mechanism::AesGcm(params), object, plaintext)
    })?;
    if ciphertext.len() != plaintext.len() + TAG_LEN {
        return Err(TokenError::new(
            TokenErrorClass::Bug,
            "C_Encrypt",
            format!("CKM_AES_GCM gave {} bytes", ciphertext.len()),
        ));
    }
    Ok(Sealed {
        iv: used,
        ciphertext,
    })
}

pub(super) fn seal_random(
    session: &mut TokenSession,
    key: &KeyRef,
    aad: &[u8],
    len: usize,
) -> Result<(SecretSlice<u8>, Sealed), TokenError> {
    let bytes = random(session, len)?;
    let sealed = seal(session, key, aad, bytes.expose_secret())?;
    Ok((bytes, sealed))
}

pub(super) fn unseal(
    session: &mut TokenSession,
    key: &KeyRef,
    iv: [u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Option<SecretSlice<u8>>, TokenError> {
    check(key)?;
    if sealed.len() < TAG_LEN {
        return Ok(None);
    }
    let answer = session.with_key(key, Class::Secret, |raw, object| {
        let mut buffer = iv;
        let params = GcmParams::new(&mut buffer, aad, Ulong::from(TAG_BITS))?;
        raw.decrypt(&Mechanism::AesGcm(params), object, sealed)
    });
    match answer {
        Ok(plaintext) => Ok(Some(secret(plaintext))),
        Err(error) => session.bad_input(error, &["C_Decrypt"]),
    }
}
