//! What cannot be imported, or not so, or not with this import token.

use super::{arn, external, external_symmetric, import, now, parameters, state};
use crate::wrapping::wrap;
use crate::{client, code, message, symmetric};
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{
    AlgorithmSpec, ExpirationModelType, ImportType, KeySpec, KeyState, KeyUsageType, OriginType,
    WrappingKeySpec,
};
use std::time::Duration;

#[tokio::test]
async fn a_token_is_good_for_its_own_key_and_nothing_else() {
    let client = client();
    let (one, two) = (
        external_symmetric(&client).await,
        external_symmetric(&client).await,
    );
    let algorithm = AlgorithmSpec::RsaesOaepSha256;
    let parameters_of_one = parameters(&client, &one, &algorithm).await;
    let valid = parameters_of_one.parameters_valid_to().unwrap().secs();
    let day = DateTime::from(now()).secs() + 24 * 3600;
    assert!((valid - day).abs() < 60, "{valid} and {day}");
    let token = parameters_of_one.import_token().unwrap().as_ref().to_vec();
    let public_key = parameters_of_one.public_key().unwrap().as_ref();
    let wrapped = wrap(algorithm.as_str(), public_key, &[5; 32]);
    let attempt = |id: &str, token: Vec<u8>, wrapped: Vec<u8>| {
        client
            .import_key_material()
            .key_id(id)
            .import_token(Blob::new(token))
            .encrypted_key_material(Blob::new(wrapped))
            .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
            .send()
    };
    let other = attempt(&two, token.clone(), wrapped.clone()).await;
    assert_eq!(code(other), "InvalidImportTokenException");
    for at in [0, 1, 17, 33, 34, 42, 43, token.len() - 1] {
        let mut tampered = token.clone();
        tampered[at] ^= 1;
        let refused = attempt(&one, tampered, wrapped.clone()).await;
        assert_eq!(code(refused), "InvalidImportTokenException", "byte {at}");
    }
    let short = attempt(&one, token[..10].to_vec(), wrapped.clone()).await;
    assert_eq!(code(short), "InvalidImportTokenException");
    let mut flipped = wrapped.clone();
    flipped[100] ^= 1;
    let flipped = attempt(&one, token.clone(), flipped).await;
    assert_eq!(code(flipped), "InvalidCiphertextException");
    assert_eq!(state(&client, &one).await, KeyState::PendingImport);
    attempt(&one, token.clone(), wrapped.clone()).await.unwrap();
    // It is good until it expires.
    attempt(&one, token, wrapped).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_wrapped_or_imported_so() {
    let client = client();
    let get = |id: &str, algorithm, spec| {
        client
            .get_parameters_for_import()
            .key_id(id)
            .wrapping_algorithm(algorithm)
            .wrapping_key_spec(spec)
            .send()
    };
    use AlgorithmSpec as A;
    use WrappingKeySpec as W;
    let id = external_symmetric(&client).await;
    for (algorithm, spec) in [
        (A::RsaesPkcs1V15, W::Rsa2048),
        (A::Sm2Pke, W::Sm2),
        (A::RsaesOaepSha256, W::Sm2),
    ] {
        let refused = get(&id, algorithm, spec).await;
        assert_eq!(code(refused), "UnsupportedOperationException");
    }
    let rsa = external(&client, KeySpec::Rsa2048, KeyUsageType::SignVerify).await;
    let refused = get(&rsa, A::RsaesOaepSha256, W::Rsa4096).await;
    assert_eq!(code(refused), "UnsupportedOperationException");
    let p521 = external(&client, KeySpec::EccNistP521, KeyUsageType::SignVerify).await;
    let refused = get(&p521, A::RsaesOaepSha1, W::Rsa2048).await;
    assert_eq!(code(refused), "UnsupportedOperationException");
    get(&p521, A::RsaesOaepSha1, W::Rsa3072).await.unwrap();

    let generated = symmetric(&client).await;
    let origin = format!(
        "{} origin is AWS_KMS which is not valid for this operation.",
        arn(&generated)
    );
    let refused = get(&generated, A::RsaesOaepSha256, W::Rsa2048).await;
    assert_eq!(message(refused), origin);
    let delete = client.delete_imported_key_material().key_id(&generated);
    assert_eq!(message(delete.send().await), origin);
    for spec in [KeySpec::MlDsa44, KeySpec::EccNistEdwards25519] {
        let made = client.create_key().origin(OriginType::External);
        let made = made.key_spec(spec).key_usage(KeyUsageType::SignVerify);
        assert_eq!(code(made.send().await), "UnsupportedOperationException");
    }

    let attempt = || async { import(&client, &id, &A::RsaesOaepSha256, &[6; 32]).await };
    let expires = attempt()
        .await
        .expiration_model(ExpirationModelType::KeyMaterialExpires);
    assert_eq!(
        message(expires.send().await),
        "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
    );
    let now = now();
    let day = Duration::from_secs(24 * 3600);
    for (model, at) in [
        (ExpirationModelType::KeyMaterialDoesNotExpire, now + day),
        (ExpirationModelType::KeyMaterialExpires, now - day),
        (ExpirationModelType::KeyMaterialExpires, now + 366 * day),
    ] {
        let dated = attempt().await.expiration_model(model).valid_to(at.into());
        assert_eq!(code(dated.send().await), "ValidationException");
    }
    let named = attempt().await.import_type(ImportType::NewKeyMaterial);
    let named = named.key_material_id("0".repeat(64)).send().await;
    assert_eq!(code(named), "ValidationException");
    let existing = attempt().await.import_type(ImportType::ExistingKeyMaterial);
    assert_eq!(code(existing.send().await), "IncorrectKeyMaterialException");
    let hmac = external(&client, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let typed = import(&client, &hmac, &A::RsaesOaepSha256, &[6; 32]).await;
    let typed = typed.import_type(ImportType::NewKeyMaterial).send().await;
    assert_eq!(code(typed), "UnsupportedOperationException");
    assert_eq!(state(&client, &id).await, KeyState::PendingImport);
}
