//! The public keys of an issuer: JSON Web Keys, and what they verify.
//!
//! Sources: RFC 7517 (JWK), RFC 7518 (JWA), RFC 8037 (Ed25519).

use super::strict_json::Object;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Verifier};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The sizes of RSA keys that are taken, in bits.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;
/// More keys than any issuer has.
const MAX_KEYS: usize = 100;

/// The algorithms that tokens may be signed by: none without a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// `None` for every other, `none` and the HMACs among them.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    fn digest(self) -> Option<MessageDigest> {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => Some(MessageDigest::sha256()),
            Self::Rs384 | Self::Es384 => Some(MessageDigest::sha384()),
            Self::Rs512 => Some(MessageDigest::sha512()),
            Self::EdDsa => None,
        }
    }
}

/// A key of an issuer.
pub(super) struct Jwk {
    /// The one algorithm that it is for, where it says so.
    algorithm: Option<Algorithm>,
    kind: Kind,
    key: PKey<Public>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// Reads a set of keys, by their `kid`s; those that are not for signatures, or of kinds that are not
/// known, are left out.
///
/// # Errors
/// It is no such set.
pub(super) fn read_set(text: &[u8]) -> Result<BTreeMap<String, Jwk>, &'static str> {
    let Object(set) = serde_json::from_slice(text).map_err(|_| "it is not JSON")?;
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or("it has no 'keys'")?;
    if keys.len() > MAX_KEYS {
        return Err("it has too many keys");
    }
    let mut found = BTreeMap::new();
    for key in keys.iter().filter_map(Value::as_object) {
        let Some(kid) = key.get("kid").and_then(Value::as_str) else {
            continue;
        };
        if let Some(read) = Jwk::read(key)
            && found.insert(kid.to_owned(), read).is_some()
        {
            return Err("two of its keys have the same 'kid'");
        }
    }
    Ok(found)
}

impl Jwk {
    fn read(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let algorithm = match text("alg") {
            Some(name) => Some(Algorithm::parse(name)?),
            None => None,
        };
        let (kind, key) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (Kind::Rsa, rsa(&bytes("n")?, &bytes("e")?).ok()?),
            ("EC", Some("P-256")) => {
                let key = ec(Nid::X9_62_PRIME256V1, &bytes("x")?, &bytes("y")?);
                (Kind::P256, key.ok()?)
            }
            ("EC", Some("P-384")) => {
                let key = ec(Nid::SECP384R1, &bytes("x")?, &bytes("y")?);
                (Kind::P384, key.ok()?)
            }
            ("OKP", Some("Ed25519")) => {
                let key = PKey::public_key_from_raw_bytes(&bytes("x")?, Id::ED25519);
                (Kind::Ed25519, key.ok()?)
            }
            _ => return None,
        };
        let weak = kind == Kind::Rsa && !RSA_BITS.contains(&key.bits());
        (!weak).then_some(Self {
            algorithm,
            kind,
            key,
        })
    }

    /// Whether a signature is the key's, by an algorithm that it is for.
    pub(super) fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let suits = match algorithm {
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256 => {
                self.kind == Kind::Rsa
            }
            Algorithm::Es256 => self.kind == Kind::P256,
            Algorithm::Es384 => self.kind == Kind::P384,
            Algorithm::EdDsa => self.kind == Kind::Ed25519,
        };
        if !suits || self.algorithm.is_some_and(|only| only != algorithm) {
            return false;
        }
        // Errors are those of signatures that cannot be one.
        self.check(algorithm, signed, signature).unwrap_or(false)
    }

    fn check(
        &self,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<bool, ErrorStack> {
        let Some(digest) = algorithm.digest() else {
            let mut verifier = Verifier::new_without_digest(&self.key)?;
            return verifier.verify_oneshot(signature, signed);
        };
        let mut verifier = Verifier::new(digest, &self.key)?;
        let der;
        let signature = match self.kind {
            Kind::Rsa => {
                if algorithm == Algorithm::Ps256 {
                    verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
                    verifier.set_rsa_mgf1_md(digest)?;
                    verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
                }
                signature
            }
            // r and s, each at its full length.
            Kind::P256 | Kind::P384 | Kind::Ed25519 => {
                let half = self.key.bits().div_ceil(8) as usize;
                if signature.len() != 2 * half {
                    return Ok(false);
                }
                let (r, s) = signature.split_at(half);
                let (r, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
                der = EcdsaSig::from_private_components(r, s)?.to_der()?;
                &der
            }
        };
        verifier.verify_oneshot(signature, signed)
    }
}

fn rsa(n: &[u8], e: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let key = Rsa::from_public_components(BigNum::from_slice(n)?, BigNum::from_slice(e)?)?;
    PKey::from_rsa(key)
}

/// A point that is on its curve.
fn ec(curve: Nid, x: &[u8], y: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let group = EcGroup::from_curve_name(curve)?;
    let mut context = BigNumContext::new()?;
    let mut point = EcPoint::new(&group)?;
    let (x, y) = (BigNum::from_slice(x)?, BigNum::from_slice(y)?);
    point.set_affine_coordinates_gfp(&group, &x, &y, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    key.check_key()?;
    PKey::from_ec_key(key)
}
