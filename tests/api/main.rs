//! The API through the real AWS SDK for Rust, against a real token and a real Postgres.

#[allow(dead_code)] // each test process uses a part
#[path = "../support/dev.rs"]
mod dev;

mod adoption;
mod agreement;
mod aliases;
mod data_keys;
mod encryption;
mod grants;
mod identities;
mod import;
#[path = "../support/issuer.rs"]
mod issuer;
mod key_stores;
mod keys;
mod mac;
mod multi_region;
mod permissions;
mod policies;
mod quotas;
mod random;
mod records;
mod rotation;
mod signing;
mod sts;
mod tags;
#[path = "../support/tally.rs"]
mod tally;
mod usage;
mod version_names;
mod versions;
#[allow(dead_code)] // each test process uses a part
#[path = "../support/who.rs"]
mod who;
mod wire;
#[path = "../support/wrapping.rs"]
mod wrapping;
mod wycheproof;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};

/// A client of the gateway that this process's tests share.
fn client() -> Client {
    dev::SHARED.client()
}

/// Creates a key; answers its id.
async fn key(client: &Client, spec: KeySpec, usage: KeyUsageType) -> String {
    let made = client
        .create_key()
        .key_spec(spec)
        .key_usage(usage)
        .send()
        .await
        .unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

/// A SYMMETRIC_DEFAULT key.
async fn symmetric(client: &Client) -> String {
    key(
        client,
        KeySpec::SymmetricDefault,
        KeyUsageType::EncryptDecrypt,
    )
    .await
}

/// The exception's name of a call that must fail.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, E>,
) -> String {
    result
        .unwrap_err()
        .code()
        .expect("a modelled error")
        .to_owned()
}

/// The exception's message of a call that must fail.
fn message<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, E>,
) -> String {
    result.unwrap_err().message().unwrap_or_default().to_owned()
}
