//! GetKeyLastUsage.

use crate::dev::{Dev, scratch};
use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::Client;
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::operation::get_key_last_usage::GetKeyLastUsageOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    KeyLastUsageTrackingOperation as Op, KeySpec, KeyUsageType, MacAlgorithmSpec,
    SigningAlgorithmSpec,
};

async fn usage(client: &Client, id: &str) -> GetKeyLastUsageOutput {
    client.get_key_last_usage().key_id(id).send().await.unwrap()
}

async fn operation(client: &Client, id: &str) -> Op {
    let usage = usage(client, id).await;
    let last = usage.key_last_usage().unwrap();
    last.operation().expect("a use").clone()
}

#[tokio::test]
async fn a_key_that_was_not_used_says_so() {
    let client = client();
    let id = symmetric(&client).await;
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");
    // What uses no key is no use.
    client.describe_key().key_id(&id).send().await.unwrap();
    let dry = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
    assert_eq!(
        code(dry.dry_run(true).send().await),
        "DryRunOperationException"
    );
    client.disable_key().key_id(&id).send().await.unwrap();
    let refused = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
    assert_eq!(code(refused.send().await), "DisabledException");
    let never = usage(&client, &arn).await;
    assert_eq!(never.key_id(), Some(id.as_str()));
    let last = never.key_last_usage().expect("an empty object");
    assert_eq!((last.operation(), last.timestamp()), (None, None));
    assert_eq!(
        (last.cloud_trail_event_id(), last.kms_request_id()),
        (None, None)
    );
    let described = client.describe_key().key_id(&id).send().await.unwrap();
    let created = described.key_metadata().unwrap().creation_date();
    assert_eq!(never.key_creation_date(), created);
    assert_eq!(never.tracking_start_date(), created);
    let alias = client.get_key_last_usage().key_id("alias/any").send().await;
    assert_eq!(
        message(alias),
        "Key Aliases are not supported for this operation."
    );
    let missing = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let missing = client.get_key_last_usage().key_id(missing).send().await;
    assert_eq!(code(missing), "NotFoundException");
}

#[tokio::test]
async fn the_last_use_is_known_at_once() {
    let client = client();
    let (id, other) = (symmetric(&client).await, symmetric(&client).await);
    let encrypt = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
    let sealed = encrypt.send().await.unwrap();
    let first = usage(&client, &id).await;
    let last = first.key_last_usage().unwrap();
    assert_eq!(last.operation(), Some(&Op::Encrypt));
    assert_eq!(last.kms_request_id(), sealed.request_id());
    assert_eq!(last.cloud_trail_event_id().unwrap().len(), 36);
    assert!(last.timestamp() >= first.key_creation_date());

    let blob = || sealed.ciphertext_blob().unwrap().clone();
    let decrypt = client.decrypt().ciphertext_blob(blob());
    decrypt.send().await.unwrap();
    let again = usage(&client, &id).await;
    let last_again = again.key_last_usage().unwrap();
    assert_eq!(last_again.operation(), Some(&Op::Decrypt));
    assert!(last_again.timestamp() >= last.timestamp());
    let (a, b) = (
        last.cloud_trail_event_id(),
        last_again.cloud_trail_event_id(),
    );
    assert_ne!(a, b);

    // Both keys of it, and no key where it fails.
    let moved = client.re_encrypt().ciphertext_blob(blob());
    let moved = moved.destination_key_id(&other).send().await.unwrap();
    assert_eq!(operation(&client, &id).await, Op::ReEncrypt);
    assert_eq!(operation(&client, &other).await, Op::ReEncrypt);
    let data_key = client.generate_data_key_without_plaintext().key_id(&id);
    data_key.number_of_bytes(16).send().await.unwrap();
    assert_eq!(
        operation(&client, &id).await,
        Op::GenerateDataKeyWithoutPlaintext
    );
    let mut broken = moved.ciphertext_blob().unwrap().as_ref().to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let broken = client.decrypt().ciphertext_blob(Blob::new(broken));
    assert_eq!(code(broken.send().await), "InvalidCiphertextException");
    assert_eq!(operation(&client, &other).await, Op::ReEncrypt);
}

#[tokio::test]
async fn every_kind_of_key_has_a_last_use() {
    let client = client();
    let signing = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let algorithm = SigningAlgorithmSpec::EcdsaSha256;
    let sign = client.sign().key_id(&signing).message(Blob::new("m"));
    let signed = sign.signing_algorithm(algorithm.clone()).send();
    let signature = signed.await.unwrap().signature.unwrap();
    assert_eq!(operation(&client, &signing).await, Op::Sign);
    let verify = |message: &str| {
        let verify = client
            .verify()
            .key_id(&signing)
            .signature(signature.clone());
        let verify = verify.message(Blob::new(message));
        verify.signing_algorithm(algorithm.clone()).send()
    };
    assert_eq!(code(verify("n").await), "KMSInvalidSignatureException");
    assert_eq!(operation(&client, &signing).await, Op::Sign);
    verify("m").await.unwrap();
    assert_eq!(operation(&client, &signing).await, Op::Verify);
    // Whoever fetches a public key does not use the key.
    client
        .get_public_key()
        .key_id(&signing)
        .send()
        .await
        .unwrap();
    assert_eq!(operation(&client, &signing).await, Op::Verify);
    let mac = key(&client, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let generate = client.generate_mac().key_id(&mac).message(Blob::new("m"));
    let generate = generate.mac_algorithm(MacAlgorithmSpec::HmacSha256);
    generate.send().await.unwrap();
    assert_eq!(operation(&client, &mac).await, Op::GenerateMac);
}

#[tokio::test]
async fn a_last_use_survives_a_restart() {
    let dir = scratch();
    let dev = Dev::start_and_keep(&dir, &[]);
    let client = dev.client();
    let id = symmetric(&client).await;
    let encrypt = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
    encrypt.send().await.unwrap();
    let before = usage(&client, &id).await;
    dev.stop();
    let dev = Dev::start(&dir, &[]);
    let after = usage(&dev.client(), &id).await;
    assert_eq!(after.key_last_usage(), before.key_last_usage());
    assert_eq!(after.tracking_start_date(), before.tracking_start_date());
    dev.stop();
}
