//! Signatures over whole messages, which the token digests in its own way: Ed25519 (PKCS#11 v3.1
//! section 6.3.15) and ML-DSA (PKCS#11 v3.2, CKM_ML_DSA).

use super::error::{TokenError, TokenErrorClass};
use super::export_check::forget;
use super::pair::ED25519_PARAMS;
use super::session::TokenSession;
use crate::model::{KeySpec, SigningAlgorithm};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::Session;

/// The mechanism of an algorithm that signs whole messages, and the length of its signatures under
/// `spec` in bytes (RFC 8032, FIPS 204 table 2); `None` for an algorithm that signs a digest.
///
/// # Errors
///
/// Unsupported for Ed25519ph where the token has it not.
pub(super) fn mechanism(
    session: &TokenSession,
    spec: KeySpec,
    algorithm: SigningAlgorithm,
) -> Result<Option<(Mechanism<'static>, usize)>, TokenError> {
    Ok(match algorithm {
        SigningAlgorithm::Ed25519Sha512 => Some((eddsa(EddsaSignatureScheme::Ed25519), 64)),
        SigningAlgorithm::Ed25519PhSha512 if has_ed25519ph(session)? => {
            Some((eddsa(EddsaSignatureScheme::Ed25519ph(b"")), 64))
        }
        SigningAlgorithm::Ed25519PhSha512 => {
            return Err(TokenError::new(
                TokenErrorClass::Unsupported,
                "CKM_EDDSA",
                "its CKM_EDDSA has no Ed25519ph, which ED25519_PH_SHA_512 needs",
            ));
        }
        SigningAlgorithm::MlDsaShake256 => {
            let len = match spec {
                KeySpec::MlDsa44 => 2420,
                KeySpec::MlDsa65 => 3309,
                _ => 4627,
            };
            Some((ml_dsa(), len))
        }
        _ => None,
    })
}

pub(super) fn eddsa(scheme: EddsaSignatureScheme<'static>) -> Mechanism<'static> {
    Mechanism::Eddsa(EddsaParams::new(scheme))
}

/// ML-DSA with an empty context; hedged where the token can.
pub(super) fn ml_dsa() -> Mechanism<'static> {
    Mechanism::MlDsa(SignAdditionalContext::new(HedgeType::Preferred, None))
}

/// Whether the token has Ed25519ph: asked once an epoch, with a public session key, because the
/// mechanism list does not tell. SoftHSM takes the parameter, ignores it and signs pure Ed25519.
fn has_ed25519ph(session: &TokenSession) -> Result<bool, TokenError> {
    if let Some(known) = session.epoch().ed25519ph.get() {
        return Ok(*known);
    }
    let has = match verifies_ed25519ph(session.raw()).map_err(TokenError::from) {
        Ok(()) => true,
        // Whatever it says of the published signature, it is no Ed25519ph to rely on; unless the
        // trouble is the session's or the token's.
        Err(error)
            if matches!(
                error.class,
                TokenErrorClass::CallersFault | TokenErrorClass::Unsupported | TokenErrorClass::Bug
            ) && error.code != Some(RvError::GeneralError) =>
        {
            false
        }
        Err(error) => return Err(error),
    };
    // Another thread may have been first, with the same answer.
    let _ = session.epoch().ed25519ph.set(has);
    Ok(has)
}

/// Has the token verify the Ed25519ph signature of RFC 8032 section 7.3.
pub(super) fn verifies_ed25519ph(raw: &Session) -> cryptoki::error::Result<()> {
    let key = raw.create_object(&[
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::EC_EDWARDS),
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::EcParams(ED25519_PARAMS.to_vec()),
        Attribute::EcPoint([&[0x04, 0x20], &PUBLIC_KEY[..]].concat()),
    ])?;
    let mechanism = eddsa(EddsaSignatureScheme::Ed25519ph(b""));
    let answer = raw.verify(&mechanism, key, b"abc", &SIGNATURE);
    forget(raw, key);
    answer
}

const PUBLIC_KEY: [u8; 32] = [
    0xec, 0x17, 0x2b, 0x93, 0xad, 0x5e, 0x56, 0x3b, 0xf4, 0x93, 0x2c, 0x70, 0xe1, 0x24, 0x50, 0x34,
    0xc3, 0x54, 0x67, 0xef, 0x2e, 0xfd, 0x4d, 0x64, 0xeb, 0xf8, 0x19, 0x68, 0x34, 0x67, 0xe2, 0xbf,
];

const SIGNATURE: [u8; 64] = [
    0x98, 0xa7, 0x02, 0x22, 0xf0, 0xb8, 0x12, 0x1a, 0xa9, 0xd3, 0x0f, 0x81, 0x3d, 0x68, 0x3f, 0x80,
    0x9e, 0x46, 0x2b, 0x46, 0x9c, 0x7f, 0xf8, 0x76, 0x39, 0x49, 0x9b, 0xb9, 0x4e, 0x6d, 0xae, 0x41,
    0x31, 0xf8, 0x50, 0x42, 0x46, 0x3c, 0x2a, 0x35, 0x5a, 0x20, 0x03, 0xd0, 0x62, 0xad, 0xf5, 0xaa,
    0xa1, 0x0b, 0x8c, 0x61, 0xe6, 0x36, 0x06, 0x2a, 0xaa, 0xd1, 0x1c, 0x2a, 0x26, 0x08, 0x34, 0x06,
];
