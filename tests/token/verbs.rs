//! Every spec: generate, use, destroy.

use crate::support::{isolated, module};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::PKey;
use openssl::rsa::Padding;
use openssl::sign::Verifier;
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::HashSet;
use strongroom::model::algorithm::{Hash, SignatureScheme};
use strongroom::model::{EncryptionAlgorithm, KeySpec, KeyUsage};
use strongroom::token::{Birth, KeyRef, SystemKey, Token, TokenErrorClass};
use uuid::Uuid;

fn secret(bytes: &[u8]) -> SecretSlice<u8> {
    SecretSlice::from(bytes.to_vec())
}

async fn made(token: &Token, spec: KeySpec, usage: KeyUsage) -> (Uuid, KeyRef, Birth) {
    let version = Uuid::new_v4();
    let birth = token.generate(version, "a test key", spec, usage).await;
    let birth = birth.unwrap_or_else(|error| panic!("{spec} {usage}: {error}"));
    assert!(birth.always_sensitive && birth.never_extractable && birth.local);
    assert_eq!(birth.public_key.is_some(), spec.is_asymmetric());
    assert!(birth.key_gen_mechanism.is_some());
    let public = birth.public_key.clone().map(Into::into);
    // So that its objects are compared with it at first sight.
    let certificate = serde_json::to_value(&birth).unwrap();
    let key = KeyRef::new(version, spec, usage, public).born(certificate.into());
    (version, key, birth)
}

pub fn digest_of(with: Hash, message: &[u8]) -> Vec<u8> {
    hash(message_digest(with), message).unwrap().to_vec()
}

fn message_digest(with: Hash) -> MessageDigest {
    match with {
        Hash::Sha1 => MessageDigest::sha1(),
        Hash::Sha224 => MessageDigest::sha224(),
        Hash::Sha256 => MessageDigest::sha256(),
        Hash::Sha384 => MessageDigest::sha384(),
        Hash::Sha512 => MessageDigest::sha512(),
    }
}

/// As AWS CloudHSM does: the IV that counts is the one that it has written back.
#[test]
fn a_token_that_makes_its_own_ivs_opens_what_it_sealed() {
    isolated(
        "verbs::a_token_that_makes_its_own_ivs_opens_what_it_sealed",
        |sandbox| async move {
            let shim = sandbox.tokens.with_file_name("own_iv.so");
            let built = std::process::Command::new("gcc")
                .args(["-shared", "-fPIC", "-o"])
                .arg(&shim)
                .arg(format!("-DMODULE={:?}", module()))
                .arg(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/tests/faults/own_iv.c"
                ))
                .arg("-ldl")
                .status();
            assert!(built.expect("gcc").success());
            let token = sandbox.token_with(|config| config.module = shim).await;
            let (_, key, _) =
                made(&token, KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt).await;
            let aad = || b"aad".to_vec();
            let sealed = token.seal(&key, aad(), secret(b"kept")).await.unwrap();
            let opened = token
                .unseal(&key, sealed.iv, aad(), sealed.ciphertext)
                .await;
            assert_eq!(opened.unwrap().unwrap().expose_secret(), b"kept");
        },
    );
}

