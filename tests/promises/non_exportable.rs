//! Promise 1: key material stays in the token.

use crate::dev::SHARED;
use crate::postgres::sql;
use crate::token::objects;
use aws_sdk_kms::types::{KeySpec, KeyUsageType as Usage};

#[tokio::test]
async fn every_key_is_on_the_token_and_cannot_leave_it() {
    let client = SHARED.client();
    for (spec, usage) in [
        (KeySpec::SymmetricDefault, Usage::EncryptDecrypt),
        (KeySpec::Rsa2048, Usage::EncryptDecrypt),
        (KeySpec::Rsa2048, Usage::SignVerify),
        (KeySpec::Rsa3072, Usage::EncryptDecrypt),
        (KeySpec::Rsa3072, Usage::SignVerify),
        (KeySpec::Rsa4096, Usage::EncryptDecrypt),
        (KeySpec::Rsa4096, Usage::SignVerify),
        (KeySpec::EccNistP256, Usage::SignVerify),
        (KeySpec::EccNistP384, Usage::SignVerify),
        (KeySpec::EccNistP521, Usage::SignVerify),
        (KeySpec::EccSecgP256K1, Usage::SignVerify),
        (KeySpec::EccNistEdwards25519, Usage::SignVerify),
        (KeySpec::EccNistP256, Usage::KeyAgreement),
        (KeySpec::EccNistP384, Usage::KeyAgreement),
        (KeySpec::EccNistP521, Usage::KeyAgreement),
        (KeySpec::Hmac224, Usage::GenerateVerifyMac),
        (KeySpec::Hmac256, Usage::GenerateVerifyMac),
        (KeySpec::Hmac384, Usage::GenerateVerifyMac),
        (KeySpec::Hmac512, Usage::GenerateVerifyMac),
    ] {
        let made = client
            .create_key()
            .key_spec(spec.clone())
            .key_usage(usage)
            .send()
            .await
            .unwrap();
        let key_id = made.key_metadata().unwrap().key_id().to_owned();
        let version = sql(
            &SHARED,
            &format!(
                "select replace(v.id::text, '-', '') from kms_key k \
                 join key_version v on v.material_set = k.material_set where k.key_id = '{key_id}'"
            ),
        );
        let on_token = objects(&SHARED);
        let found = on_token
            .get(&version[0])
            .unwrap_or_else(|| panic!("{spec} is not on the token"));
        let secret: Vec<_> = found
            .iter()
            .filter(|object| !object.starts_with("Public Key"))
            .collect();
        assert_eq!(secret.len(), 1, "{spec}: {found:?}");
        let access = secret[0]
            .lines()
            .find(|line| line.contains("Access:"))
            .unwrap();
        for property in [
            "sensitive",
            "always sensitive",
            "never extractable",
            "local",
        ] {
            assert!(
                access.contains(property),
                "{spec} is not {property}: {}",
                secret[0]
            );
        }
    }
}
