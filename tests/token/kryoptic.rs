//! What SoftHSM has not: ML-DSA, ML-KEM, Ed25519ph. Kryoptic has, built with its features `standard`
//! and `pqc`; it is not packaged, so these tests run when they are asked for:
//!
//! ```text
//! STRONGROOM_TEST_MODULE=…/libkryoptic_pkcs11.so cargo test --test token -- --ignored kryoptic::
//! ```

use crate::support::{MODULE, Sandbox, isolated};
use openssl::pkey::PKey;
use secrecy::ExposeSecret;
use strongroom::model::{KeySpec, KeyUsage, SigningAlgorithm};
use strongroom::token::{KeyRef, Token};
use uuid::Uuid;

async fn open(sandbox: &Sandbox) -> Token {
    assert!(
        std::env::var_os(MODULE).is_some(),
        "set {MODULE} to Kryoptic's module"
    );
    sandbox.token().await
}

async fn made(token: &Token, spec: KeySpec, usage: KeyUsage) -> KeyRef {
    let version = Uuid::new_v4();
    let birth = token.generate(version, "a test key", spec, usage).await;
    let birth = birth.unwrap_or_else(|error| panic!("{spec} {usage}: {error}"));
    assert!(birth.always_sensitive && birth.never_extractable && birth.local);
    let certificate = serde_json::to_value(&birth).unwrap();
    KeyRef::new(version, spec, usage, birth.public_key.map(Into::into)).born(certificate.into())
}

#[test]
#[ignore = "needs Kryoptic"]
fn ml_dsa_signs_messages() {
    isolated("kryoptic::ml_dsa_signs_messages", |sandbox| async move {
        let token = open(&sandbox).await;
        let algorithm = SigningAlgorithm::MlDsaShake256;
        for (spec, len) in [
            (KeySpec::MlDsa44, 2420),
            (KeySpec::MlDsa65, 3309),
            (KeySpec::MlDsa87, 4627),
        ] {
            let key = made(&token, spec, KeyUsage::SignVerify).await;
            let message = vec![7; 4096];
            let signature = token.sign(&key, algorithm, message.clone()).await.unwrap();
            assert_eq!(signature.len(), len);
            let holds = |message: &[u8], signature: &[u8]| {
                token.verify(&key, algorithm, message.to_vec(), signature.to_vec())
            };
            assert!(holds(&message, &signature).await.unwrap());
            assert!(!holds(&message[1..], &signature).await.unwrap());
            for byte in [0, len / 2, len - 1] {
                let mut bad = signature.clone();
                bad[byte] ^= 1;
                assert!(!holds(&message, &bad).await.unwrap(), "{spec} {byte}");
            }
            assert!(!holds(&message, &signature[1..]).await.unwrap());
        }
        token.close().await;
    });
}

#[test]
#[ignore = "needs Kryoptic"]
fn ml_kem_encapsulates_and_rejects_implicitly() {
    isolated(
        "kryoptic::ml_kem_encapsulates_and_rejects_implicitly",
        |sandbox| async move {
            let token = open(&sandbox).await;
            for spec in [KeySpec::MlKem512, KeySpec::MlKem768, KeySpec::MlKem1024] {
                let key = made(&token, spec, KeyUsage::EncapsulateDecapsulate).await;
                let sent = token.encapsulate(&key).await.unwrap();
                assert_eq!(Some(sent.ciphertext.len()), spec.encapsulation_len_bytes());
                let open = |ciphertext| token.decapsulate(&key, ciphertext);
                let received = open(sent.ciphertext.clone()).await.unwrap().unwrap();
                assert_eq!(received.expose_secret(), sent.secret.expose_secret());
                assert_eq!(received.expose_secret().len(), 32);
                let mut bad = sent.ciphertext.clone();
                bad[0] ^= 1;
                let other = open(bad).await.unwrap().unwrap();
                assert_ne!(other.expose_secret(), received.expose_secret());
                assert!(open(sent.ciphertext[1..].to_vec()).await.unwrap().is_none());
                let again = token.encapsulate(&key).await.unwrap();
                assert_ne!(again.secret.expose_secret(), sent.secret.expose_secret());

                let pair = token.generate_data_key_pair(spec).await.unwrap();
                assert_eq!(
                    pair.private_key.expose_secret().len(),
                    86,
                    "the seed format"
                );
            }
            token.close().await;
        },
    );
}

#[test]
#[ignore = "needs Kryoptic"]
fn ed25519ph_is_not_ed25519() {
    isolated("kryoptic::ed25519ph_is_not_ed25519", |sandbox| async move {
        let token = open(&sandbox).await;
        let (hashed, pure) = (
            SigningAlgorithm::Ed25519PhSha512,
            SigningAlgorithm::Ed25519Sha512,
        );
        let key = made(&token, KeySpec::EccNistEdwards25519, KeyUsage::SignVerify).await;
        let digest = vec![3; 64];
        for (signs, other) in [(hashed, pure), (pure, hashed)] {
            let signature = token.sign(&key, signs, digest.clone()).await.unwrap();
            let holds = |as_one: SigningAlgorithm, digest: Vec<u8>| {
                token.verify(&key, as_one, digest, signature.clone())
            };
            assert!(holds(signs, digest.clone()).await.unwrap());
            assert!(!holds(other, digest.clone()).await.unwrap());
            assert!(!holds(signs, vec![4; 64]).await.unwrap());
        }
        token.close().await;
    });
}

/// Kryoptic has no CKM_AES_KEY_WRAP_PAD.
#[test]
#[ignore = "needs Kryoptic"]
fn a_pair_that_is_not_wrapped_is_read() {
    isolated(
        "kryoptic::a_pair_that_is_not_wrapped_is_read",
        |sandbox| async move {
            let token = open(&sandbox).await;
            for spec in [
                KeySpec::Rsa2048,
                KeySpec::EccNistP256,
                KeySpec::EccNistP384,
                KeySpec::EccNistP521,
                KeySpec::EccNistEdwards25519,
            ] {
                let pair = token.generate_data_key_pair(spec).await.unwrap();
                let key = PKey::private_key_from_pkcs8(pair.private_key.expose_secret()).unwrap();
                assert_eq!(key.public_key_to_der().unwrap(), pair.public_key, "{spec}");
            }
            token.close().await;
        },
    );
}
