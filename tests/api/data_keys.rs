//! GenerateDataKey and GenerateDataKeyWithoutPlaintext.

use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::types::{DataKeySpec, KeySpec, KeyUsageType};

#[tokio::test]
async fn the_wrapped_data_key_opens_to_the_plain_one() {
    let client = client();
    let id = symmetric(&client).await;
    let generate = || {
        client
            .generate_data_key()
            .key_id(&id)
            .encryption_context("file", "a")
    };
    for (request, length) in [
        (generate().key_spec(DataKeySpec::Aes256), 32),
        (generate().key_spec(DataKeySpec::Aes128), 16),
        (generate().number_of_bytes(1), 1),
        (generate().number_of_bytes(1024), 1024),
    ] {
        let made = request.send().await.unwrap();
        let plaintext = made.plaintext().unwrap();
        assert_eq!(plaintext.as_ref().len(), length);
        let opened = client
            .decrypt()
            .ciphertext_blob(made.ciphertext_blob().unwrap().clone())
            .encryption_context("file", "a")
            .send()
            .await
            .unwrap();
        assert_eq!(opened.plaintext(), Some(plaintext));
        assert_eq!(opened.key_material_id(), made.key_material_id());
    }
}

#[tokio::test]
async fn no_two_data_keys_are_the_same() {
    let client = client();
    let id = symmetric(&client).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        let made = client
            .generate_data_key()
            .key_id(&id)
            .key_spec(DataKeySpec::Aes256);
        let made = made.send().await.unwrap();
        assert!(seen.insert(made.plaintext().unwrap().as_ref().to_vec()));
        assert!(
            seen.insert(made.ciphertext_blob().unwrap().as_ref()[17..29].to_vec()),
            "an IV twice"
        );
    }
}

#[tokio::test]
async fn without_plaintext() {
    let client = client();
    let id = symmetric(&client).await;
    let made = client.generate_data_key_without_plaintext().key_id(&id);
    let made = made.key_spec(DataKeySpec::Aes256).send().await.unwrap();
    let blob = made.ciphertext_blob().unwrap().clone();
    let opened = client.decrypt().ciphertext_blob(blob).send().await.unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref().len(), 32);
}

#[tokio::test]
async fn what_cannot_be_generated() {
    let client = client();
    let id = symmetric(&client).await;
    let generate = || client.generate_data_key().key_id(&id);
    assert_eq!(code(generate().send().await), "ValidationException");
    let both = generate().number_of_bytes(16).key_spec(DataKeySpec::Aes128);
    assert_eq!(code(both.send().await), "ValidationException");
    assert_eq!(
        message(generate().number_of_bytes(1025).send().await),
        "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy \
         constraint: Member must have value less than or equal to 1024"
    );
    let rsa = key(&client, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let wrong = client
        .generate_data_key()
        .key_id(rsa)
        .key_spec(DataKeySpec::Aes256);
    assert_eq!(code(wrong.send().await), "InvalidKeyUsageException");
}
