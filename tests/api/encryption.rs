//! Encrypt, Decrypt, ReEncrypt.

use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{EncryptionAlgorithmSpec as Algorithm, KeySpec, KeyUsageType};

#[tokio::test]
async fn a_secret_comes_back_by_every_name_of_its_key() {
    let client = client();
    let id = symmetric(&client).await;
    let alias = format!("alias/names-{id}");
    client
        .create_alias()
        .alias_name(&alias)
        .target_key_id(&id)
        .send()
        .await
        .unwrap();
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");
    let alias_arn = format!("arn:aws:kms:us-east-1:000000000000:{alias}");
    for name in [&id, &arn, &alias, &alias_arn] {
        let sealed = client
            .encrypt()
            .key_id(name)
            .plaintext(Blob::new("hunter2"))
            .send()
            .await
            .unwrap();
        assert_eq!(sealed.key_id(), Some(arn.as_str()));
        let blob = sealed.ciphertext_blob().unwrap().clone();
        let opened = client
            .decrypt()
            .ciphertext_blob(blob.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(opened.plaintext().unwrap().as_ref(), b"hunter2");
        assert_eq!(opened.key_id(), Some(arn.as_str()));
        let opened = client
            .decrypt()
            .key_id(name)
            .ciphertext_blob(blob)
            .send()
            .await
            .unwrap();
        assert_eq!(opened.plaintext().unwrap().as_ref(), b"hunter2");
    }
}

#[tokio::test]
async fn the_largest_plaintext_and_one_byte_more() {
    let client = client();
    let id = symmetric(&client).await;
    // Words: `tests/hygiene.rs` looks for the one that was refused as well.
    let plaintext = "a plaintext that is as long as can be, "
        .repeat(106)
        .into_bytes();
    let most = Blob::new(&plaintext[..4096]);
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(most)
        .send()
        .await
        .unwrap();
    let blob = sealed.ciphertext_blob().unwrap().clone();
    let opened = client.decrypt().ciphertext_blob(blob).send().await.unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), &plaintext[..4096]);
    let more = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new(&plaintext[..4097]))
        .send()
        .await;
    assert_eq!(
        message(more),
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: \
         Member must have length less than or equal to 4096"
    );
}

#[tokio::test]
async fn the_context_must_be_the_same() {
    let client = client();
    let id = symmetric(&client).await;
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .encryption_context("app", "billing")
        .encryption_context("stage", "test")
        .send()
        .await
        .unwrap();
    let blob = sealed.ciphertext_blob().unwrap();
    let decrypt = || client.decrypt().ciphertext_blob(blob.clone());
    let same = decrypt()
        .encryption_context("stage", "test")
        .encryption_context("app", "billing");
    assert_eq!(
        same.send().await.unwrap().plaintext().unwrap().as_ref(),
        b"x"
    );
    assert_eq!(code(decrypt().send().await), "InvalidCiphertextException");
    let fewer = decrypt().encryption_context("app", "billing");
    assert_eq!(code(fewer.send().await), "InvalidCiphertextException");
    let other = decrypt()
        .encryption_context("app", "Billing")
        .encryption_context("stage", "test");
    assert_eq!(code(other.send().await), "InvalidCiphertextException");
}

#[tokio::test]
async fn a_ciphertext_that_was_touched_is_refused() {
    let client = client();
    let id = symmetric(&client).await;
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("secret"))
        .send()
        .await
        .unwrap();
    let blob = sealed.ciphertext_blob().unwrap().as_ref().to_vec();
    for at in 0..blob.len() {
        let mut touched = blob.clone();
        touched[at] ^= 1;
        let result = client
            .decrypt()
            .ciphertext_blob(Blob::new(touched))
            .send()
            .await;
        let code = code(result);
        // In the key version's bytes it names another key; anywhere else it does not authenticate.
        let expected = if (1..17).contains(&at) {
            "AccessDeniedException"
        } else {
            "InvalidCiphertextException"
        };
        assert_eq!(code, expected, "bit flipped in byte {at}");
    }
    for length in 1..blob.len() {
        let short = Blob::new(blob[..length].to_vec());
        let result = client.decrypt().ciphertext_blob(short).send().await;
        assert_eq!(
            code(result),
            "InvalidCiphertextException",
            "cut to {length} bytes"
        );
    }
}

