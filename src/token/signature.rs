//! Signatures: RSA and ECDSA over digests (PKCS#11 v3.1 sections 6.1.10, 6.1.6 and 6.3.12), and those
//! over whole messages.

use super::attributes::Class;
use super::error::{TokenError, TokenErrorClass};
use super::key::KeyRef;
use super::message_signature;
use super::public_key::curve;
use super::rsa::openssl_error;
use super::session::TokenSession;
use crate::model::SigningAlgorithm;
use crate::model::algorithm::{Hash, SignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::types::Ulong;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;

/// What is given to the token for one algorithm, and digest or message.
struct Prepared {
    mechanism: Mechanism<'static>,
    data: Vec<u8>,
    /// Whether AWS has it in DER, and tokens as `r` and `s`.
    ecdsa: bool,
    /// The length of a whole signature as the token has it, in bytes.
    signature_len: usize,
}

fn prepare(
    session: &TokenSession,
    key: &KeyRef,
    algorithm: SigningAlgorithm,
    input: &[u8],
) -> Result<Prepared, TokenError> {
    if !key.spec.signing_algorithms(key.usage).contains(&algorithm) {
        return Err(key.wrong(algorithm.as_str()));
    }
    if let Some((mechanism, signature_len)) =
        message_signature::mechanism(session, key.spec, algorithm)?
    {
        return Ok(Prepared {
            mechanism,
            data: input.to_vec(),
            ecdsa: false,
            signature_len,
        });
    }
    let Some((scheme, hash)) = algorithm.parts() else {
        return Err(key.wrong(algorithm.as_str()));
    };
    let digest = input;
    // Tokens do not all check this, and a digest of another length is a signature under another
    // algorithm.
    if digest.len() != hash.len_bytes() {
        return Err(TokenError::new(
            TokenErrorClass::CallersFault,
            "sign",
            format!(
                "the digest for {algorithm} must be {} bytes long",
                hash.len_bytes()
            ),
        ));
    }
    let signature_len = match (key.spec.rsa_bits(), curve(key.spec)) {
        (Some(bits), _) => bits as usize / 8,
        (None, Some(curve)) => 2 * curve.len,
        (None, None) => return Err(key.wrong(algorithm.as_str())),
    };
    let (mechanism, data) = match scheme {
        SignatureScheme::Pss => (pss(hash), digest.to_vec()),
        SignatureScheme::Pkcs1V15 => (
            Mechanism::RsaPkcs,
            [
                digest_info(hash).ok_or_else(|| key.wrong("RSASSA-PKCS1-v1_5"))?,
                digest,
            ]
            .concat(),
        ),
        SignatureScheme::Ecdsa => (Mechanism::Ecdsa, digest.to_vec()),
    };
    Ok(Prepared {
        mechanism,
        data,
        ecdsa: scheme == SignatureScheme::Ecdsa,
        signature_len,
    })
}

/// RSASSA-PSS with one hash throughout and a salt as long as it.
pub(super) fn pss(hash: Hash) -> Mechanism<'static> {
    let (hash_alg, mgf) = match hash {
        Hash::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        Hash::Sha224 => (MechanismType::SHA224, PkcsMgfType::MGF1_SHA224),
        Hash::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        Hash::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        Hash::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
    };
    Mechanism::RsaPkcsPss(PkcsPssParams {
        hash_alg,
        mgf,
        s_len: Ulong::new(hash.len_bytes() as _),
    })
}

/// What stands before the digest in a DER DigestInfo (RFC 8017 section 9.2, note 1).
fn digest_info(hash: Hash) -> Option<&'static [u8]> {
    Some(match hash {
        Hash::Sha256 => &[
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ],
        Hash::Sha384 => &[
            0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x02, 0x05, 0x00, 0x04, 0x30,
        ],
        Hash::Sha512 => &[
            0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x03, 0x05, 0x00, 0x04, 0x40,
        ],
        Hash::Sha1 | Hash::Sha224 => return None,
    })
}

