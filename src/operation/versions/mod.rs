//! Versions of asymmetric and HMAC keys, which AWS has not: `docs/key-versions.md`.
//!
//! One version is the primary. It signs, decrypts and makes MACs unless another one is named; what
//! any enabled version has made is verified.

pub mod create_key_version;
pub mod disable_key_version;
pub mod enable_key_version;
pub mod list_key_versions;
pub mod set_primary_key_version;

use super::authorized::arn_of;
use super::rotation::{MaterialRule, write_version};
use crate::model::key_id::version_of;
use crate::model::shapes::{Blob, KeyVersionNumber, Timestamp};
use crate::model::{Origin, VersionState};
use crate::store::{Key, KeyVersion, Transaction};
use crate::{Error, ErrorCode};

/// Enabled versions of one key: a signature that is not valid is compared with each of them.
pub const MAX_ENABLED: usize = 10;
/// Versions of one key: they are read together.
pub const MAX_VERSIONS: usize = 100;

/// EnableKeyVersion, DisableKeyVersion, SetPrimaryKeyVersion.
const VERSIONED: MaterialRule = MaterialRule {
    rotates: Some(false),
    origins: Origin::ALL,
    primary: true,
};

/// CreateKeyVersion: what the gateway's own token makes.
const MADE_HERE: MaterialRule = MaterialRule {
    origins: &[Origin::AwsKms],
    ..VERSIONED
};

/// One version.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct KeyVersionListEntry {
    /// Its number, from 1.
    pub key_version: i32,
    /// What may be given as `KeyId`.
    pub key_version_arn: String,
    pub state: VersionState,
    pub primary: bool,
    pub creation_date: Timestamp,
    /// DER SubjectPublicKeyInfo (RFC 5280), of an asymmetric key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Blob>,
}

impl KeyVersionListEntry {
    fn new(key: &Key, version: &KeyVersion) -> Self {
        Self {
            key_version: version.number,
            key_version_arn: version_of(&arn_of(key), version.number),
            state: version.state,
            primary: version.id == key.current_version,
            creation_date: Timestamp(version.created.time()),
            public_key: version.public_key.as_ref().map(|der| der.to_vec().into()),
        }
    }
}

/// # Errors
/// `NotFoundException`.
fn numbered(key: &Key, number: KeyVersionNumber) -> Result<&KeyVersion, Error> {
    let mut versions = key.versions.iter();
    let found = versions.find(|version| i64::from(version.number) == number.0);
    found.ok_or_else(|| {
        let message = format!("{} has no version {}", arn_of(key), number.0);
        Error::new(ErrorCode::NotFound, message)
    })
}

/// # Errors
/// As [`numbered`]; `KMSInvalidStateException` for a version that has no material.
fn with_material(key: &Key, number: KeyVersionNumber) -> Result<&KeyVersion, Error> {
    let version = numbered(key, number)?;
    if version.state != VersionState::PendingImport {
        return Ok(version);
    }
    let message = format!("{} is pending import.", arn_of(key));
    Err(Error::new(ErrorCode::KmsInvalidState, message))
}

/// # Errors
/// Those of the database.
async fn set_state(
    tx: &Transaction<'_>,
    key: &Key,
    version: &KeyVersion,
    state: VersionState,
) -> Result<(), Error> {
    let version = KeyVersion {
        state,
        ..version.clone()
    };
    write_version(tx, key, &version, |_| {}).await?;
    Ok(())
}

/// # Errors
/// `LimitExceededException` if the key has as many enabled versions as it may have.
fn refuse_another(key: &Key) -> Result<(), Error> {
    let enabled = |version: &&KeyVersion| version.state == VersionState::Enabled;
    if key.versions.iter().filter(enabled).count() < MAX_ENABLED {
        return Ok(());
    }
    let message = format!(
        "{} has {MAX_ENABLED} enabled versions, and may not have more: disable one first.",
        arn_of(key)
    );
    Err(Error::new(ErrorCode::LimitExceeded, message))
}
