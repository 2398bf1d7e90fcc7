//! GenerateMac and VerifyMac.

use crate::{client, code, key, message};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MacAlgorithmSpec as Algorithm};

#[tokio::test]
async fn every_spec_makes_and_checks_its_mac() {
    let client = client();
    for (spec, algorithm, length) in [
        (KeySpec::Hmac224, Algorithm::HmacSha224, 28),
        (KeySpec::Hmac256, Algorithm::HmacSha256, 32),
        (KeySpec::Hmac384, Algorithm::HmacSha384, 48),
        (KeySpec::Hmac512, Algorithm::HmacSha512, 64),
    ] {
        let id = key(&client, spec, KeyUsageType::GenerateVerifyMac).await;
        let message = Blob::new("message");
        let made = client.generate_mac().key_id(&id).message(message.clone());
        let made = made.mac_algorithm(algorithm.clone()).send().await.unwrap();
        let mac = made.mac().unwrap().clone();
        assert_eq!(mac.as_ref().len(), length);
        let verify = |mac: Blob, message: &str| {
            let verify = client
                .verify_mac()
                .key_id(&id)
                .mac_algorithm(algorithm.clone());
            verify.message(Blob::new(message)).mac(mac).send()
        };
        assert!(verify(mac.clone(), "message").await.unwrap().mac_valid());
        assert_eq!(
            code(verify(mac.clone(), "massage").await),
            "KMSInvalidMacException"
        );
        let short = Blob::new(mac.as_ref()[..length - 1].to_vec());
        assert_eq!(
            code(verify(short, "message").await),
            "KMSInvalidMacException"
        );
    }
}

#[tokio::test]
async fn an_algorithm_of_another_spec() {
    let client = client();
    let id = key(&client, KeySpec::Hmac224, KeyUsageType::GenerateVerifyMac).await;
    let wrong = client.generate_mac().key_id(&id).message(Blob::new("m"));
    assert_eq!(
        message(wrong.mac_algorithm(Algorithm::HmacSha256).send().await),
        "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."
    );
}
