//! Private keys as DER PrivateKeyInfo (PKCS#8, RFC 5958), in memory that is wiped.

use super::der::{self, INTEGER, OCTET_STRING, SEQUENCE, element};
use openssl::bn::BigNum;
use openssl::ec::EcKey;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use zeroize::Zeroizing;

/// The scalar in a PrivateKeyInfo (RFC 5958) with an ECPrivateKey (RFC 5915).
pub(super) fn scalar_in(pkcs8: &[u8]) -> Option<&[u8]> {
    let (info, _) = der::read(SEQUENCE, pkcs8)?;
    let (_, info) = der::read(INTEGER, info)?;
    let (_, info) = der::read(SEQUENCE, info)?;
    let (key, _) = der::read(OCTET_STRING, info)?;
    let (key, _) = der::read(SEQUENCE, key)?;
    let (_, key) = der::read(INTEGER, key)?;
    der::read(OCTET_STRING, key).map(|(scalar, _)| scalar)
}

/// A number at its full length; some tokens leave leading zeros out.
pub(super) fn padded(number: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut whole = Zeroizing::new(vec![0; len]);
    let gap = len.checked_sub(number.len())?;
    whole[gap..].copy_from_slice(number);
    Some(whole)
}

/// The PrivateKeyInfo of an EC key, its public point included; `None` if that is not its own.
pub(super) fn ec_pkcs8(
    scalar: &[u8],
    spki: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, ErrorStack> {
    let public = PKey::public_key_from_der(spki)?.ec_key()?;
    let mut number = BigNum::from_slice(scalar)?;
    let pair = EcKey::from_private_components(public.group(), &number, public.public_key());
    number.clear();
    if pair?.check_key().is_err() {
        return Ok(None);
    }
    // The algorithm, and the point in a BIT STRING.
    let parts = der::read(SEQUENCE, spki).and_then(|(spki, _)| der::read(SEQUENCE, spki));
    let Some((algorithm, point)) = parts else {
        return Ok(None);
    };
    let scalar = element(OCTET_STRING, &[scalar]);
    let point = element(0xa1, &[point]);
    let key = element(SEQUENCE, &[&[INTEGER, 1, 1], &scalar, &point]);
    let (algorithm, key) = (
        element(SEQUENCE, &[algorithm]),
        element(OCTET_STRING, &[&key]),
    );
    Ok(Some(element(
        SEQUENCE,
        &[&[INTEGER, 1, 0], &algorithm, &key],
    )))
}

/// The PrivateKeyInfo of a key that OpenSSL writes; `None` if the public key is not its own.
pub(super) fn pkcs8(
    key: &PKey<Private>,
    spki: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, ErrorStack> {
    if !key.public_eq(&*PKey::public_key_from_der(spki)?) {
        return Ok(None);
    }
    key.private_key_to_pkcs8().map(Zeroizing::new).map(Some)
}

/// From modulus, exponents, primes, their exponents and the coefficient.
pub(super) fn rsa_key(parts: &[Zeroizing<Vec<u8>>]) -> Result<PKey<Private>, ErrorStack> {
    // RSA_free wipes them.
    let number = |at: usize| BigNum::from_slice(&parts[at]);
    let key = Rsa::from_private_components(
        number(0)?,
        number(1)?,
        number(2)?,
        number(3)?,
        number(4)?,
        number(5)?,
        number(6)?,
        number(7)?,
    )?;
    PKey::from_rsa(key)
}

/// ML-KEM's PrivateKeyInfo with the seed alone (RFC 9935 section 6), which is what AWS gives.
pub(super) fn seed_format(oid: &[u8], seed: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = element(SEQUENCE, &[oid]);
    let key = element(OCTET_STRING, &[&element(0x80, &[seed])]);
    element(SEQUENCE, &[&[INTEGER, 1, 0], &algorithm, &key])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeySpec;
    use crate::token::public_key::lattice;
    use openssl::ec::EcGroup;
    use openssl::nid::Nid;

    #[test]
    fn an_rsa_key_is_put_together_from_its_attributes() {
        let key = Rsa::generate(2048).unwrap();
        let parts = [
            Some(key.n()),
            Some(key.e()),
            Some(key.d()),
            key.p(),
            key.q(),
            key.dmp1(),
            key.dmq1(),
            key.iqmp(),
        ];
        let parts: Vec<_> = parts
            .iter()
            .map(|part| Zeroizing::new(part.unwrap().to_vec()))
            .collect();
        let made = rsa_key(&parts).unwrap();
        let whole = PKey::from_rsa(key).unwrap();
        assert_eq!(
            made.private_key_to_pkcs8().unwrap(),
            whole.private_key_to_pkcs8().unwrap()
        );
    }

    #[test]
    fn an_ec_key_is_written_as_openssl_writes_it_and_only_with_its_own_point() {
        for curve in [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1] {
            let group = EcGroup::from_curve_name(curve).unwrap();
            let pair = || EcKey::generate(&group).unwrap();
            let (key, other) = (pair(), pair());
            let spki = key.public_key_to_der().unwrap();
            let whole = PKey::from_ec_key(key).unwrap().private_key_to_pkcs8();
            let whole = whole.unwrap();
            let scalar = scalar_in(&whole).unwrap();
            assert_eq!(ec_pkcs8(scalar, &spki).unwrap().unwrap()[..], whole);
            let other = other.public_key_to_der().unwrap();
            assert!(ec_pkcs8(scalar, &other).unwrap().is_none());
        }
    }

    #[test]
    fn a_scalar_gets_its_leading_zeros_and_loses_nothing() {
        assert_eq!(padded(&[1, 2], 4).unwrap()[..], [0, 0, 1, 2]);
        assert_eq!(padded(&[1, 2], 2).unwrap()[..], [1, 2]);
        assert!(padded(&[0, 1, 2], 2).is_none());
    }

    #[test]
    fn a_seed_is_encoded_as_rfc_9935_has_it() {
        let (oid, _) = lattice(KeySpec::MlKem512).unwrap();
        let der = seed_format(oid, &[7; 64]);
        assert_eq!(der.len(), 86);
        let head = "3054020100300b0609608648016503040401044280 40".replace(' ', "");
        assert_eq!(crate::model::hex::encode(&der[..22]), head);
        assert_eq!(der[22..], [7; 64]);
    }
}
