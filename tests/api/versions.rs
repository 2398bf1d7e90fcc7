//! Strongroom.CreateKeyVersion, ListKeyVersions, EnableKeyVersion, DisableKeyVersion,
//! SetPrimaryKeyVersion, and versions named where a KeyId is.

use crate::wire::{Answer, own};
use crate::{client, code, key, message};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, KeySpec, KeyUsageType, MacAlgorithmSpec,
    SigningAlgorithmSpec,
};
use serde_json::{Value, json};

const ECDSA: SigningAlgorithmSpec = SigningAlgorithmSpec::EcdsaSha256;

pub fn create(id: &str) -> Value {
    done(own("CreateKeyVersion", &json!({"KeyId": id})))
}

pub fn done(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

pub fn on(operation: &str, id: &str, number: i32) -> Answer {
    own(operation, &json!({"KeyId": id, "KeyVersion": number}))
}

pub fn list(id: &str) -> Vec<Value> {
    let listed = done(own("ListKeyVersions", &json!({"KeyId": id})));
    assert_eq!(listed["Truncated"], false);
    listed["KeyVersions"].as_array().unwrap().clone()
}

pub fn arn(id: &str) -> String {
    format!("arn:aws:kms:us-east-1:000000000000:key/{id}")
}

pub fn version(id: &str, number: i32) -> String {
    format!("{id}/version/{number}")
}

pub async fn sign(client: &Client, id: &str) -> Result<Blob, String> {
    let signed = client.sign().key_id(id).message(Blob::new("m"));
    let signed = signed.signing_algorithm(ECDSA).send().await;
    match signed {
        Ok(signed) => Ok(signed.signature().unwrap().clone()),
        Err(error) => Err(message(Err::<(), _>(error))),
    }
}

pub async fn verify(client: &Client, id: &str, signature: &Blob) -> Result<(), String> {
    let verified = client.verify().key_id(id).message(Blob::new("m"));
    let verified = verified
        .signature(signature.clone())
        .signing_algorithm(ECDSA);
    match verified.send().await {
        Ok(answer) => {
            assert!(answer.signature_valid());
            assert_eq!(answer.key_id(), Some(&*arn(id.split('/').next().unwrap())));
            Ok(())
        }
        Err(error) => Err(code(Err::<(), _>(error))),
    }
}

pub async fn public_key(client: &Client, id: &str) -> Vec<u8> {
    let answer = client.get_public_key().key_id(id).send().await.unwrap();
    answer.public_key().unwrap().as_ref().to_vec()
}

#[tokio::test]
async fn a_new_version_signs_and_the_old_still_verifies() {
    let client = client();
    let id = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let first = sign(&client, &id).await.unwrap();
    let made = create(&id);
    assert_eq!(
        (&made["KeyVersion"], &made["Primary"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(made["KeyId"], arn(&id));
    assert_eq!(made["KeyVersionArn"], version(&arn(&id), 2));
    let second = sign(&client, &id).await.unwrap();
    for signature in [&first, &second] {
        verify(&client, &id, signature).await.unwrap();
    }
    let invalid = Err("KMSInvalidSignatureException".to_owned());
    for (number, its_own, other) in [(1, &first, &second), (2, &second, &first)] {
        for name in [version(&id, number), version(&arn(&id), number)] {
            let again = sign(&client, &name).await.unwrap();
            for name in [&id, &version(&id, number)] {
                verify(&client, name, &again).await.unwrap();
                verify(&client, name, its_own).await.unwrap();
            }
            assert_eq!(
                verify(&client, &version(&id, 3 - number), &again).await,
                invalid
            );
            assert_eq!(verify(&client, &version(&id, number), other).await, invalid);
        }
    }
    assert_eq!(verify(&client, &id, &Blob::new([1; 70])).await, invalid);
    // The public keys are the versions' own.
    let listed = list(&id);
    assert_eq!(listed.len(), 2);
    for (at, entry) in listed.iter().enumerate() {
        let number = at as i32 + 1;
        assert_eq!(entry["KeyVersion"], number);
        assert_eq!(entry["State"], "Enabled");
        assert_eq!(entry["Primary"], number == 2);
        let public = public_key(&client, &version(&id, number)).await;
        let text = openssl::base64::encode_block(&public);
        assert_eq!(entry["PublicKey"], text);
    }
    assert_ne!(listed[0]["PublicKey"], listed[1]["PublicKey"]);
    let (primary, second) = (version(&id, 2), public_key(&client, &id).await);
    assert_eq!(second, public_key(&client, &primary).await);
}

#[tokio::test]
async fn what_is_encrypted_under_a_version_is_decrypted_by_it() {
    let client = client();
    let id = key(&client, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let oaep = EncryptionAlgorithmSpec::RsaesOaepSha256;
    let encrypt = |id: String| {
        let call = client.encrypt().key_id(id).plaintext(Blob::new("x"));
        call.encryption_algorithm(oaep.clone()).send()
    };
    let decrypt = |id: &str, blob: &Blob| {
        let call = client.decrypt().key_id(id).ciphertext_blob(blob.clone());
        call.encryption_algorithm(oaep.clone()).send()
    };
    let old = encrypt(id.clone()).await.unwrap();
    let old = old.ciphertext_blob().unwrap();
    create(&id);
    assert_eq!(code(decrypt(&id, old).await), "InvalidCiphertextException");
    decrypt(&version(&id, 1), old).await.unwrap();
    let named = encrypt(version(&id, 1)).await.unwrap();
    let opened = decrypt(&version(&id, 1), named.ciphertext_blob().unwrap()).await;
    let opened = opened.unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"x");
    assert_eq!(opened.key_id(), Some(&*arn(&id)));
    let new = encrypt(id.clone()).await.unwrap();
    decrypt(&id, new.ciphertext_blob().unwrap()).await.unwrap();
    // From version 1 to the primary.
    let moved = client.re_encrypt().ciphertext_blob(old.clone());
    let moved = moved.source_key_id(version(&id, 1)).destination_key_id(&id);
    let moved = moved
        .source_encryption_algorithm(oaep.clone())
        .destination_encryption_algorithm(oaep.clone());
    let moved = moved.send().await.unwrap();
    decrypt(&id, moved.ciphertext_blob().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_secret_is_agreed_on_with_a_version() {
    let client = client();
    let agreement = KeyUsageType::KeyAgreement;
    let id = key(&client, KeySpec::EccNistP256, agreement.clone()).await;
    let peer = key(&client, KeySpec::EccNistP256, agreement).await;
    create(&id);
    let derive = async |mine: &str, theirs: &str| {
        let call = client.derive_shared_secret().key_id(mine);
        let call = call.key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh);
        let theirs = Blob::new(public_key(&client, theirs).await);
        let derived = call.public_key(theirs).send().await.unwrap();
        derived.shared_secret().unwrap().clone()
    };
    let old = derive(&version(&id, 1), &peer).await;
    let new = derive(&id, &peer).await;
    assert_ne!(old, new);
    assert_eq!(derive(&peer, &version(&id, 1)).await, old);
    assert_eq!(derive(&peer, &version(&id, 2)).await, new);
}

#[tokio::test]
async fn macs_of_every_enabled_version() {
    let client = client();
    let id = key(&client, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let mac = |id: String| {
        let call = client.generate_mac().key_id(id).message(Blob::new("m"));
        call.mac_algorithm(MacAlgorithmSpec::HmacSha256).send()
    };
    let verify = |id: String, mac: Blob| {
        let call = client.verify_mac().key_id(id).message(Blob::new("m"));
        call.mac(mac)
            .mac_algorithm(MacAlgorithmSpec::HmacSha256)
            .send()
    };
    let old = mac(id.clone()).await.unwrap().mac().unwrap().clone();
    assert!(create(&id).get("PublicKey").is_none());
    let new = mac(id.clone()).await.unwrap().mac().unwrap().clone();
    assert_ne!(old, new);
    assert_eq!(mac(version(&id, 1)).await.unwrap().mac(), Some(&old));
    verify(id.clone(), old.clone()).await.unwrap();
    verify(id.clone(), new.clone()).await.unwrap();
    let other = verify(version(&id, 2), old.clone()).await;
    assert_eq!(code(other), "KMSInvalidMacException");
    done(on("DisableKeyVersion", &id, 1));
    assert_eq!(
        code(verify(id.clone(), old).await),
        "KMSInvalidMacException"
    );
}

#[tokio::test]
async fn a_disabled_version_does_nothing_until_it_is_enabled() {
    let client = client();
    let id = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let first = sign(&client, &id).await.unwrap();
    let made = own(
        "CreateKeyVersion",
        &json!({"KeyId": id, "SetPrimary": false}),
    );
    assert_eq!(done(made)["Primary"], false);
    let still = sign(&client, &id).await.unwrap();
    verify(&client, &version(&id, 1), &still).await.unwrap();
    done(on("SetPrimaryKeyVersion", &id, 2));
    let second = sign(&client, &id).await.unwrap();
    verify(&client, &version(&id, 2), &second).await.unwrap();

    done(on("DisableKeyVersion", &id, 1));
    let disabled = format!("{} is disabled.", version(&arn(&id), 1));
    assert_eq!(sign(&client, &version(&id, 1)).await, Err(disabled.clone()));
    let verified = verify(&client, &version(&id, 1), &first).await;
    assert_eq!(verified, Err("DisabledException".into()));
    let verified = verify(&client, &id, &first).await;
    assert_eq!(verified, Err("KMSInvalidSignatureException".into()));
    let public = client.get_public_key().key_id(version(&id, 1)).send().await;
    assert_eq!(message(public), disabled);
    let primary = on("SetPrimaryKeyVersion", &id, 1);
    assert_eq!(primary.code(), "KMSInvalidStateException");
    verify(&client, &id, &second).await.unwrap();

    // The primary, too: nothing else takes its place by itself.
    done(on("EnableKeyVersion", &id, 1));
    verify(&client, &id, &first).await.unwrap();
    done(on("DisableKeyVersion", &id, 2));
    let disabled = format!("{} is disabled.", version(&arn(&id), 2));
    assert_eq!(sign(&client, &id).await, Err(disabled));
    let verified = verify(&client, &id, &first).await;
    assert_eq!(verified, Err("DisabledException".into()));
    verify(&client, &version(&id, 1), &first).await.unwrap();
    let states: Vec<Value> = list(&id).iter().map(|v| v["State"].clone()).collect();
    assert_eq!(states, ["Enabled", "Disabled"]);
    done(on("SetPrimaryKeyVersion", &id, 1));
    sign(&client, &id).await.unwrap();
}
