//! CreateKey with Origin EXTERNAL, GetParametersForImport, ImportKeyMaterial,
//! DeleteImportedKeyMaterial.

mod kinds;
mod refused;
mod several;

use crate::dev::SHARED;
use crate::wrapping::wrap;
use crate::{client, code, message};
use aws_sdk_kms::Client;
use aws_sdk_kms::operation::get_parameters_for_import::GetParametersForImportOutput;
use aws_sdk_kms::operation::import_key_material::builders::ImportKeyMaterialFluentBuilder;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{
    AlgorithmSpec, ExpirationModelType, KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType,
    WrappingKeySpec,
};
use std::time::{Duration, SystemTime};

const ALGORITHMS: [AlgorithmSpec; 4] = [
    AlgorithmSpec::RsaesOaepSha1,
    AlgorithmSpec::RsaesOaepSha256,
    AlgorithmSpec::RsaAesKeyWrapSha1,
    AlgorithmSpec::RsaAesKeyWrapSha256,
];

/// A key without material.
async fn external(client: &Client, spec: KeySpec, usage: KeyUsageType) -> String {
    let made = client
        .create_key()
        .origin(OriginType::External)
        .key_spec(spec)
        .key_usage(usage)
        .send()
        .await
        .unwrap();
    let made = made.key_metadata().unwrap();
    assert_eq!(made.key_state(), Some(&KeyState::PendingImport));
    assert_eq!(made.origin(), Some(&OriginType::External));
    assert!(!made.enabled());
    assert_eq!((made.valid_to(), made.expiration_model()), (None, None));
    assert_eq!(made.current_key_material_id(), None);
    made.key_id().to_owned()
}

async fn external_symmetric(client: &Client) -> String {
    let usage = KeyUsageType::EncryptDecrypt;
    external(client, KeySpec::SymmetricDefault, usage).await
}

async fn parameters(
    client: &Client,
    id: &str,
    algorithm: &AlgorithmSpec,
) -> GetParametersForImportOutput {
    client
        .get_parameters_for_import()
        .key_id(id)
        .wrapping_algorithm(algorithm.clone())
        .wrapping_key_spec(WrappingKeySpec::Rsa2048)
        .send()
        .await
        .unwrap()
}

/// An import of `material` that does not expire.
pub async fn import(
    client: &Client,
    id: &str,
    algorithm: &AlgorithmSpec,
    material: &[u8],
) -> ImportKeyMaterialFluentBuilder {
    let parameters = parameters(client, id, algorithm).await;
    let public_key = parameters.public_key().unwrap().as_ref();
    let wrapped = wrap(algorithm.as_str(), public_key, material);
    SHARED.overheard.secret("key material", material);
    client
        .import_key_material()
        .key_id(id)
        .import_token(parameters.import_token().unwrap().clone())
        .encrypted_key_material(Blob::new(wrapped))
        .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
}

async fn describe(client: &Client, id: &str) -> KeyMetadata {
    let described = client.describe_key().key_id(id).send().await.unwrap();
    described.key_metadata().unwrap().clone()
}

async fn state(client: &Client, id: &str) -> KeyState {
    describe(client, id).await.key_state().unwrap().clone()
}

async fn encrypt(client: &Client, id: &str) -> Blob {
    let sealed = client.encrypt().key_id(id).plaintext(Blob::new("secret"));
    let sealed = sealed.send().await.unwrap();
    sealed.ciphertext_blob().unwrap().clone()
}

async fn decrypt(client: &Client, sealed: &Blob) -> Vec<u8> {
    let opened = client.decrypt().ciphertext_blob(sealed.clone()).send();
    opened.await.unwrap().plaintext().unwrap().as_ref().to_vec()
}

#[allow(clippy::disallowed_methods)] // a customer has no Clock
fn now() -> SystemTime {
    SystemTime::now()
}

fn arn(id: &str) -> String {
    format!("arn:aws:kms:us-east-1:000000000000:key/{id}")
}

