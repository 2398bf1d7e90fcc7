//! Public keys as DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), from a public key object or a
//! caller.

use super::der::{BIT_STRING, SEQUENCE, element};
use super::error::{TokenError, TokenErrorClass};
use super::rsa::openssl_error;
use crate::model::KeySpec;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::Rsa;

/// What is known of a curve.
pub(super) struct Curve {
    /// The object identifier in DER, as `CKA_EC_PARAMS` wants it.
    pub(super) params: &'static [u8],
    /// The length of a field element, and of `r` and `s`, in bytes.
    pub(super) len: usize,
    pub(super) nid: Nid,
}

/// The curve of an ECC spec (SEC 2, RFC 5480).
pub(super) fn curve(spec: KeySpec) -> Option<Curve> {
    let (params, len, nid): (&[u8], _, _) = match spec {
        KeySpec::EccNistP256 => (
            &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            32,
            Nid::X9_62_PRIME256V1,
        ),
        KeySpec::EccNistP384 => (
            &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
            48,
            Nid::SECP384R1,
        ),
        KeySpec::EccNistP521 => (
            &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
            66,
            Nid::SECP521R1,
        ),
        KeySpec::EccSecgP256k1 => (
            &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a],
            32,
            Nid::SECP256K1,
        ),
        _ => return None,
    };
    Some(Curve { params, len, nid })
}

/// Reads the public half of a key pair of `spec`.
pub(super) fn subject_public_key_info(
    session: &Session,
    object: ObjectHandle,
    spec: KeySpec,
) -> Result<Vec<u8>, TokenError> {
    if let Some(curve) = curve(spec) {
        let found = session.get_attributes(object, &[AttributeType::EcPoint])?;
        let Some(Attribute::EcPoint(encoded)) = found.first() else {
            return Err(missing("CKA_EC_POINT"));
        };
        let point = octet_string(encoded, curve.len).ok_or_else(|| missing("CKA_EC_POINT"))?;
        return ec_der(&curve, point).map_err(|error| openssl_error(&error));
    }
    if spec == KeySpec::EccNistEdwards25519 {
        let found = session.get_attributes(object, &[AttributeType::EcPoint])?;
        let Some(Attribute::EcPoint(encoded)) = found.first() else {
            return Err(missing("CKA_EC_POINT"));
        };
        let point = ed25519_point(encoded).ok_or_else(|| missing("CKA_EC_POINT"))?;
        return PKey::public_key_from_raw_bytes(point, Id::ED25519)
            .and_then(|key| key.public_key_to_der())
            .map_err(|error| openssl_error(&error));
    }
    if let Some((oid, len)) = lattice(spec) {
        let found = session.get_attributes(object, &[AttributeType::Value])?;
        return match found.first() {
            Some(Attribute::Value(key)) if key.len() == len => Ok(lattice_der(oid, key)),
            _ => Err(missing("CKA_VALUE")),
        };
    }
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    match session.get_attributes(object, &wanted)?.as_slice() {
        [Attribute::Modulus(n), Attribute::PublicExponent(e)] => {
            rsa_der(n, e).map_err(|error| openssl_error(&error))
        }
        _ => Err(missing("CKA_MODULUS and CKA_PUBLIC_EXPONENT")),
    }
}

fn missing(what: &str) -> TokenError {
    TokenError::new(
        TokenErrorClass::Bug,
        "C_GetAttributeValue",
        format!("{what} of a public key is missing or malformed"),
    )
}

/// The uncompressed point in a DER OCTET STRING (PKCS#11 v3.1 section 6.3.3), or the bare point,
/// which some tokens give.
fn octet_string(encoded: &[u8], field_len: usize) -> Option<&[u8]> {
    let point_len = 1 + 2 * field_len;
    let point = match encoded {
        bare if bare.len() == point_len => bare,
        [0x04, 0x81, len, point @ ..] if usize::from(*len) == point.len() && *len >= 0x80 => point,
        [0x04, len, point @ ..] if usize::from(*len) == point.len() && *len < 0x80 => point,
        _ => return None,
    };
    (point.len() == point_len && point[0] == 0x04).then_some(point)
}