#[test]
fn symmetric_keys_seal_and_open_and_nothing_else_opens() {
    isolated(
        "verbs::symmetric_keys_seal_and_open_and_nothing_else_opens",
        |sandbox| async move {
            let token = sandbox.token().await;
            let (version, key, birth) =
                made(&token, KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt).await;
            assert_eq!(birth.key_gen_mechanism.as_deref(), Some("CKM_AES_KEY_GEN"));
            let mut ivs = HashSet::new();
            for len in [0, 1, 15, 16, 17, 32, 4096] {
                let plain = vec![0x42; len];
                let sealed = token
                    .seal(&key, b"aad".to_vec(), secret(&plain))
                    .await
                    .unwrap();
                assert_eq!(sealed.ciphertext.len(), len + 16);
                assert!(ivs.insert(sealed.iv));
                let open = |iv, aad: &[u8], sealed| token.unseal(&key, iv, aad.to_vec(), sealed);
                let opened = open(sealed.iv, b"aad", sealed.ciphertext.clone()).await;
                assert_eq!(opened.unwrap().unwrap().expose_secret(), &plain[..]);
                for byte in [0, sealed.ciphertext.len() - 1] {
                    let mut bad = sealed.ciphertext.clone();
                    bad[byte] ^= 1;
                    assert!(open(sealed.iv, b"aad", bad).await.unwrap().is_none());
                }
                let mut iv = sealed.iv;
                iv[0] ^= 1;
                let whole = &sealed.ciphertext;
                assert!(open(iv, b"aad", whole.clone()).await.unwrap().is_none());
                assert!(
                    open(sealed.iv, b"AAD", whole.clone())
                        .await
                        .unwrap()
                        .is_none()
                );
                assert!(open(sealed.iv, b"", whole.clone()).await.unwrap().is_none());
                assert!(
                    open(sealed.iv, b"aad", whole[..15].to_vec())
                        .await
                        .unwrap()
                        .is_none()
                );
                assert!(
                    open(sealed.iv, b"aad", whole[1..].to_vec())
                        .await
                        .unwrap()
                        .is_none()
                );
            }
            let (bytes, sealed) = token.seal_random(&key, vec![], 32).await.unwrap();
            assert_eq!(bytes.expose_secret().len(), 32);
            let opened = token
                .unseal(&key, sealed.iv, vec![], sealed.ciphertext)
                .await
                .unwrap();
            assert_eq!(opened.unwrap().expose_secret(), bytes.expose_secret());

            assert_eq!(token.object_ids().await.unwrap(), [version]);
            assert_eq!(token.destroy(version).await.unwrap(), 1);
            assert_eq!(token.destroy(version).await.unwrap(), 0);
            assert!(token.object_ids().await.unwrap().is_empty());
            let error = token.seal(&key, vec![], secret(b"x")).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::NoSuchObject);
            token.close().await;
        },
    );
}

#[test]
fn signatures_of_every_spec_hold_on_the_token_and_off_it() {
    isolated(
        "verbs::signatures_of_every_spec_hold_on_the_token_and_off_it",
        |sandbox| async move {
            let token = sandbox.token().await;
            for spec in [
                KeySpec::Rsa2048,
                KeySpec::Rsa3072,
                KeySpec::EccNistP256,
                KeySpec::EccNistP384,
                KeySpec::EccNistP521,
                KeySpec::EccSecgP256k1,
            ] {
                let (version, key, birth) = made(&token, spec, KeyUsage::SignVerify).await;
                let public = birth.public_key.unwrap();
                for algorithm in spec.signing_algorithms(KeyUsage::SignVerify) {
                    for round in 0..8u8 {
                        let digest = digest_of(algorithm.parts().unwrap().1, &[round]);
                        let signature = token.sign(&key, *algorithm, digest.clone()).await.unwrap();
                        assert!(off_token(&public, *algorithm, &[round], &signature));
                        let holds = |digest: &[u8], signature: &[u8]| {
                            token.verify(&key, *algorithm, digest.to_vec(), signature.to_vec())
                        };
                        assert!(holds(&digest, &signature).await.unwrap(), "{algorithm}");
                        let mut other = digest.clone();
                        other[0] ^= 1;
                        assert!(!holds(&other, &signature).await.unwrap());
                        for byte in [0, 5, signature.len() - 1] {
                            let mut bad = signature.clone();
                            bad[byte] ^= 1;
                            assert!(!holds(&digest, &bad).await.unwrap(), "{algorithm} {byte}");
                        }
                        assert!(!holds(&digest, &[]).await.unwrap());
                        assert!(!holds(&digest, &signature[1..]).await.unwrap());
                        let longer = [&signature[..], &[0]].concat();
                        assert!(!holds(&digest, &longer).await.unwrap());
                        assert!(!holds(&digest, &vec![0; signature.len()]).await.unwrap());
                        assert!(!holds(&digest, &vec![0xff; signature.len()]).await.unwrap());
                    }
                    let error = token.sign(&key, *algorithm, vec![0; 20]).await.unwrap_err();
                    assert_eq!(error.class, TokenErrorClass::CallersFault);
                }
                assert_eq!(token.destroy(version).await.unwrap(), 2);
            }
            token.close().await;
        },
    );
}

