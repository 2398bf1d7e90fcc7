//! What imported material is: whether it is what its spec asks for, and its public half, found
//! out from an object that shows neither.

use super::attributes::hmac_hash;
use super::error::{TokenError, TokenErrorClass};
use super::public_key::{Curve, curve, ec_der, rsa_der};
use super::rsa::openssl_error;
use super::session::TokenSession;
use crate::model::KeySpec;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::sha::sha256;

/// The public half of a pair.
pub(super) struct PublicHalf {
    /// DER SubjectPublicKeyInfo.
    pub(super) der: Vec<u8>,
    /// What a public key object is made from, beside its usage.
    pub(super) attributes: Vec<Attribute>,
}

/// Why the object is not what `spec` asks for, if so.
pub(super) fn misfit(
    session: &TokenSession,
    object: ObjectHandle,
    spec: KeySpec,
) -> Result<Option<String>, TokenError> {
    if let Some(curve) = curve(spec) {
        let params = attribute(session, object, AttributeType::EcParams)?;
        let fits = matches!(params, Some(Attribute::EcParams(found)) if found == curve.params);
        return Ok((!fits).then(|| "it is on another curve".to_owned()));
    }
    if let Some(bits) = spec.rsa_bits() {
        let found = match attribute(session, object, AttributeType::Modulus)? {
            Some(Attribute::Modulus(n)) => BigNum::from_slice(&n)
                .map_err(|error| openssl_error(&error))?
                .num_bits(),
            _ => 0,
        };
        let fits = u32::try_from(found) == Ok(bits);
        return Ok((!fits).then(|| format!("it is an RSA key of {found} bits")));
    }
    match attribute(session, object, AttributeType::ValueLen)? {
        Some(Attribute::ValueLen(found)) => Ok(misfit_length(u64::from(found) as usize, spec)),
        _ => Err(TokenError::new(
            TokenErrorClass::Unsupported,
            "C_GetAttributeValue",
            "the token does not say how long an unwrapped key is",
        )),
    }
}

/// Why a secret key of `found` bytes is not what `spec` asks for, if so.
pub(super) fn misfit_length(found: usize, spec: KeySpec) -> Option<String> {
    let len = hmac_hash(spec).map_or(32, |hash| hash.len_bytes());
    (found != len).then(|| format!("it has {found} bytes and not {len}"))
}

fn attribute(
    session: &TokenSession,
    object: ObjectHandle,
    kind: AttributeType,
) -> Result<Option<Attribute>, TokenError> {
    Ok(session.raw().get_attributes(object, &[kind])?.pop())
}

/// The public half of a private key object.
pub(super) fn public_half(
    session: &TokenSession,
    object: ObjectHandle,
    spec: KeySpec,
) -> Result<PublicHalf, TokenError> {
    if let Some(curve) = curve(spec) {
        return ec_half(session, object, &curve);
    }
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    let attributes = session.raw().get_attributes(object, &wanted)?;
    let [Attribute::Modulus(n), Attribute::PublicExponent(e)] = attributes.as_slice() else {
        return Err(TokenError::new(
            TokenErrorClass::Unsupported,
            "C_GetAttributeValue",
            "the token does not show the public half of an RSA private key",
        ));
    };
    let der = rsa_der(n, e).map_err(|error| openssl_error(&error))?;
    Ok(PublicHalf { der, attributes })
}

/// An EC private key object has no point. Two signatures by it have: the first leaves two points
/// that it could be by, and the second is by one of them (SEC 1 v2 section 4.1.6).
fn ec_half(
    session: &TokenSession,
    object: ObjectHandle,
    curve: &Curve,
) -> Result<PublicHalf, TokenError> {
    let sign = |digest: &[u8; 32]| session.raw().sign(&Mechanism::Ecdsa, object, digest);
    let digests = [
        sha256(b"strongroom imported key 1"),
        sha256(b"strongroom imported key 2"),
    ];
    let (first, second) = (sign(&digests[0])?, sign(&digests[1])?);
    let found = recover(curve, (&digests[0], &first), (&digests[1], &second))
        .map_err(|error| openssl_error(&error))?;
    found.ok_or_else(|| {
        TokenError::new(
            TokenErrorClass::Bug,
            "C_Sign",
            "two signatures by an imported key have no public key in common",
        )
    })
}

