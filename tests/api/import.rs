//! CreateKey with Origin EXTERNAL, GetParametersForImport, ImportKeyMaterial,
//! DeleteImportedKeyMaterial.

use crate::wrapping::wrap;
use crate::{client, code, message, symmetric};
use aws_sdk_kms::Client;
use aws_sdk_kms::operation::get_parameters_for_import::GetParametersForImportOutput;
use aws_sdk_kms::operation::import_key_material::builders::ImportKeyMaterialFluentBuilder;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{
    AlgorithmSpec, ExpirationModelType, ImportType, KeyMetadata, KeySpec, KeyState, KeyUsageType,
    MacAlgorithmSpec, MessageType, OriginType, SigningAlgorithmSpec, WrappingKeySpec,
};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{Signer, Verifier};
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
async fn asymmetric_and_hmac_keys_do_what_the_same_key_does_outside() {
    let client = client();
    let wrapping = AlgorithmSpec::RsaAesKeyWrapSha256;
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ec = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    for (spec, pair, algorithm) in [
        (KeySpec::EccNistP256, &ec, SigningAlgorithmSpec::EcdsaSha256),
        (
            KeySpec::Rsa2048,
            &rsa,
            SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
        ),
    ] {
        let id = external(&client, spec.clone(), KeyUsageType::SignVerify).await;
        let pkcs8 = pair.private_key_to_pkcs8().unwrap();
        let imported = import(&client, &id, &wrapping, &pkcs8).await.send().await;
        assert_eq!(imported.unwrap().key_material_id(), None);
        let public = client.get_public_key().key_id(&id).send().await.unwrap();
        let spki = pair.public_key_to_der().unwrap();
        assert_eq!(public.public_key().unwrap().as_ref(), spki);
        let sign = client.sign().key_id(&id).message(Blob::new("message"));
        let sign = sign
            .message_type(MessageType::Raw)
            .signing_algorithm(algorithm.clone());
        let signed = sign.send().await.unwrap();
        let signature = signed.signature().unwrap().clone();
        let mut verifier = Verifier::new(MessageDigest::sha256(), pair).unwrap();
        assert!(
            verifier
                .verify_oneshot(signature.as_ref(), b"message")
                .unwrap()
        );
        let mut signer = Signer::new(MessageDigest::sha256(), pair).unwrap();
        let outside = signer.sign_oneshot_to_vec(b"message").unwrap();
        for signature in [signature, Blob::new(outside)] {
            let verify = client.verify().key_id(&id).message(Blob::new("message"));
            let verify = verify.signing_algorithm(algorithm.clone());
            let verified = verify.signature(signature).send().await.unwrap();
            assert!(verified.signature_valid());
        }
        // Another pair is not this key's, at any time.
        let delete = client.delete_imported_key_material().key_id(&id);
        delete.send().await.unwrap();
        let stranger = match spec {
            KeySpec::Rsa2048 => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            _ => PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(),
        };
        let stranger = stranger.private_key_to_pkcs8().unwrap();
        let wrong = import(&client, &id, &wrapping, &stranger)
            .await
            .send()
            .await;
        assert_eq!(code(wrong), "IncorrectKeyMaterialException");
        let right = import(&client, &id, &wrapping, &pkcs8).await.send().await;
        right.unwrap();
        assert_eq!(state(&client, &id).await, KeyState::Enabled);
    }

    let id = external(&client, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let pkcs8 = rsa.private_key_to_pkcs8().unwrap();
    let imported = import(&client, &id, &wrapping, &pkcs8).await.send().await;
    imported.unwrap();
    let mut sealed = vec![0; 256];
    let public = rsa.rsa().unwrap();
    public
        .public_encrypt(b"secret", &mut sealed, Padding::PKCS1_OAEP)
        .unwrap();
    let opened = client
        .decrypt()
        .key_id(&id)
        .ciphertext_blob(Blob::new(sealed));
    let opened = opened
        .encryption_algorithm(aws_sdk_kms::types::EncryptionAlgorithmSpec::RsaesOaepSha1)
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"secret");

    for (spec, mac, digest) in [
        (
            KeySpec::Hmac256,
            MacAlgorithmSpec::HmacSha256,
            MessageDigest::sha256(),
        ),
        (
            KeySpec::Hmac384,
            MacAlgorithmSpec::HmacSha384,
            MessageDigest::sha384(),
        ),
    ] {
        let id = external(&client, spec, KeyUsageType::GenerateVerifyMac).await;
        let material = vec![0x42; digest.size()];
        let algorithm = AlgorithmSpec::RsaesOaepSha256;
        let wrong = import(&client, &id, &algorithm, &material[1..]).await;
        assert_eq!(code(wrong.send().await), "IncorrectKeyMaterialException");
        let right = import(&client, &id, &algorithm, &material).await;
        right.send().await.unwrap();
        let made = client.generate_mac().key_id(&id).message(Blob::new("m"));
        let made = made.mac_algorithm(mac).send().await.unwrap();
        let outside = PKey::hmac(&material).unwrap();
        let mut signer = Signer::new(digest, &outside).unwrap();
        let expected = signer.sign_oneshot_to_vec(b"m").unwrap();
        assert_eq!(made.mac().unwrap().as_ref(), expected);
        let delete = client.delete_imported_key_material().key_id(&id);
        delete.send().await.unwrap();
        let wrong = import(&client, &id, &algorithm, &vec![0x43; digest.size()]).await;
        assert_eq!(code(wrong.send().await), "IncorrectKeyMaterialException");
        let right = import(&client, &id, &algorithm, &material).await;
        right.send().await.unwrap();
    }
}

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

