//! Multi-Region keys: one key in several Regions, and what each keeps to itself.

mod deletion;
mod imported;
mod own;
mod primary;
mod shared;

use crate::dev::SHARED;
use crate::{client, code, key, symmetric};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    KeyMetadata, KeySpec, KeyState, KeyUsageType, MessageType, MultiRegionKeyType,
    SigningAlgorithmSpec, Tag,
};

/// Two Regions that no other test has keys in, beside the one that `client` is in.
const WEST: &str = "us-west-2";
const EUROPE: &str = "eu-central-1";

fn home() -> &'static str {
    &SHARED.env["AWS_REGION"]
}

fn west() -> Client {
    SHARED.client_in(WEST)
}

fn europe() -> Client {
    SHARED.client_in(EUROPE)
}

async fn primary() -> KeyMetadata {
    let made = client().create_key().multi_region(true).send().await;
    made.unwrap().key_metadata.unwrap()
}

async fn replicate(client: &Client, id: &str, region: &str) -> KeyMetadata {
    let call = client.replicate_key().key_id(id).replica_region(region);
    call.send().await.unwrap().replica_key_metadata.unwrap()
}

async fn describe(client: &Client, id: &str) -> KeyMetadata {
    let described = client.describe_key().key_id(id).send().await;
    described.unwrap().key_metadata.unwrap()
}

async fn encrypt(client: &Client, id: &str) -> Blob {
    let call = client
        .encrypt()
        .key_id(id)
        .plaintext(Blob::new("everywhere"));
    call.send().await.unwrap().ciphertext_blob.unwrap()
}

async fn decrypts(client: &Client, ciphertext: &Blob) -> bool {
    let decrypted = client.decrypt().ciphertext_blob(ciphertext.clone());
    let plaintext = decrypted.send().await.unwrap().plaintext.unwrap();
    plaintext.as_ref() == b"everywhere"
}

/// Its type, its primary's Region, its replicas' Regions.
fn shape(metadata: &KeyMetadata) -> (MultiRegionKeyType, String, Vec<String>) {
    let configuration = metadata.multi_region_configuration().unwrap();
    let arn = |region: &str| {
        let own = metadata.arn().unwrap().split(':').nth(3).unwrap();
        metadata.arn().unwrap().replace(own, region)
    };
    let region = |key: &aws_sdk_kms::types::MultiRegionKey| {
        let region = key.region().unwrap().to_owned();
        assert_eq!(key.arn(), Some(&arn(&region)[..]));
        region
    };
    (
        configuration.multi_region_key_type().unwrap().clone(),
        region(configuration.primary_key().unwrap()),
        configuration.replica_keys().iter().map(region).collect(),
    )
}

#[tokio::test]
async fn a_primary_and_its_replicas_know_of_each_other() {
    let made = primary().await;
    let id = made.key_id();
    assert!(id.starts_with("mrk-") && id.len() == 36, "{id}");
    assert_eq!(made.multi_region(), Some(true));
    let alone = (MultiRegionKeyType::Primary, home().to_owned(), vec![]);
    assert_eq!(shape(&made), alone);
    assert_eq!(shape(&describe(&client(), id).await), alone);

    let replica = replicate(&client(), id, WEST).await;
    assert_eq!(replica.key_id(), id);
    assert_eq!(replica.key_state(), Some(&KeyState::Enabled));
    assert_eq!(
        replica.arn().unwrap(),
        made.arn().unwrap().replace(home(), WEST)
    );
    assert_eq!(
        replica.current_key_material_id(),
        made.current_key_material_id()
    );
    replicate(&client(), id, EUROPE).await;
    let replicas = vec![EUROPE.to_owned(), WEST.to_owned()];
    for (client, kind) in [
        (client(), MultiRegionKeyType::Primary),
        (west(), MultiRegionKeyType::Replica),
        (europe(), MultiRegionKeyType::Replica),
    ] {
        let seen = shape(&describe(&client, id).await);
        assert_eq!(seen, (kind, home().to_owned(), replicas.clone()));
    }
    let single = symmetric(&client()).await;
    let single = describe(&client(), &single).await;
    assert_eq!(single.multi_region(), Some(false));
    assert!(single.multi_region_configuration().is_none());
}

#[tokio::test]
async fn what_one_region_encrypts_another_decrypts() {
    let id = primary().await.key_id;
    let before = encrypt(&client(), &id).await;
    replicate(&client(), &id, WEST).await;
    let after = encrypt(&west(), &id).await;
    for client in [client(), west()] {
        assert!(decrypts(&client, &before).await && decrypts(&client, &after).await);
    }
    // Not where it is not.
    let elsewhere = europe()
        .decrypt()
        .ciphertext_blob(before.clone())
        .send()
        .await;
    assert_eq!(code(elsewhere), "AccessDeniedException");
    client()
        .update_primary_region()
        .key_id(&id)
        .primary_region(WEST)
        .send()
        .await
        .unwrap();
    let later = encrypt(&client(), &id).await;
    for client in [client(), west()] {
        assert!(decrypts(&client, &before).await && decrypts(&client, &later).await);
    }
    // The answer names the key of the Region that was asked.
    let decrypted = west()
        .decrypt()
        .ciphertext_blob(before)
        .send()
        .await
        .unwrap();
    assert!(decrypted.key_id().unwrap().contains(WEST));
}

#[tokio::test]
async fn a_signature_of_one_region_is_valid_in_another() {
    let made = client()
        .create_key()
        .multi_region(true)
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify)
        .send()
        .await
        .unwrap();
    let id = made.key_metadata.unwrap().key_id;
    replicate(&client(), &id, WEST).await;
    let signed = west()
        .sign()
        .key_id(&id)
        .message(Blob::new("m"))
        .message_type(MessageType::Raw)
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
        .send()
        .await
        .unwrap();
    let verified = client()
        .verify()
        .key_id(&id)
        .message(Blob::new("m"))
        .signature(signed.signature.unwrap())
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
        .send()
        .await
        .unwrap();
    assert!(verified.signature_valid());
}

#[tokio::test]
async fn lists_are_of_one_region() {
    let region = "ap-northeast-3";
    let there = SHARED.client_in(region);
    let id = primary().await.key_id;
    assert!(there.list_keys().send().await.unwrap().keys().is_empty());
    replicate(&client(), &id, region).await;
    let listed = there.list_keys().send().await.unwrap();
    let ids: Vec<_> = listed
        .keys()
        .iter()
        .map(|key| key.key_id().unwrap())
        .collect();
    assert_eq!(ids, [&id[..]]);
    let hmac = key(&there, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let elsewhere = client().describe_key().key_id(hmac).send().await;
    assert_eq!(code(elsewhere), "NotFoundException");
}