#[tokio::test]
async fn a_ciphertext_of_another_key_is_refused() {
    let client = client();
    let (id, other) = (symmetric(&client).await, symmetric(&client).await);
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .send()
        .await
        .unwrap();
    let blob = sealed.ciphertext_blob().unwrap().clone();
    let result = client
        .decrypt()
        .key_id(&other)
        .ciphertext_blob(blob)
        .send()
        .await;
    assert_eq!(code(result), "IncorrectKeyException");
}

#[tokio::test]
async fn re_encrypt_moves_a_secret_to_another_key() {
    let client = client();
    let (from, to) = (symmetric(&client).await, symmetric(&client).await);
    let sealed = client
        .encrypt()
        .key_id(&from)
        .plaintext(Blob::new("moves"))
        .encryption_context("old", "1")
        .send()
        .await
        .unwrap();
    let moved = client
        .re_encrypt()
        .ciphertext_blob(sealed.ciphertext_blob().unwrap().clone())
        .source_encryption_context("old", "1")
        .destination_key_id(&to)
        .destination_encryption_context("new", "2")
        .send()
        .await
        .unwrap();
    assert!(moved.source_key_id().unwrap().ends_with(&from));
    assert!(moved.key_id().unwrap().ends_with(&to));
    let opened = client
        .decrypt()
        .ciphertext_blob(moved.ciphertext_blob().unwrap().clone())
        .encryption_context("new", "2")
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"moves");
}

#[tokio::test]
async fn rsa_with_both_oaep_hashes() {
    let client = client();
    let id = key(&client, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    for (algorithm, longest) in [
        (Algorithm::RsaesOaepSha1, 214),
        (Algorithm::RsaesOaepSha256, 190),
    ] {
        for length in [1, longest] {
            let plaintext = Blob::new(vec![0x5a; length]);
            let sealed = client
                .encrypt()
                .key_id(&id)
                .encryption_algorithm(algorithm.clone())
                .plaintext(plaintext.clone())
                .send()
                .await
                .unwrap();
            let decrypt = || {
                client
                    .decrypt()
                    .key_id(&id)
                    .encryption_algorithm(algorithm.clone())
            };
            let blob = sealed.ciphertext_blob().unwrap().clone();
            let opened = decrypt()
                .ciphertext_blob(blob.clone())
                .send()
                .await
                .unwrap();
            assert_eq!(opened.plaintext(), Some(&plaintext));
            let mut touched = blob.as_ref().to_vec();
            touched[100] ^= 1;
            let result = decrypt().ciphertext_blob(Blob::new(touched)).send().await;
            assert_eq!(code(result), "InvalidCiphertextException");
        }
        let long = client
            .encrypt()
            .key_id(&id)
            .encryption_algorithm(algorithm.clone())
            .plaintext(Blob::new(vec![0; longest + 1]));
        assert_eq!(
            message(long.send().await),
            format!(
                "Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {longest} bytes."
            )
        );
    }
    let wrong = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(code(wrong), "InvalidKeyUsageException");
}

#[tokio::test]
async fn keys_that_are_not_there_or_are_for_something_else() {
    let client = client();
    let encrypt = |id: &str| client.encrypt().key_id(id).plaintext(Blob::new("x"));
    let nowhere = "1234abcd-12ab-34cd-56ef-1234567890ab";
    assert_eq!(
        message(encrypt(nowhere).send().await),
        format!("Key 'arn:aws:kms:us-east-1:000000000000:key/{nowhere}' does not exist")
    );
    assert_eq!(
        message(encrypt("nonsense").send().await),
        "Invalid keyId 'nonsense'"
    );
    assert_eq!(
        code(encrypt("alias/nowhere").send().await),
        "NotFoundException"
    );
    let foreign = format!("arn:aws:kms:us-east-1:111122223333:key/{nowhere}");
    assert_eq!(
        code(encrypt(&foreign).send().await),
        "AccessDeniedException"
    );
    let signer = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    assert_eq!(
        message(encrypt(&signer).send().await),
        format!(
            "arn:aws:kms:us-east-1:000000000000:key/{signer} key usage is SIGN_VERIFY which is not \
             valid for Encrypt."
        )
    );
}

#[tokio::test]
async fn dry_run_stops_before_the_token() {
    let client = client();
    let id = symmetric(&client).await;
    let dry = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .dry_run(true)
        .send()
        .await;
    assert_eq!(code(dry), "DryRunOperationException");
}