fn off_token(
    public: &[u8],
    algorithm: strongroom::model::SigningAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let key = PKey::public_key_from_der(public).unwrap();
    let (scheme, with) = algorithm.parts().unwrap();
    if scheme == SignatureScheme::Ecdsa {
        let digest = digest_of(with, message);
        let signature = EcdsaSig::from_der(signature).unwrap();
        return signature.verify(&digest, &key.ec_key().unwrap()).unwrap();
    }
    let mut verifier = Verifier::new(message_digest(with), &key).unwrap();
    if scheme == SignatureScheme::Pss {
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        let len = i32::try_from(with.len_bytes()).unwrap();
        verifier
            .set_rsa_pss_saltlen(openssl::sign::RsaPssSaltlen::custom(len))
            .unwrap();
        verifier.set_rsa_mgf1_md(message_digest(with)).unwrap();
    }
    verifier.verify_oneshot(signature, message).unwrap()
}

#[test]
fn oaep_comes_back_under_both_hashes_and_refuses_every_flipped_bit() {
    isolated(
        "verbs::oaep_comes_back_under_both_hashes_and_refuses_every_flipped_bit",
        |sandbox| async move {
            let token = sandbox.token().await;
            for spec in [KeySpec::Rsa2048, KeySpec::Rsa3072] {
                let (version, key, birth) = made(&token, spec, KeyUsage::EncryptDecrypt).await;
                for algorithm in spec.encryption_algorithms(KeyUsage::EncryptDecrypt) {
                    oaep(&token, &key, &birth, spec, *algorithm).await;
                }
                // Without a public key in the reference, the token's own is used.
                let bare = KeyRef::new(version, spec, KeyUsage::EncryptDecrypt, None);
                oaep(
                    &token,
                    &bare,
                    &birth,
                    spec,
                    EncryptionAlgorithm::RsaesOaepSha256,
                )
                .await;
                assert_eq!(token.destroy(version).await.unwrap(), 2);
            }
            token.close().await;
        },
    );
}

async fn oaep(
    token: &Token,
    key: &KeyRef,
    birth: &Birth,
    spec: KeySpec,
    algorithm: EncryptionAlgorithm,
) {
    let with = algorithm.oaep_hash().unwrap();
    let modulus_len = spec.rsa_bits().unwrap() as usize / 8;
    let longest = modulus_len - 2 * with.len_bytes() - 2;
    for len in [0, 1, 32, longest] {
        let plain = vec![0x01; len];
        let sealed = token.rsa_encrypt(key, algorithm, secret(&plain)).await;
        let sealed = sealed.unwrap_or_else(|error| panic!("{algorithm} {len}: {error}"));
        let opened = token.rsa_decrypt(key, algorithm, sealed.clone()).await;
        let opened = opened.unwrap_or_else(|error| panic!("{algorithm} {len}: {error}"));
        assert_eq!(opened.unwrap().expose_secret(), &plain[..]);
        for bit in [0, 7, 8, modulus_len * 4, modulus_len * 8 - 1] {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let opened = token.rsa_decrypt(key, algorithm, bad).await;
            assert!(opened.unwrap().is_none(), "{algorithm} bit {bit}");
        }
        for bad in [
            vec![],
            vec![0; modulus_len],
            vec![0xff; modulus_len],
            sealed[1..].to_vec(),
        ] {
            let opened = token.rsa_decrypt(key, algorithm, bad).await;
            assert!(opened.unwrap().is_none());
        }
    }
    let error = token
        .rsa_encrypt(key, algorithm, secret(&vec![0; longest + 1]))
        .await
        .unwrap_err();
    assert_eq!(error.class, TokenErrorClass::CallersFault);

    // What is sealed by others with the public key opens too.
    let public = PKey::public_key_from_der(birth.public_key.as_ref().unwrap()).unwrap();
    let mut encrypter = openssl::encrypt::Encrypter::new(&public).unwrap();
    encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
    encrypter.set_rsa_oaep_md(message_digest(with)).unwrap();
    encrypter.set_rsa_mgf1_md(message_digest(with)).unwrap();
    let mut sealed = vec![0; encrypter.encrypt_len(b"hello").unwrap()];
    encrypter.encrypt(b"hello", &mut sealed).unwrap();
    let opened = token.rsa_decrypt(key, algorithm, sealed).await.unwrap();
    assert_eq!(opened.unwrap().expose_secret(), b"hello");
}