/// The 32 bytes of a point of Ed25519 (RFC 8032 section 5.1.2): bare, as PKCS#11 v3.1 section 6.3.5
/// has it, or in a DER OCTET STRING, as SoftHSM has it, or in a BIT STRING.
fn ed25519_point(encoded: &[u8]) -> Option<&[u8]> {
    match encoded {
        bare if bare.len() == 32 => Some(bare),
        [0x04, 0x20, point @ ..] | [0x03, 0x21, 0x00, point @ ..] if point.len() == 32 => {
            Some(point)
        }
        _ => None,
    }
}

/// The object identifier in DER, and the length of a public key in bytes, of ML-DSA (RFC 9881, FIPS
/// 204 table 2) and ML-KEM (RFC 9935, FIPS 203 table 3).
pub(super) fn lattice(spec: KeySpec) -> Option<(&'static [u8], usize)> {
    const fn oid(family: u8, number: u8) -> [u8; 11] {
        [
            0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, family, number,
        ]
    }
    Some(match spec {
        KeySpec::MlDsa44 => (&const { oid(3, 17) }, 1312),
        KeySpec::MlDsa65 => (&const { oid(3, 18) }, 1952),
        KeySpec::MlDsa87 => (&const { oid(3, 19) }, 2592),
        KeySpec::MlKem512 => (&const { oid(4, 1) }, 800),
        KeySpec::MlKem768 => (&const { oid(4, 2) }, 1184),
        KeySpec::MlKem1024 => (&const { oid(4, 3) }, 1568),
        _ => return None,
    })
}

/// OpenSSL before 3.5 does not know these keys; the structure is the same for all of them.
fn lattice_der(oid: &[u8], key: &[u8]) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[oid]);
    let key = element(BIT_STRING, &[&[0], key]);
    element(SEQUENCE, &[&algorithm, &key]).to_vec()
}

pub(super) fn ec_der(curve: &Curve, point: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let group = EcGroup::from_curve_name(curve.nid)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    key.check_key()?;
    PKey::from_ec_key(key)?.public_key_to_der()
}

/// The uncompressed point in a SubjectPublicKeyInfo that is a key of `curve` and nothing else: of the
/// named curve, on it, of its order, in one encoding.
pub(super) fn peer_point(curve: &Curve, spki: &[u8]) -> Option<Vec<u8>> {
    let key = PKey::public_key_from_der(spki).ok()?;
    if key.public_key_to_der().ok()? != spki {
        return None;
    }
    let key = key.ec_key().ok()?;
    if key.group().curve_name() != Some(curve.nid) {
        return None;
    }
    key.check_key().ok()?;
    let mut context = BigNumContext::new().ok()?;
    let form = PointConversionForm::UNCOMPRESSED;
    let point = key.public_key().to_bytes(key.group(), form, &mut context);
    point.ok().filter(|point| point.len() == 1 + 2 * curve.len)
}

pub(super) fn rsa_der(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key =
        Rsa::from_public_components(BigNum::from_slice(modulus)?, BigNum::from_slice(exponent)?)?;
    PKey::from_rsa(key)?.public_key_to_der()
}

/// The RSA key in a SubjectPublicKeyInfo.
pub(super) fn rsa_from_der(der: &[u8]) -> Result<Rsa<Public>, ErrorStack> {
    PKey::public_key_from_der(der)?.rsa()
}

#[cfg(test)]
mod tests {
    use super::octet_string;

    #[test]
    fn points_are_taken_wrapped_or_bare_and_nothing_else() {
        for field in [32, 48, 66] {
            let mut point = vec![0x07; 1 + 2 * field];
            point[0] = 0x04;
            let len = u8::try_from(point.len()).unwrap();
            let header = if len < 0x80 {
                vec![4, len]
            } else {
                vec![4, 0x81, len]
            };
            let wrapped = [header, point.clone()].concat();
            assert_eq!(octet_string(&wrapped, field), Some(&point[..]));
            assert_eq!(octet_string(&point, field), Some(&point[..]));
            assert_eq!(octet_string(&wrapped[..wrapped.len() - 1], field), None);
            assert_eq!(octet_string(&[&wrapped[..], &[0]].concat(), field), None);
            point[0] = 0x02;
            assert_eq!(octet_string(&point, field), None);
        }
        assert_eq!(octet_string(&[], 32), None);
    }
}