pub(super) fn sign(
    session: &mut TokenSession,
    key: &KeyRef,
    algorithm: SigningAlgorithm,
    input: &[u8],
) -> Result<Vec<u8>, TokenError> {
    let prepared = prepare(session, key, algorithm, input)?;
    let signature = session.with_key(key, Class::Private, |raw, object| {
        raw.sign(&prepared.mechanism, object, &prepared.data)
    })?;
    if signature.len() != prepared.signature_len {
        return Err(TokenError::new(
            TokenErrorClass::Bug,
            "C_Sign",
            format!("the token gave a signature of {} bytes", signature.len()),
        ));
    }
    if prepared.ecdsa {
        return to_der(&signature).map_err(|error| openssl_error(&error));
    }
    Ok(signature)
}

pub(super) fn verify(
    session: &mut TokenSession,
    key: &KeyRef,
    algorithm: SigningAlgorithm,
    input: &[u8],
    signature: &[u8],
) -> Result<bool, TokenError> {
    let prepared = prepare(session, key, algorithm, input)?;
    let raw_signature = if prepared.ecdsa {
        match from_der(signature, prepared.signature_len / 2) {
            Some(raw) => raw,
            None => return Ok(false),
        }
    } else {
        signature.to_vec()
    };
    if raw_signature.len() != prepared.signature_len {
        return Ok(false);
    }
    let answer = session.with_key(key, Class::Public, |raw, object| {
        raw.verify(&prepared.mechanism, object, &prepared.data, &raw_signature)
    });
    match answer {
        Ok(()) => Ok(true),
        Err(error) => session.bad_input::<()>(error, &["C_Verify"]).map(|_| false),
    }
}

/// `r` and `s`, side by side, as a DER ECDSA-Sig-Value.
fn to_der(raw: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let (r, s) = raw.split_at(raw.len() / 2);
    EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()
}

/// The reverse, strictly: only the one DER encoding of two positive numbers that fit is taken, so
/// that a signature cannot be changed and still hold.
fn from_der(der: &[u8], len: usize) -> Option<Vec<u8>> {
    let signature = EcdsaSig::from_der(der).ok()?;
    if signature.to_der().ok()? != der {
        return None;
    }
    let mut raw = Vec::with_capacity(2 * len);
    for number in [signature.r(), signature.s()] {
        if number.is_negative() || number.num_bits() == 0 {
            return None;
        }
        raw.extend(number.to_vec_padded(i32::try_from(len).ok()?).ok()?);
    }
    Some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_survive_der_with_leading_zeros_and_high_bits() {
        for len in [32, 48, 66] {
            for (first, second) in [(0x00, 0x00), (0x80, 0x7f), (0x01, 0xff), (0x00, 0xff)] {
                let mut raw = vec![0x11; 2 * len];
                raw[0] = first;
                raw[len] = second;
                raw[1] = 0;
                let der = to_der(&raw).unwrap();
                assert_eq!(from_der(&der, len), Some(raw));
            }
        }
    }

    #[test]
    fn only_the_one_encoding_is_taken() {
        let der = to_der(&[[0x7f; 32], [0x11; 32]].concat()).unwrap();
        assert!(from_der(&der, 32).is_some());
        assert_eq!(from_der(&[&der[..], &[0]].concat(), 32), None);
        assert_eq!(from_der(&der[..der.len() - 1], 32), None);
        assert_eq!(from_der(&[], 32), None);
        // r = 0; s = 1.
        assert_eq!(from_der(&[0x30, 6, 2, 1, 0, 2, 1, 1], 32), None);
        // r = -1; s = 1.
        assert_eq!(from_der(&[0x30, 6, 2, 1, 0xff, 2, 1, 1], 32), None);
        // A length in the long form, which is BER.
        assert_eq!(from_der(&[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1], 32), None);
        // A superfluous leading zero.
        assert_eq!(from_der(&[0x30, 7, 2, 2, 0, 1, 2, 1, 1], 32), None);
        // Wider than the curve.
        let wide = to_der(&[[0x7f; 48], [0x11; 48]].concat()).unwrap();
        assert_eq!(from_der(&wide, 32), None);
    }
}