#[tokio::test]
async fn further_material_waits_for_its_rotation() {
    let client = client();
    let id = external_symmetric(&client).await;
    let algorithm = AlgorithmSpec::RsaAesKeyWrapSha256;
    let attempt = |material: u8| {
        let (client, id, algorithm) = (client.clone(), id.clone(), algorithm.clone());
        async move { import(&client, &id, &algorithm, &[material; 32]).await }
    };
    let first = attempt(1).await.send().await.unwrap();
    let new = |import: ImportKeyMaterialFluentBuilder| {
        import.import_type(ImportType::NewKeyMaterial).send()
    };
    let same = new(attempt(1).await).await;
    assert_eq!(code(same), "IncorrectKeyMaterialException");
    let second = new(attempt(2).await).await.unwrap();
    let (first, second) = (
        first.key_material_id().unwrap(),
        second.key_material_id().unwrap(),
    );
    assert_ne!(first, second);
    let described = describe(&client, &id).await;
    assert_eq!(described.current_key_material_id(), Some(first));
    let third = message(new(attempt(3).await).await);
    assert!(third.starts_with("New key material (id: "), "{third}");
    let rest = format!(
        ") cannot be imported into KMS key {id}, because another key material (id: {second}) is \
         pending rotation."
    );
    assert!(third.ends_with(&rest), "{third}");
    // Each comes again as what it was, and nothing else does.
    let again = attempt(2).await.send().await.unwrap();
    assert_eq!(again.key_material_id(), Some(second));
    let again = attempt(1).await.key_material_id(second).send().await;
    assert_eq!(code(again), "IncorrectKeyMaterialException");
    // What is pending does not make the key unusable when it goes, and goes altogether.
    let delete = |material: &str| {
        client
            .delete_imported_key_material()
            .key_id(&id)
            .key_material_id(material)
            .send()
    };
    delete(second).await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::Enabled);
    assert_eq!(code(delete(second).await), "NotFoundException");
    let third = new(attempt(3).await).await.unwrap();
    assert_ne!(third.key_material_id(), Some(second));
    delete(first).await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::PendingImport);
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
