//! What the token makes for callers to take: data key pairs and shared secrets; and Ed25519.

use crate::support::isolated;
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::sign::Verifier;
use secrecy::ExposeSecret;
use strongroom::model::{KeySpec, KeyUsage, SigningAlgorithm};
use strongroom::token::{KeyRef, Token, TokenErrorClass};
use uuid::Uuid;

async fn made(token: &Token, spec: KeySpec, usage: KeyUsage) -> (KeyRef, PKey<Public>) {
    let version = Uuid::new_v4();
    let birth = token.generate(version, "a test key", spec, usage).await;
    let birth = birth.unwrap_or_else(|error| panic!("{spec} {usage}: {error}"));
    assert!(birth.always_sensitive && birth.never_extractable && birth.local);
    let der = birth.public_key.unwrap();
    let public = PKey::public_key_from_der(&der).unwrap();
    (KeyRef::new(version, spec, usage, Some(der.into())), public)
}

#[test]
fn ed25519_signs_messages_and_says_that_it_has_no_prehash() {
    isolated(
        "handed_out::ed25519_signs_messages_and_says_that_it_has_no_prehash",
        |sandbox| async move {
            let token = sandbox.token().await;
            let spec = KeySpec::EccNistEdwards25519;
            let (key, public) = made(&token, spec, KeyUsage::SignVerify).await;
            let pure = SigningAlgorithm::Ed25519Sha512;
            for len in [1, 32, 64, 4096] {
                let message = vec![0x42; len];
                let signature = token.sign(&key, pure, message.clone()).await.unwrap();
                assert_eq!(signature.len(), 64);
                let mut verifier = Verifier::new_without_digest(&public).unwrap();
                assert!(verifier.verify_oneshot(&signature, &message).unwrap());
                let holds = |message: &[u8], signature: &[u8]| {
                    token.verify(&key, pure, message.to_vec(), signature.to_vec())
                };
                assert!(holds(&message, &signature).await.unwrap());
                assert!(!holds(&message[1..], &signature).await.unwrap());
                for bad in [vec![], signature[1..].to_vec(), vec![0; 64], vec![0xff; 64]] {
                    assert!(!holds(&message, &bad).await.unwrap());
                }
                for byte in [0, 31, 32, 63] {
                    let mut bad = signature.clone();
                    bad[byte] ^= 1;
                    assert!(!holds(&message, &bad).await.unwrap());
                }
                // S + L is the same signature to whoever does not look (RFC 8032 section 8.4).
                assert!(
                    !holds(&message, &with_order_added(&signature))
                        .await
                        .unwrap()
                );
            }
            let hashed = SigningAlgorithm::Ed25519PhSha512;
            for error in [
                token.sign(&key, hashed, vec![1; 64]).await.unwrap_err(),
                token
                    .verify(&key, hashed, vec![1; 64], vec![1; 64])
                    .await
                    .unwrap_err(),
            ] {
                assert_eq!(error.class, TokenErrorClass::Unsupported);
                assert!(error.detail.contains("ED25519_PH_SHA_512"), "{error}");
            }
            token.close().await;
        },
    );
}

