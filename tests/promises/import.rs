//! Imported key material: on the token as what was generated there, and gone when it is to be gone.

use crate::deletion::set_database_clock;
use crate::dev::{Dev, SHARED, scratch};
use crate::gateway::{Gateway, Settings};
use crate::postgres::sql;
use crate::token::objects;
use crate::wrapping::wrap;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::import_key_material::builders::ImportKeyMaterialFluentBuilder;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{
    AlgorithmSpec, ExpirationModelType, KeySpec, KeyState, KeyUsageType, OriginType,
    WrappingKeySpec,
};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

pub const OFTEN: Duration = Duration::from_millis(50);
const A_WHILE: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
pub const MATERIAL: [u8; 32] = [0x77; 32];

pub async fn external(client: &Client, spec: KeySpec, usage: KeyUsageType) -> String {
    let made = client
        .create_key()
        .origin(OriginType::External)
        .key_spec(spec)
        .key_usage(usage)
        .send()
        .await
        .unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

pub async fn external_symmetric(client: &Client) -> String {
    let usage = KeyUsageType::EncryptDecrypt;
    external(client, KeySpec::SymmetricDefault, usage).await
}

pub async fn import(
    client: &Client,
    id: &str,
    algorithm: AlgorithmSpec,
    material: &[u8],
) -> ImportKeyMaterialFluentBuilder {
    let parameters = client
        .get_parameters_for_import()
        .key_id(id)
        .wrapping_algorithm(algorithm.clone())
        .wrapping_key_spec(WrappingKeySpec::Rsa2048)
        .send()
        .await
        .unwrap();
    let public_key = parameters.public_key().unwrap().as_ref();
    let wrapped = wrap(algorithm.as_str(), public_key, material);
    client
        .import_key_material()
        .key_id(id)
        .import_token(parameters.import_token().unwrap().clone())
        .encrypted_key_material(Blob::new(wrapped))
        .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
}

pub async fn state(client: &Client, id: &str) -> KeyState {
    let described = client.describe_key().key_id(id).send().await.unwrap();
    let metadata = described.key_metadata().unwrap();
    metadata.key_state().unwrap().clone()
}

/// The `CKA_ID`s that the rows have for a key's material.
pub fn material_of(dev: &Dev, id: &str) -> BTreeSet<String> {
    let statement = format!(
        "select encode(object_id, 'hex') from key_version v join kms_key k using (material_set) \
         where key_id = '{id}' and object_id is not null"
    );
    sql(dev, &statement).into_iter().collect()
}

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not yet: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn imported_material_is_as_what_was_generated_and_gone_when_deleted() {
    let client = SHARED.client();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let pair = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let pkcs8 = pair.private_key_to_pkcs8().unwrap();
    for (spec, usage, material) in [
        (
            KeySpec::SymmetricDefault,
            KeyUsageType::EncryptDecrypt,
            &MATERIAL[..],
        ),
        (KeySpec::EccNistP256, KeyUsageType::SignVerify, &pkcs8),
    ] {
        let id = external(&client, spec.clone(), usage).await;
        assert_eq!(material_of(&SHARED, &id), BTreeSet::new());
        let algorithm = AlgorithmSpec::RsaAesKeyWrapSha1;
        let ready = import(&client, &id, algorithm, material).await;
        ready.clone().send().await.unwrap();
        let object = material_of(&SHARED, &id).pop_first().unwrap();
        let on_token = objects(&SHARED);
        let secret: Vec<_> = on_token[&object]
            .iter()
            .filter(|object| !object.starts_with("Public Key"))
            .collect();
        assert_eq!(secret.len(), 1, "{spec}: {on_token:?}");
        let access = secret[0].lines().find(|line| line.contains("Access:"));
        let access: Vec<&str> = access
            .unwrap()
            .split([':', ','])
            .skip(1)
            .map(str::trim)
            .collect();
        // Not local, never extractable or always sensitive: it was elsewhere before.
        assert_eq!(access, ["sensitive"], "{spec}");
        let usage = secret[0].lines().find(|line| line.contains("Usage:"));
        let usage = usage.unwrap().split_once(':').unwrap().1.trim();
        let expected = match spec {
            KeySpec::SymmetricDefault => "encrypt, decrypt",
            _ => "sign",
        };
        assert_eq!(usage, expected, "{spec}");
        let birth = sql(
            &SHARED,
            &format!(
                "select birth::json->'imported' from key_version v join kms_key k using (material_set) \
                 where key_id = '{id}'"
            ),
        );
        // The token does not say how long an unwrapped secret is, so it was measured in memory.
        let through_memory = spec == KeySpec::SymmetricDefault;
        assert_eq!(
            birth,
            [format!(
                r#"{{"through_memory":{through_memory},"wrapping_algorithm":"RSA_AES_KEY_WRAP_SHA_1"}}"#
            )]
        );
        // Each import is another object, and the one before is gone.
        ready.send().await.unwrap();
        let second = material_of(&SHARED, &id).pop_first().unwrap();
        assert_ne!(second, object);
        assert!(!objects(&SHARED).contains_key(&object), "{spec}");
        let delete = client.delete_imported_key_material().key_id(&id);
        delete.send().await.unwrap();
        assert_eq!(material_of(&SHARED, &id), BTreeSet::new());
        assert!(!objects(&SHARED).contains_key(&second), "{spec}");
    }
}

#[allow(clippy::disallowed_methods)] // a customer has no Clock
fn tomorrow() -> DateTime {
    DateTime::from(SystemTime::now() + DAY)
}

#[tokio::test]
async fn expired_material_is_deleted_once_both_clocks_are_past_its_date() {
    let dev = Dev::start(&scratch(), &[]);
    let client = dev.client();
    let id = external_symmetric(&client).await;
    let at = tomorrow();
    let ready = import(&client, &id, AlgorithmSpec::RsaesOaepSha256, &MATERIAL).await;
    let dated = ready
        .clone()
        .expiration_model(ExpirationModelType::KeyMaterialExpires)
        .valid_to(at);
    dated.send().await.unwrap();
    let object = material_of(&dev, &id).pop_first().unwrap();
    let settings = Settings::default().every(OFTEN);
    for (whose, database, ahead) in [
        ("nobody's clock", Duration::ZERO, Duration::ZERO),
        ("the database's clock alone", 2 * DAY, Duration::ZERO),
        ("the gateway's clock alone", Duration::ZERO, 2 * DAY),
    ] {
        set_database_clock(&dev, database);
        let gateway = settings.clone().ahead(ahead).serve(&dev);
        std::thread::sleep(A_WHILE);
        assert_eq!(state(&client, &id).await, KeyState::Enabled, "{whose}");
        assert!(objects(&dev).contains_key(&object), "{whose}");
        // It is there, and the gateway uses it by its own clock.
        let body = format!(r#"{{"KeyId": "{id}", "Plaintext": "eA=="}}"#);
        let answer = request_at(&dev, &gateway, ahead, "Encrypt", &body);
        let refused = answer.contains("is pending import");
        assert_eq!(refused, !ahead.is_zero(), "{whose}: {answer}");
        assert!(refused || answer.contains("CiphertextBlob"), "{answer}");
    }
    set_database_clock(&dev, 2 * DAY);
    let gateway = settings.ahead(2 * DAY).serve(&dev);
    wait_until("the expiry", || !objects(&dev).contains_key(&object));
    drop(gateway);
    set_database_clock(&dev, Duration::ZERO);
    assert_eq!(state(&client, &id).await, KeyState::PendingImport);
    let records = sql(
        &dev,
        &format!(
            "select r->'resources' from (select convert_from(record, 'UTF8')::jsonb r from audit_log) a \
             where r->>'eventName' = 'DeleteExpiredKeyMaterial' and r::text like '%key/{id}%'"
        ),
    );
    assert_eq!(records.len(), 1, "a record of the expiry");
    // The wrapping keys' day was over as well.
    let gone = ready.send().await.unwrap_err().into_service_error();
    assert!(gone.is_invalid_import_token_exception(), "{gone:?}");
    let left = objects(&dev).len();
    assert_eq!(left, 3, "the gateway's own keys");
    dev.stop();
}

/// A request as the AWS SDK would sign it at another time of day.
fn request_at(dev: &Dev, gateway: &Gateway, ahead: Duration, target: &str, body: &str) -> String {
    let url = gateway.address();
    let user = format!(
        "{}:{}",
        dev.env["AWS_ACCESS_KEY_ID"], dev.env["AWS_SECRET_ACCESS_KEY"]
    );
    let output = Command::new("faketime")
        .args(["-f", &format!("+{}s", ahead.as_secs())])
        .args(["curl", "-s", "--aws-sigv4", "aws:amz:us-east-1:kms"])
        .args(["--user", &user])
        .args(["-H", "Content-Type: application/x-amz-json-1.1"])
        .args(["-H", &format!("X-Amz-Target: TrentService.{target}")])
        .args(["-d", body, &url])
        .output()
        .expect("faketime and curl run");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn an_import_token_is_good_for_a_day() {
    let dev = Dev::start(&scratch(), &[]);
    let client = dev.client();
    let id = external_symmetric(&client).await;
    let ready = import(&client, &id, AlgorithmSpec::RsaesOaepSha256, &MATERIAL).await;
    let base64 = |blob: &Blob| openssl::base64::encode_block(blob.as_ref());
    let body = format!(
        r#"{{"KeyId":"{id}","ImportToken":"{}","EncryptedKeyMaterial":"{}","ExpirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE"}}"#,
        base64(ready.get_import_token().as_ref().unwrap()),
        base64(ready.get_encrypted_key_material().as_ref().unwrap()),
    );
    let minute = Duration::from_secs(60);
    for (ahead, expected) in [
        (DAY + minute, "ExpiredImportTokenException"),
        (DAY - minute, "KeyMaterialId"),
    ] {
        let gateway = Settings::default().ahead(ahead).serve(&dev);
        let answer = request_at(&dev, &gateway, ahead, "ImportKeyMaterial", &body);
        assert!(answer.contains(expected), "{answer}\n{}", gateway.log());
    }
    dev.stop();
}

#[tokio::test]
async fn nothing_passes_through_memory_where_that_is_off() {
    let gateway = Settings::default()
        .set("STRONGROOM_TOKEN_IMPORT_THROUGH_MEMORY", "false")
        .serve(&SHARED);
    let client = gateway.client(&SHARED);
    let id = external_symmetric(&client).await;
    let get = |id: &str, algorithm| {
        client
            .get_parameters_for_import()
            .key_id(id)
            .wrapping_algorithm(algorithm)
            .wrapping_key_spec(WrappingKeySpec::Rsa2048)
            .send()
    };
    let refused = get(&id, AlgorithmSpec::RsaesOaepSha256).await.unwrap_err();
    assert_eq!(refused.code(), Some("UnsupportedOperationException"));
    let message = refused.message().unwrap();
    assert!(message.contains("token.import_through_memory"), "{message}");
    // Nor what another gateway would have taken.
    let elsewhere = SHARED.client();
    let ready = import(&elsewhere, &id, AlgorithmSpec::RsaesOaepSha256, &MATERIAL).await;
    let fields = ready.as_input().clone().build().unwrap();
    let refused = client
        .import_key_material()
        .key_id(&id)
        .import_token(fields.import_token().unwrap().clone())
        .encrypted_key_material(fields.encrypted_key_material().unwrap().clone())
        .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("UnsupportedOperationException"));
    // What the token does by itself goes on.
    let ec = external(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    get(&ec, AlgorithmSpec::RsaAesKeyWrapSha1).await.unwrap();
}