fn half_of(curve: &Curve, point: &[u8]) -> Result<PublicHalf, ErrorStack> {
    let mut encoded = vec![0x04];
    // DER: the short form of a length below 128, else the long one; no point has 256 bytes.
    if point.len() >= 0x80 {
        encoded.push(0x81);
    }
    encoded.push(point.len() as u8);
    encoded.extend(point);
    Ok(PublicHalf {
        der: ec_der(curve, point)?,
        attributes: vec![
            Attribute::EcParams(curve.params.to_vec()),
            Attribute::EcPoint(encoded),
        ],
    })
}

/// The one public key that both signatures (r, then s) verify under.
fn recover(
    curve: &Curve,
    (digest, signature): (&[u8], &[u8]),
    (other_digest, other): (&[u8], &[u8]),
) -> Result<Option<PublicHalf>, ErrorStack> {
    if signature.len() != 2 * curve.len || other.len() != 2 * curve.len {
        return Ok(None);
    }
    let mut context = BigNumContext::new()?;
    let group = EcGroup::from_curve_name(curve.nid)?;
    let mut order = BigNum::new()?;
    group.order(&mut order, &mut context)?;
    let (r, s) = signature.split_at(curve.len);
    let (number, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
    let mut inverse = BigNum::new()?;
    inverse.mod_inverse(&number, &order, &mut context)?;
    // Q = r^-1 (s R - e G), and R has r for its x but for a chance that is beyond counting.
    let mut by_s = BigNum::new()?;
    by_s.mod_mul(&s, &inverse, &order, &mut context)?;
    let (zero, e) = (BigNum::new()?, BigNum::from_slice(digest)?);
    let mut by_e = BigNum::new()?;
    by_e.mod_mul(&e, &inverse, &order, &mut context)?;
    let mut minus = BigNum::new()?;
    minus.mod_sub(&zero, &by_e, &order, &mut context)?;
    let (other_r, other_s) = other.split_at(curve.len);
    let other = EcdsaSig::from_private_components(
        BigNum::from_slice(other_r)?,
        BigNum::from_slice(other_s)?,
    )?;
    for sign in [2, 3] {
        let compressed = [&[sign], r].concat();
        let Ok(point) = EcPoint::from_bytes(&group, &compressed, &mut context) else {
            continue;
        };
        let mut candidate = EcPoint::new(&group)?;
        candidate.mul_full(&group, &minus, &point, &by_s, &mut context)?;
        let key = EcKey::from_public_key(&group, &candidate)?;
        if key.check_key().is_ok() && other.verify(other_digest, &key)? {
            let form = openssl::ec::PointConversionForm::UNCOMPRESSED;
            let point = candidate.to_bytes(&group, form, &mut context)?;
            return half_of(curve, &point).map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::bn::BigNumRef;
    use openssl::pkey::{PKey, Private};

    #[test]
    fn a_public_key_is_found_from_two_signatures() {
        for spec in [
            KeySpec::EccNistP256,
            KeySpec::EccNistP384,
            KeySpec::EccNistP521,
            KeySpec::EccSecgP256k1,
        ] {
            let curve = curve(spec).unwrap();
            let group = EcGroup::from_curve_name(curve.nid).unwrap();
            let sign = |key: &EcKey<Private>, digest: &[u8]| {
                let signature = EcdsaSig::sign(digest, key).unwrap();
                let padded = |n: &BigNumRef| n.to_vec_padded(curve.len as i32).unwrap();
                [padded(signature.r()), padded(signature.s())].concat()
            };
            let (one, two) = (sha256(b"1"), sha256(b"2"));
            for _ in 0..8 {
                let key = EcKey::generate(&group).unwrap();
                let stranger = EcKey::generate(&group).unwrap();
                let by = |second: &EcKey<Private>| {
                    let (first, second) = (sign(&key, &one), sign(second, &two));
                    recover(&curve, (&one, &first), (&two, &second)).unwrap()
                };
                let half = by(&key).unwrap();
                let right = PKey::from_ec_key(key.clone()).unwrap();
                assert_eq!(half.der, right.public_key_to_der().unwrap());
                let Some(Attribute::EcPoint(encoded)) = half.attributes.last() else {
                    panic!("no point");
                };
                let point = &encoded[encoded.len() - (1 + 2 * curve.len)..];
                assert!(half.der.ends_with(point));
                assert!(by(&stranger).is_none(), "two keys have nothing in common");
            }
        }
    }
}