/// The signature with the group's order added to its second half.
fn with_order_added(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut out = signature.to_vec();
    let mut carry = 0;
    for (byte, add) in out[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    out
}

#[test]
fn a_data_key_pair_of_every_spec_is_whole_and_leaves_nothing() {
    isolated(
        "handed_out::a_data_key_pair_of_every_spec_is_whole_and_leaves_nothing",
        |sandbox| async move {
            let token = sandbox.token().await;
            for spec in [
                KeySpec::Rsa2048,
                KeySpec::Rsa3072,
                KeySpec::Rsa4096,
                KeySpec::EccNistP256,
                KeySpec::EccNistP384,
                KeySpec::EccNistP521,
                KeySpec::EccSecgP256k1,
                KeySpec::EccNistEdwards25519,
            ] {
                let rounds = if spec.rsa_bits().is_some() { 1 } else { 30 };
                let mut seen = std::collections::HashSet::new();
                for _ in 0..rounds {
                    let pair = token.generate_data_key_pair(spec).await;
                    let pair = pair.unwrap_or_else(|error| panic!("{spec}: {error}"));
                    let private = pair.private_key.expose_secret();
                    let key = PKey::private_key_from_pkcs8(private).unwrap();
                    assert_eq!(key.public_key_to_der().unwrap(), pair.public_key, "{spec}");
                    assert_eq!(key.private_key_to_pkcs8().unwrap(), private, "{spec}");
                    if let Some(bits) = spec.rsa_bits() {
                        assert_eq!(key.bits(), bits);
                        assert!(key.rsa().unwrap().check_key().unwrap());
                    }
                    if let Ok(key) = key.ec_key() {
                        key.check_key().unwrap();
                    }
                    assert!(seen.insert(private.to_vec()), "{spec}: the same key twice");
                }
            }
            assert!(token.object_ids().await.unwrap().is_empty());
            for (spec, why) in [
                (KeySpec::MlKem768, "CKM_ML_KEM_KEY_PAIR_GEN"),
                (KeySpec::Sm2, "SM2"),
            ] {
                let error = token.generate_data_key_pair(spec).await.err().unwrap();
                assert_eq!(error.class, TokenErrorClass::Unsupported);
                assert!(error.detail.contains(why), "{error}");
            }
            token.close().await;
        },
    );
}

#[test]
fn many_data_key_pairs_leave_room_for_a_key() {
    isolated(
        "handed_out::many_data_key_pairs_leave_room_for_a_key",
        |sandbox| async move {
            let token = sandbox.token().await;
            let pairs = futures_util::future::join_all(
                (0..60).map(|_| token.generate_data_key_pair(KeySpec::Rsa2048)),
            );
            let key = async {
                // After the pairs have been asked for.
                tokio::task::yield_now().await;
                let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
                token.generate(Uuid::new_v4(), "", spec, usage).await
            };
            let (pairs, key) = tokio::join!(pairs, key);
            key.unwrap();
            let refused = pairs.iter().filter_map(|pair| pair.as_ref().err());
            let refused: Vec<_> = refused.map(|error| error.class).collect();
            assert!(refused.len() >= 40, "{} were refused", refused.len());
            assert!(refused.iter().all(|class| *class == TokenErrorClass::Busy));
            token.close().await;
        },
    );
}

fn nid(spec: KeySpec) -> Nid {
    match spec {
        KeySpec::EccNistP256 => Nid::X9_62_PRIME256V1,
        KeySpec::EccNistP384 => Nid::SECP384R1,
        _ => Nid::SECP521R1,
    }
}

fn agreed(ours: &PKey<Private>, theirs: &PKey<Public>) -> Vec<u8> {
    let mut deriver = Deriver::new(ours).unwrap();
    deriver.set_peer(theirs).unwrap();
    deriver.derive_to_vec().unwrap()
}

#[test]
fn ecdh_agrees_with_openssl_from_many_threads_at_once() {
    isolated(
        "handed_out::ecdh_agrees_with_openssl_from_many_threads_at_once",
        |sandbox| async move {
            let token = sandbox.token_with(|config| config.sessions = 4).await;
            for (spec, rounds) in [
                (KeySpec::EccNistP256, 600),
                (KeySpec::EccNistP384, 40),
                (KeySpec::EccNistP521, 40),
            ] {
                let (key, public) = made(&token, spec, KeyUsage::KeyAgreement).await;
                let group = EcGroup::from_curve_name(nid(spec)).unwrap();
                let mut leading_zeros = 0;
                for _ in 0..rounds / 20 {
                    let peers: Vec<_> = (0..20)
                        .map(|_| PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
                        .collect();
                    let secrets = peers
                        .iter()
                        .map(|peer| token.derive(&key, peer.public_key_to_der().unwrap()));
                    let secrets = futures_util::future::try_join_all(secrets).await.unwrap();
                    for (secret, peer) in secrets.iter().zip(&peers) {
                        assert_eq!(secret.expose_secret(), agreed(peer, &public), "{spec}");
                        leading_zeros += usize::from(secret.expose_secret()[0] == 0);
                    }
                }
                println!("{spec}: {leading_zeros} secrets with a leading zero");
            }
            token.close().await;
        },
    );
}

#[test]
fn what_is_no_point_of_the_curve_does_not_come_to_the_token() {
    isolated(
        "handed_out::what_is_no_point_of_the_curve_does_not_come_to_the_token",
        |sandbox| async move {
            let token = sandbox.token().await;
            let spec = KeySpec::EccNistP256;
            let (key, public) = made(&token, spec, KeyUsage::KeyAgreement).await;
            let right = public.public_key_to_der().unwrap();
            token.derive(&key, right.clone()).await.unwrap();
            // The same point, compressed, is as good.
            let mut group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            let compressed = |point: &[u8]| {
                let head = &right[..right.len() - 65];
                let mut der = [head, point].concat();
                // The lengths of the sequence and of the bit string.
                der[1] = (der.len() - 2) as u8;
                der[head.len() - 2] = (point.len() + 1) as u8;
                der
            };
            let ec = public.ec_key().unwrap();
            let mut context = openssl::bn::BigNumContext::new().unwrap();
            let form = PointConversionForm::COMPRESSED;
            let point = ec.public_key().to_bytes(&group, form, &mut context);
            let short = token
                .derive(&key, compressed(&point.unwrap()))
                .await
                .unwrap();
            let long = token.derive(&key, right.clone()).await.unwrap();
            assert_eq!(short.expose_secret(), long.expose_secret());

            let mut off_curve = right.clone();
            *off_curve.last_mut().unwrap() ^= 1;
            let other = |curve| {
                let group = EcGroup::from_curve_name(curve).unwrap();
                EcKey::generate(&group)
                    .unwrap()
                    .public_key_to_der()
                    .unwrap()
            };
            group.set_asn1_flag(openssl::ec::Asn1Flag::EXPLICIT_CURVE);
            let explicit = EcKey::generate(&group).unwrap();
            let mut explicit = explicit.public_key_to_der().unwrap();
            let at = explicit.len() - 100;
            explicit[at] ^= 1;
            let rsa = openssl::rsa::Rsa::generate(2048).unwrap();
            for (what, bad) in [
                ("off the curve", off_curve),
                ("another curve", other(Nid::SECP384R1)),
                ("another curve of the same length", other(Nid::SECP256K1)),
                ("the point at infinity", compressed(&[0])),
                ("zeros", compressed(&[&[4][..], &[0; 64]].concat())),
                ("parameters of its own", explicit),
                ("RSA", rsa.public_key_to_der().unwrap()),
                ("something behind it", [&right[..], &[0]].concat()),
                ("cut short", right[..right.len() - 1].to_vec()),
                ("the bare point", right[right.len() - 65..].to_vec()),
                ("nothing", vec![]),
            ] {
                let error = token.derive(&key, bad).await.err();
                let error = error.unwrap_or_else(|| panic!("{what} was taken"));
                assert_eq!(error.class, TokenErrorClass::CallersFault, "{what}");
                assert_eq!(error.function, "peer public key", "{what}");
            }
            // A key for one use is none for the other.
            let sign = token.sign(&key, SigningAlgorithm::EcdsaSha256, vec![1; 32]);
            assert_eq!(sign.await.unwrap_err().class, TokenErrorClass::Bug);
            let (signs, _) = made(&token, spec, KeyUsage::SignVerify).await;
            let derived = token.derive(&signs, right).await.err().unwrap();
            assert_eq!(derived.class, TokenErrorClass::Bug);
            token.close().await;
        },
    );
}
