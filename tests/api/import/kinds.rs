//! Keys of every kind, against the same key outside.

use super::{external, import, state};
use crate::{client, code};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    AlgorithmSpec, EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, KeySpec, KeyState,
    KeyUsageType, MacAlgorithmSpec, MessageType, SigningAlgorithmSpec,
};
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{Signer, Verifier};

fn pair(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

#[tokio::test]
async fn a_pair_signs_as_it_does_outside() {
    let client = client();
    let wrapping = AlgorithmSpec::RsaAesKeyWrapSha256;
    let ec = pair(Nid::X9_62_PRIME256V1);
    let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    for (spec, own, algorithm) in [
        (KeySpec::EccNistP256, &ec, SigningAlgorithmSpec::EcdsaSha256),
        (
            KeySpec::Rsa2048,
            &rsa,
            SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
        ),
    ] {
        let id = external(&client, spec.clone(), KeyUsageType::SignVerify).await;
        let pkcs8 = own.private_key_to_pkcs8().unwrap();
        let imported = import(&client, &id, &wrapping, &pkcs8).await.send().await;
        assert_eq!(imported.unwrap().key_material_id(), None);
        let public = client.get_public_key().key_id(&id).send().await.unwrap();
        let spki = own.public_key_to_der().unwrap();
        assert_eq!(public.public_key().unwrap().as_ref(), spki);
        let sign = client.sign().key_id(&id).message(Blob::new("message"));
        let sign = sign
            .message_type(MessageType::Raw)
            .signing_algorithm(algorithm.clone());
        let signed = sign.send().await.unwrap();
        let signature = signed.signature().unwrap().clone();
        let mut verifier = Verifier::new(MessageDigest::sha256(), own).unwrap();
        assert!(
            verifier
                .verify_oneshot(signature.as_ref(), b"message")
                .unwrap()
        );
        let mut signer = Signer::new(MessageDigest::sha256(), own).unwrap();
        let outside = signer.sign_oneshot_to_vec(b"message").unwrap();
        for signature in [signature, Blob::new(outside)] {
            let verify = client.verify().key_id(&id).message(Blob::new("message"));
            let verify = verify.signing_algorithm(algorithm.clone());
            let verified = verify.signature(signature).send().await.unwrap();
            assert!(verified.signature_valid());
        }
        // Another pair is not this key's, at any time.
        let delete = client.delete_imported_key_material().key_id(&id);
        delete.send().await.unwrap();
        let stranger = match spec {
            KeySpec::Rsa2048 => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            _ => pair(Nid::X9_62_PRIME256V1),
        };
        let stranger = stranger.private_key_to_pkcs8().unwrap();
        let wrong = import(&client, &id, &wrapping, &stranger)
            .await
            .send()
            .await;
        assert_eq!(code(wrong), "IncorrectKeyMaterialException");
        let right = import(&client, &id, &wrapping, &pkcs8).await.send().await;
        right.unwrap();
        assert_eq!(state(&client, &id).await, KeyState::Enabled);
    }
}

#[tokio::test]
async fn a_pair_decrypts_and_agrees_as_it_does_outside() {
    let client = client();
    let wrapping = AlgorithmSpec::RsaAesKeyWrapSha1;
    let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let id = external(&client, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let pkcs8 = rsa.private_key_to_pkcs8().unwrap();
    let imported = import(&client, &id, &wrapping, &pkcs8).await.send().await;
    imported.unwrap();
    let mut sealed = vec![0; 256];
    let public = rsa.rsa().unwrap();
    public
        .public_encrypt(b"secret", &mut sealed, Padding::PKCS1_OAEP)
        .unwrap();
    let opened = client
        .decrypt()
        .key_id(&id)
        .ciphertext_blob(Blob::new(sealed));
    let opened = opened
        .encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha1)
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"secret");

    let usage = KeyUsageType::KeyAgreement;
    let id = external(&client, KeySpec::EccNistP384, usage).await;
    let (pair, peer) = (pair(Nid::SECP384R1), pair(Nid::SECP384R1));
    let pkcs8 = pair.private_key_to_pkcs8().unwrap();
    let imported = import(&client, &id, &wrapping, &pkcs8).await.send().await;
    imported.unwrap();
    let public = client.get_public_key().key_id(&id).send().await.unwrap();
    let spki = pair.public_key_to_der().unwrap();
    assert_eq!(public.public_key().unwrap().as_ref(), spki);
    let derive = client.derive_shared_secret().key_id(&id);
    let derived = derive
        .key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh)
        .public_key(Blob::new(peer.public_key_to_der().unwrap()))
        .send()
        .await
        .unwrap();
    let mut outside = Deriver::new(&pair).unwrap();
    outside.set_peer(&peer).unwrap();
    let expected = outside.derive_to_vec().unwrap();
    assert_eq!(derived.shared_secret().unwrap().as_ref(), expected);
}

#[tokio::test]
async fn an_hmac_key_makes_the_macs_that_it_makes_outside() {
    let client = client();
    for (spec, mac, digest) in [
        (
            KeySpec::Hmac256,
            MacAlgorithmSpec::HmacSha256,
            MessageDigest::sha256(),
        ),
        (
            KeySpec::Hmac384,
            MacAlgorithmSpec::HmacSha384,
            MessageDigest::sha384(),
        ),
    ] {
        let id = external(&client, spec, KeyUsageType::GenerateVerifyMac).await;
        let material = vec![0x42; digest.size()];
        let algorithm = AlgorithmSpec::RsaesOaepSha256;
        let wrong = import(&client, &id, &algorithm, &material[1..]).await;
        assert_eq!(code(wrong.send().await), "IncorrectKeyMaterialException");
        let right = import(&client, &id, &algorithm, &material).await;
        right.send().await.unwrap();
        let made = client.generate_mac().key_id(&id).message(Blob::new("m"));
        let made = made.mac_algorithm(mac).send().await.unwrap();
        let outside = PKey::hmac(&material).unwrap();
        let mut signer = Signer::new(digest, &outside).unwrap();
        let expected = signer.sign_oneshot_to_vec(b"m").unwrap();
        assert_eq!(made.mac().unwrap().as_ref(), expected);
        let delete = client.delete_imported_key_material().key_id(&id);
        delete.send().await.unwrap();
        let wrong = import(&client, &id, &algorithm, &vec![0x43; digest.size()]).await;
        assert_eq!(code(wrong.send().await), "IncorrectKeyMaterialException");
        let right = import(&client, &id, &algorithm, &material).await;
        right.send().await.unwrap();
    }
}
