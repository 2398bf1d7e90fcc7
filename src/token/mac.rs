//! HMAC (PKCS#11 v3.1 section 6.20 and following).

use super::attributes::{Class, hmac_hash};
use super::error::TokenError;
use super::key::KeyRef;
use super::session::TokenSession;
use crate::model::algorithm::Hash;
use crate::model::{KeyUsage, MacAlgorithm};
use cryptoki::mechanism::Mechanism;

/// The HMAC of `message`.
pub(super) fn mac(
    session: &mut TokenSession,
    key: &KeyRef,
    algorithm: MacAlgorithm,
    message: &[u8],
) -> Result<Vec<u8>, TokenError> {
    let hash = algorithm.hash();
    if hmac_hash(key.spec) != Some(hash) || key.usage != KeyUsage::GenerateVerifyMac {
        return Err(key.wrong("HMAC"));
    }
    let mechanism = match hash {
        Hash::Sha1 => Mechanism::Sha1Hmac,
        Hash::Sha224 => Mechanism::Sha224Hmac,
        Hash::Sha256 => Mechanism::Sha256Hmac,
        Hash::Sha384 => Mechanism::Sha384Hmac,
        Hash::Sha512 => Mechanism::Sha512Hmac,
    };
    session.with_key(key, Class::Secret, |raw, object| {
        raw.sign(&mechanism, object, message)
    })
}

/// Whether `claimed` is the HMAC of `message`. It is computed anew and compared here in constant
/// time: what a token's C_Verify compares with is its vendor's secret.
pub(super) fn verify(
    session: &mut TokenSession,
    key: &KeyRef,
    algorithm: MacAlgorithm,
    message: &[u8],
    claimed: &[u8],
) -> Result<bool, TokenError> {
    let right = mac(session, key, algorithm, message)?;
    Ok(right.len() == claimed.len() && openssl::memcmp::eq(&right, claimed))
}
