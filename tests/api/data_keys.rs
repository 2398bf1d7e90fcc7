//! GenerateDataKey and GenerateDataKeyPair, each also without plaintext.

use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeyPairSpec, DataKeySpec, KeySpec, KeyUsageType, RecipientInfo};
use openssl::pkey::PKey;

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

const PAIRS: [DataKeyPairSpec; 8] = [
    DataKeyPairSpec::Rsa2048,
    DataKeyPairSpec::Rsa3072,
    DataKeyPairSpec::Rsa4096,
    DataKeyPairSpec::EccNistP256,
    DataKeyPairSpec::EccNistP384,
    DataKeyPairSpec::EccNistP521,
    DataKeyPairSpec::EccSecgP256K1,
    DataKeyPairSpec::EccNistEdwards25519,
];

#[tokio::test]
async fn the_wrapped_private_key_opens_to_the_plain_one_and_fits_the_public_key() {
    let client = client();
    let id = symmetric(&client).await;
    for spec in PAIRS {
        let made = client.generate_data_key_pair().key_id(&id);
        let made = made.key_pair_spec(spec.clone());
        let made = made.encryption_context("file", "a").send().await.unwrap();
        assert!(made.key_id().unwrap().ends_with(&id));
        assert_eq!(made.key_pair_spec(), Some(&spec));
        assert!(made.ciphertext_for_recipient().is_none());
        let private = made.private_key_plaintext().unwrap();
        let key = PKey::private_key_from_pkcs8(private.as_ref()).unwrap();
        let public = made.public_key().unwrap().as_ref();
        assert_eq!(key.public_key_to_der().unwrap(), public, "{spec}");

        let blob = made.private_key_ciphertext_blob().unwrap();
        let open = || client.decrypt().ciphertext_blob(blob.clone());
        let opened = open().encryption_context("file", "a").send().await.unwrap();
        assert_eq!(opened.plaintext(), Some(private), "{spec}");
        assert_eq!(opened.key_material_id(), made.key_material_id());
        let other = open().encryption_context("file", "b").send().await;
        assert_eq!(code(other), "InvalidCiphertextException");
    }
}

#[tokio::test]
async fn a_pair_without_plaintext() {
    let client = client();
    let id = symmetric(&client).await;
    for spec in PAIRS.into_iter().skip(3) {
        let made = client.generate_data_key_pair_without_plaintext();
        let made = made.key_id(&id).key_pair_spec(spec.clone());
        let made = made.send().await.unwrap();
        assert!(made.key_id().unwrap().ends_with(&id));
        assert_eq!(made.key_pair_spec(), Some(&spec));
        let blob = made.private_key_ciphertext_blob().unwrap().clone();
        let opened = client.decrypt().ciphertext_blob(blob).send().await.unwrap();
        assert_eq!(opened.key_material_id(), made.key_material_id());
        let key = PKey::private_key_from_pkcs8(opened.plaintext().unwrap().as_ref()).unwrap();
        let public = made.public_key().unwrap().as_ref();
        assert_eq!(key.public_key_to_der().unwrap(), public, "{spec}");
    }
}

#[tokio::test]
async fn pairs_that_cannot_be_generated() {
    let client = client();
    let id = symmetric(&client).await;
    let generate = |id: &str, spec| {
        let generate = client.generate_data_key_pair().key_id(id);
        generate.key_pair_spec(spec)
    };
    assert_eq!(
        message(generate(&id, DataKeyPairSpec::Sm2).send().await),
        "KeyPairSpec SM2 is not supported: PKCS#11 has no mechanism for it."
    );
    let lattice = generate(&id, "ML_KEM_768".into()).send().await;
    assert_eq!(
        message(lattice),
        "The token does not support this: it has no CKM_ML_KEM_KEY_PAIR_GEN"
    );
    let document = RecipientInfo::builder().attestation_document(Blob::new("a document"));
    let enclave = generate(&id, DataKeyPairSpec::EccNistP256).recipient(document.build());
    assert_eq!(code(enclave.send().await), "UnsupportedOperationException");
    let unknown = generate(&id, "ML_DSA_44".into()).send().await;
    assert_eq!(
        message(unknown),
        "1 validation error detected: Value 'ML_DSA_44' at 'keyPairSpec' failed to satisfy \
         constraint: Member must satisfy enum value set: [RSA_2048, RSA_3072, RSA_4096, \
         ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, SM2, \
         ECC_NIST_EDWARDS25519, ML_KEM_512, ML_KEM_768, ML_KEM_1024]"
    );
    let dry = generate(&id, DataKeyPairSpec::Rsa4096).dry_run(true);
    assert_eq!(code(dry.send().await), "DryRunOperationException");
    let rsa = key(&client, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let wrong = generate(&rsa, DataKeyPairSpec::EccNistP256).send().await;
    assert_eq!(code(wrong), "InvalidKeyUsageException");
}
