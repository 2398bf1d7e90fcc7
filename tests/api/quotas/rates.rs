//! Rates.

use super::peer::Peer;
use super::*;
use crate::{code, key, message, symmetric};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    DataKeyPairSpec, KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec,
};

const THROTTLED: &str =
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";

#[tokio::test]
async fn an_operation_has_its_own() {
    let client = DEV.client();
    let records = "select count(*) from audit_log \
                   where convert_from(record, 'UTF8') like '%ListAliases%'";
    for _ in 0..3 {
        client.list_aliases().send().await.unwrap();
    }
    let before = number(records).await;
    let refused = client.list_aliases().send().await;
    assert_eq!(message(refused), THROTTLED);
    assert_eq!(
        code(client.list_aliases().send().await),
        "ThrottlingException"
    );
    assert_eq!(
        number(records).await,
        before,
        "what is refused is not recorded"
    );
    assert!(metric("strongroom_throttled_total{quota=\"ListAliases\"}").await >= 2.0);
    // Another operation, Region, account.
    client.list_keys().send().await.unwrap();
    let elsewhere = DEV.client_in("eu-west-1");
    elsewhere.list_aliases().send().await.unwrap();
    let another = account("121212121212").await;
    let theirs = another.ask("TrentService.ListAliases", json!({})).await;
    assert_eq!(theirs.status, 200);
}

#[tokio::test]
async fn cryptographic_operations_have_that_of_the_key() {
    let client = DEV.client();
    let curve = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let sign = |algorithm| {
        let call = client.sign().key_id(&curve).message(Blob::new([7; 32]));
        call.message_type(MessageType::Digest)
            .signing_algorithm(algorithm)
            .send()
    };
    // What is refused for something else is counted with nothing.
    for _ in 0..5 {
        let wrong = sign(SigningAlgorithmSpec::EcdsaSha384).await;
        assert_eq!(code(wrong), "InvalidKeyUsageException");
    }
    for _ in 0..4 {
        sign(SigningAlgorithmSpec::EcdsaSha256).await.unwrap();
    }
    let refused = sign(SigningAlgorithmSpec::EcdsaSha256).await;
    assert_eq!(message(refused), THROTTLED);
    assert!(metric("strongroom_throttled_total{quota=\"ECC\"}").await >= 1.0);
    // Of another spec, and managing the same key.
    let other = symmetric(&client).await;
    for _ in 0..6 {
        let sealed = client.encrypt().key_id(&other).plaintext(Blob::new("p"));
        sealed.send().await.unwrap();
    }
    client.describe_key().key_id(&curve).send().await.unwrap();
    client.get_public_key().key_id(&curve).send().await.unwrap();
}

#[tokio::test]
async fn data_key_pairs_have_that_of_their_kind() {
    let client = DEV.client();
    let under = symmetric(&client).await;
    let make = |spec| {
        let call = client.generate_data_key_pair_without_plaintext();
        call.key_id(&under).key_pair_spec(spec).send()
    };
    for _ in 0..2 {
        make(DataKeyPairSpec::EccNistP256).await.unwrap();
    }
    assert_eq!(message(make(DataKeyPairSpec::EccNistP256).await), THROTTLED);
    make(DataKeyPairSpec::EccNistP384).await.unwrap();
}

#[tokio::test]
async fn a_principal_has_its_own_and_takes_nothing_from_the_others() {
    let slow = user("slow").await;
    let mut peer = Peer::from("127.0.0.1").await;
    let mut answered = 0;
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        let answer = peer.ask(&slow, "TrentService.ListKeys", &json!({})).await;
        match answer.status {
            200 => answered += 1,
            _ => assert_eq!(answer.message(), THROTTLED),
        }
    }
    let most = 2 + 2 * (begun.elapsed().as_secs() as usize + 1);
    assert!((2..=most).contains(&answered), "{answered} of {most}");
    assert!(metric("strongroom_throttled_total{quota=\"principal\"}").await >= 1.0);
    root().done("TrentService.ListKeys", json!({})).await;
}

#[tokio::test]
async fn an_account_has_its_own_and_takes_nothing_from_the_others() {
    let noisy = account("222222222222").await;
    let mut peer = Peer::from("127.0.0.1").await;
    let mut refused = 0;
    for _ in 0..40 {
        let answer = peer.ask(&noisy, "TrentService.ListKeys", &json!({})).await;
        if answer.code() == "ThrottlingException" {
            refused += 1;
        }
    }
    assert!(refused >= 10, "{refused}");
    assert!(metric("strongroom_throttled_total{quota=\"account\"}").await >= 1.0);
    root().done("TrentService.ListKeys", json!({})).await;
}
