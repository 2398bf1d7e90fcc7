//! Strongroom.AdoptKey: keys that `pkcs11-tool` (OpenSC) has made.

use crate::client;
use crate::dev::SHARED;
use crate::wire::{Answer, own, own_by};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, OriginType, SigningAlgorithmSpec};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Verifier;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// Another program, logged in to the gateway's token.
fn logged_in() -> Command {
    let pin = std::fs::read_to_string(SHARED.dir.join("pin")).unwrap();
    let text = std::fs::read_to_string(SHARED.dir.join("strongroom.toml")).unwrap();
    let module = text.lines().find_map(|line| line.strip_prefix("module = "));
    let mut command = Command::new("pkcs11-tool");
    command
        .env("SOFTHSM2_CONF", SHARED.dir.join("softhsm2.conf"))
        .env("PIN", pin.trim())
        .args(["--module", module.unwrap().trim_matches('"')])
        .args(["--login", "--pin", "env:PIN"]);
    command
}

/// Has another program make a key on the gateway's token; answers its `CKA_ID`.
fn pkcs11_tool(arguments: &[&str]) -> String {
    let mut said = String::new();
    // SoftHSM's generation fails now and then while another process generates.
    for _ in 0..10 {
        let id = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        let output = logged_in()
            .args(["--id", &id])
            .args(arguments)
            .output()
            .expect("pkcs11-tool runs");
        if output.status.success() {
            return id;
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    panic!("{said}");
}

fn adopt(body: Value) -> Answer {
    own("AdoptKey", &body)
}

fn done(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn refused(answer: Answer, exception: &str) {
    let told = answer.body["__type"].as_str().unwrap().to_owned();
    assert!(told.ends_with(exception), "{}", answer.body);
}

#[tokio::test]
async fn a_key_pair_of_another_programs_signs() {
    let label = "an enterprise's signing key";
    let id = pkcs11_tool(&[
        "--keypairgen",
        "--key-type",
        "EC:prime256v1",
        "--usage-sign",
        "--label",
        label,
    ]);
    let request = json!({
        "ObjectLabel": label, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY",
        "Description": "was here before", "Tags": [{"TagKey": "team", "TagValue": "legal"}],
    });
    let adopted = done(adopt(request.clone()));
    let metadata = &adopted["KeyMetadata"];
    assert_eq!(metadata["Origin"], "AWS_KMS");
    assert_eq!(metadata["StrongroomAdopted"], true);
    let object = &adopted["AdoptedObject"];
    assert_eq!(object["ObjectId"], id);
    assert_eq!(object["ObjectLabel"], label);
    assert_eq!(object["Sensitive"], true);
    assert_eq!(object["Extractable"], false);
    let client = client();
    let key = metadata["KeyId"].as_str().unwrap();
    let described = client.describe_key().key_id(key).send().await.unwrap();
    let described = described.key_metadata().unwrap();
    assert_eq!(described.key_spec(), Some(&KeySpec::EccNistP256));
    assert_eq!(described.origin(), Some(&OriginType::AwsKms));
    assert_eq!(described.description(), Some("was here before"));
    let signed = client
        .sign()
        .key_id(key)
        .message(Blob::new("a contract"))
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
    let signed = signed.send().await.unwrap();
    let signature = signed.signature().unwrap().clone();
    let public = client.get_public_key().key_id(key).send().await.unwrap();
    let public = PKey::public_key_from_der(public.public_key().unwrap().as_ref()).unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &public).unwrap();
    verifier.update(b"a contract").unwrap();
    assert!(verifier.verify(signature.as_ref()).unwrap());
    let verified = client
        .verify()
        .key_id(key)
        .message(Blob::new("a contract"))
        .signature(signature)
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
    assert!(verified.send().await.unwrap().signature_valid());

    refused(adopt(request), "AlreadyExistsException");
    let same = json!({"ObjectId": id, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"});
    refused(adopt(same), "AlreadyExistsException");
}

#[tokio::test]
async fn a_symmetric_key_encrypts_and_is_rotated_away_from() {
    let id = pkcs11_tool(&["--keygen", "--key-type", "AES:32", "--sensitive"]);
    let request = json!({
        "ObjectId": id, "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
    });
    let adopted = done(adopt(request));
    let key = adopted["KeyMetadata"]["KeyId"].as_str().unwrap();
    let client = client();
    let encrypt = client.encrypt().key_id(key).plaintext(Blob::new("x"));
    let encrypted = encrypt.send().await.unwrap();
    let ciphertext = encrypted.ciphertext_blob().unwrap().clone();
    let rotate = client.rotate_key_on_demand().key_id(key);
    rotate.send().await.unwrap();
    let decrypt = client.decrypt().ciphertext_blob(ciphertext);
    let decrypted = decrypt.send().await.unwrap();
    assert_eq!(decrypted.plaintext().unwrap().as_ref(), b"x");
}

#[tokio::test]
async fn one_that_can_leave_the_token_is_adopted_only_when_told_so() {
    let id = pkcs11_tool(&[
        "--keygen",
        "--key-type",
        "AES:32",
        "--sensitive",
        "--extractable",
    ]);
    let mut request = json!({
        "ObjectId": id, "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
    });
    let answer = adopt(request.clone());
    let message = answer.body["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    refused(answer, "ValidationException");
    assert!(message.contains("AllowExtractable"), "{message}");
    request["AllowExtractable"] = true.into();
    let adopted = done(adopt(request));
    assert_eq!(adopted["AdoptedObject"]["Extractable"], true);
}

#[tokio::test]
async fn what_cannot_be_adopted() {
    let one = json!({"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"});
    let with = |name: &str, value: &str| {
        let mut request = one.clone();
        request[name] = value.into();
        request
    };
    refused(adopt(one.clone()), "ValidationException");
    let mut both = with("ObjectId", "01");
    both["ObjectLabel"] = "x".into();
    refused(adopt(both), "ValidationException");
    refused(adopt(with("ObjectId", "0g")), "ValidationException");
    refused(adopt(with("ObjectId", "012")), "ValidationException");
    refused(
        adopt(with("ObjectLabel", "no such thing")),
        "ValidationException",
    );
    let mut elsewhere = with("ObjectId", "01");
    elsewhere["CustomKeyStoreId"] = "cks-0".into();
    refused(adopt(elsewhere), "CustomKeyStoreNotFoundException");
    let mut odd = with("ObjectId", "01");
    odd["KeyUsage"] = "SIGN_VERIFY".into();
    refused(adopt(odd), "ValidationException");
    // What was made here is a key already, be it another account's or another deployment's.
    let client = client();
    let made = crate::symmetric(&client).await;
    let label = format!("strongroom key {made}");
    let answer = adopt(with("ObjectLabel", &label));
    let message = answer.body["message"].as_str().unwrap_or_default();
    assert!(message.contains("made by a Strongroom"), "{message}");
    refused(answer, "ValidationException");
    // AWS has no such operation.
    let answer = crate::wire::aws("AdoptKey", &one);
    refused(answer, "UnknownOperationException");
    let described = client.describe_key().key_id(made).send().await;
    described.unwrap();
}

#[tokio::test]
async fn none_of_the_gateways_own_keys_is_adopted() {
    drop(client()); // starts the gateway
    let listed = logged_in().arg("--list-objects").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let labels = listed.lines().filter_map(|line| line.split_once("label:"));
    let own: BTreeSet<&str> = labels
        .map(|(_, label)| label.trim())
        .filter(|label| label.starts_with("strongroom:"))
        .collect();
    assert_eq!(own.len(), 3, "{listed}");
    for label in own {
        let (spec, usage) = match label.split(':').nth(1) {
            Some("wrapping") => ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
            Some("row-mac") => ("HMAC_256", "GENERATE_VERIFY_MAC"),
            _ => ("ECC_NIST_P256", "SIGN_VERIFY"),
        };
        let answer = adopt(json!({"ObjectLabel": label, "KeySpec": spec, "KeyUsage": usage}));
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("one of the gateway's own keys"),
            "{label}: {message}"
        );
        refused(answer, "ValidationException");
    }
}

#[tokio::test]
async fn another_account_adopts_from_its_own_key_stores_alone() {
    let made = done(own("CreateAccount", &json!({})));
    let key = |name: &str| made["AccessKey"][name].as_str().unwrap();
    let keys = (key("AccessKeyId"), key("SecretAccessKey"));
    let id = pkcs11_tool(&["--keygen", "--key-type", "AES:32", "--sensitive"]);
    let mut request = json!({
        "ObjectId": id, "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
    });
    let there = own_by(keys, "AdoptKey", &request);
    // Whether it is there is not to be found out either.
    request["ObjectId"] = "0123456789".into();
    let missing = own_by(keys, "AdoptKey", &request);
    assert_eq!(there.body, missing.body);
    refused(there, "AccessDeniedException");
    request["CustomKeyStoreId"] = "cks-0".into();
    let elsewhere = own_by(keys, "AdoptKey", &request);
    refused(elsewhere, "CustomKeyStoreNotFoundException");
    // It is as it was.
    request["ObjectId"] = id.into();
    request.as_object_mut().unwrap().remove("CustomKeyStoreId");
    done(adopt(request));
}