#[tokio::test]
async fn material_comes_goes_and_comes_again() {
    let client = client();
    for (n, algorithm) in ALGORITHMS.iter().enumerate() {
        let id = external_symmetric(&client).await;
        let material = [n as u8 + 1; 32];
        let unused = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
        let pending = format!("{} is pending import.", arn(&id));
        assert_eq!(message(unused.send().await), pending);

        let imported = import(&client, &id, algorithm, &material).await;
        let imported = imported.send().await.unwrap();
        assert_eq!(imported.key_id(), Some(&arn(&id)[..]));
        let material_id = imported.key_material_id().unwrap().to_owned();
        let described = describe(&client, &id).await;
        assert!(described.enabled());
        assert_eq!(described.current_key_material_id(), Some(&material_id[..]));
        assert_eq!(
            described.expiration_model(),
            Some(&ExpirationModelType::KeyMaterialDoesNotExpire)
        );
        let sealed = encrypt(&client, &id).await;
        // The material's owner opens what the key has sealed: header, IV, text, tag.
        let (header, rest) = sealed.as_ref().split_at(17);
        let (iv, rest) = rest.split_at(12);
        let (text, tag) = rest.split_at(rest.len() - 16);
        let aad = [header, &0u32.to_be_bytes()].concat(); // no encryption context
        let cipher = openssl::symm::Cipher::aes_256_gcm();
        let opened = openssl::symm::decrypt_aead(cipher, &material, Some(iv), &aad, text, tag);
        assert_eq!(opened.unwrap(), b"secret", "{algorithm:?}");

        let deleted = client.delete_imported_key_material().key_id(&id);
        let deleted = deleted.send().await.unwrap();
        assert_eq!(deleted.key_material_id(), Some(&material_id[..]));
        let described = describe(&client, &id).await;
        assert_eq!(described.key_state(), Some(&KeyState::PendingImport));
        assert_eq!(described.current_key_material_id(), Some(&material_id[..]));
        let gone = client.decrypt().ciphertext_blob(sealed.clone()).send();
        assert_eq!(message(gone.await), pending);
        // Twice is as good as once.
        let again = client.delete_imported_key_material().key_id(&id);
        again.send().await.unwrap();

        let wrong = import(&client, &id, algorithm, &[0xee; 32]).await;
        assert_eq!(code(wrong.send().await), "IncorrectKeyMaterialException");
        assert_eq!(state(&client, &id).await, KeyState::PendingImport);
        let right = import(&client, &id, algorithm, &material).await;
        let right = right.key_material_id(&material_id).send().await.unwrap();
        assert_eq!(right.key_material_id(), Some(&material_id[..]));
        assert_eq!(decrypt(&client, &sealed).await, b"secret");
    }
}

#[tokio::test]
async fn a_new_import_replaces_the_date_and_nothing_else() {
    let client = client();
    let id = external_symmetric(&client).await;
    let algorithm = AlgorithmSpec::RsaesOaepSha256;
    let in_days = |days: u64| DateTime::from(now() + Duration::from_secs(days * 24 * 3600));
    let mut sealed = Vec::new();
    for at in [in_days(5), in_days(7)] {
        let import = import(&client, &id, &algorithm, &[8; 32]).await;
        let import = import
            .expiration_model(ExpirationModelType::KeyMaterialExpires)
            .valid_to(at);
        import.send().await.unwrap();
        let described = describe(&client, &id).await;
        assert_eq!(described.valid_to().unwrap().secs(), at.secs());
        assert_eq!(
            described.expiration_model(),
            Some(&ExpirationModelType::KeyMaterialExpires)
        );
        sealed.push(encrypt(&client, &id).await);
    }
    // Disabled stays disabled: enabling is a decision of its own.
    client.disable_key().key_id(&id).send().await.unwrap();
    let import = import(&client, &id, &algorithm, &[8; 32]).await;
    import.send().await.unwrap();
    let described = describe(&client, &id).await;
    assert_eq!(described.key_state(), Some(&KeyState::Disabled));
    assert_eq!(described.valid_to(), None);
    client.enable_key().key_id(&id).send().await.unwrap();
    for sealed in &sealed {
        assert_eq!(decrypt(&client, sealed).await, b"secret");
    }
}

#[tokio::test]
async fn deletion_and_import_do_not_meet() {
    let client = client();
    let id = external_symmetric(&client).await;
    let algorithm = AlgorithmSpec::RsaesOaepSha256;
    let ready = import(&client, &id, &algorithm, &[9; 32]).await;
    ready.clone().send().await.unwrap();
    let schedule = client.schedule_key_deletion().key_id(&id);
    schedule.send().await.unwrap();
    let pending = format!("{} is pending deletion.", arn(&id));
    assert_eq!(message(ready.clone().send().await), pending);
    let get = client.get_parameters_for_import().key_id(&id);
    let get = get
        .wrapping_algorithm(algorithm)
        .wrapping_key_spec(WrappingKeySpec::Rsa2048);
    assert_eq!(message(get.send().await), pending);
    let delete = client.delete_imported_key_material().key_id(&id);
    delete.send().await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::PendingDeletion);
    let cancel = client.cancel_key_deletion().key_id(&id);
    cancel.send().await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::PendingImport);
    let enable = client.enable_key().key_id(&id).send().await;
    assert_eq!(code(enable), "KMSInvalidStateException");
    ready.send().await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::Enabled);
}