#[test]
fn macs_of_every_spec_match_openssl() {
    isolated(
        "verbs::macs_of_every_spec_match_openssl",
        |sandbox| async move {
            let token = sandbox.token().await;
            for spec in [
                KeySpec::Hmac224,
                KeySpec::Hmac256,
                KeySpec::Hmac384,
                KeySpec::Hmac512,
            ] {
                let (version, key, _) = made(&token, spec, KeyUsage::GenerateVerifyMac).await;
                let algorithm = spec.mac_algorithms()[0];
                for message in [vec![], b"message".to_vec(), vec![7; 4096]] {
                    let mac = token.mac(&key, algorithm, message.clone()).await.unwrap();
                    assert_eq!(mac.len(), algorithm.hash().len_bytes());
                    let holds =
                        |mac: Vec<u8>| token.verify_mac(&key, algorithm, message.clone(), mac);
                    assert!(holds(mac.clone()).await.unwrap());
                    let mut bad = mac.clone();
                    bad[0] ^= 1;
                    assert!(!holds(bad).await.unwrap());
                    assert!(!holds(mac[1..].to_vec()).await.unwrap());
                    assert!(!holds(vec![]).await.unwrap());
                }
                assert_eq!(token.destroy(version).await.unwrap(), 1);
            }
            token.close().await;
        },
    );
}

#[test]
fn system_keys_are_made_once_and_stay_out_of_the_list() {
    isolated(
        "verbs::system_keys_are_made_once_and_stay_out_of_the_list",
        |sandbox| async move {
            let token = sandbox.token().await;
            let deployment = Uuid::new_v4();
            for role in SystemKey::ALL {
                token.ensure_system_key(deployment, role).await.unwrap();
            }
            let wrapping = token
                .ensure_system_key(deployment, SystemKey::Wrapping)
                .await
                .unwrap();
            let sealed = token
                .seal(&wrapping, vec![], secret(b"secret"))
                .await
                .unwrap();
            assert!(token.object_ids().await.unwrap().is_empty());
            let id = SystemKey::Wrapping.object_id(deployment);
            assert_eq!(
                token.destroy(id).await.unwrap_err().class,
                TokenErrorClass::Bug
            );
            token.close().await;

            let token = sandbox.token().await;
            assert_eq!(token.object_ids().await.unwrap().len(), 3);
            let wrapping = token
                .ensure_system_key(deployment, SystemKey::Wrapping)
                .await
                .unwrap();
            let opened = token
                .unseal(&wrapping, sealed.iv, vec![], sealed.ciphertext)
                .await;
            assert_eq!(opened.unwrap().unwrap().expose_secret(), b"secret");
            let audit = token
                .ensure_system_key(deployment, SystemKey::Audit)
                .await
                .unwrap();
            let algorithm = strongroom::model::SigningAlgorithm::EcdsaSha256;
            let signature = token.sign(&audit, algorithm, vec![9; 32]).await.unwrap();
            assert!(
                token
                    .verify(&audit, algorithm, vec![9; 32], signature)
                    .await
                    .unwrap()
            );
            token.close().await;
        },
    );
}

#[test]
fn a_key_is_not_made_twice_nor_one_of_an_unknown_kind() {
    isolated(
        "verbs::a_key_is_not_made_twice_nor_one_of_an_unknown_kind",
        |sandbox| async move {
            let token = sandbox.token().await;
            let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
            let (version, ..) = made(&token, spec, usage).await;
            let error = token.generate(version, "", spec, usage).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::Bug);
            assert_eq!(token.object_ids().await.unwrap(), [version]);
            for (spec, usage, why) in [
                (
                    KeySpec::MlDsa65,
                    KeyUsage::SignVerify,
                    "no CKM_ML_DSA_KEY_PAIR_GEN",
                ),
                (
                    KeySpec::MlKem768,
                    KeyUsage::EncapsulateDecapsulate,
                    "no CKM_ML_KEM_KEY_PAIR_GEN",
                ),
                (KeySpec::Sm2, KeyUsage::SignVerify, "SM2"),
                (
                    KeySpec::EccSecgP256k1,
                    KeyUsage::KeyAgreement,
                    "ECC_SECG_P256K1",
                ),
            ] {
                let error = token
                    .generate(Uuid::new_v4(), "", spec, usage)
                    .await
                    .unwrap_err();
                assert_eq!(error.class, TokenErrorClass::Unsupported);
                assert!(error.detail.contains(why));
            }
            token.close().await;
        },
    );
}
