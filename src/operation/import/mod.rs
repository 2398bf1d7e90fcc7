//! Imported key material (BYOK).
//!
//! A version of a key is one key material. Each import makes an object of its own, under an
//! intent, and one transaction gives it to the version: the key has its material or it has not, and
//! an object that was replaced or given up is destroyed by the intent that the same transaction
//! leaves.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html>.

pub mod delete_imported_key_material;
pub mod get_parameters_for_import;
pub mod import_key_material;
mod import_token;
mod target;
mod verifier;

use super::authorized::arn_of;
use crate::Error;
use crate::model::{KeyState, VersionState};
use crate::store::{Key, KeyVersion, Transaction};

/// Writes every key that has these versions, in the state that follows from them: one that needs
/// material is PendingImport until it has all of it. `related` is what
/// [`Transaction::lock_related`] gave.
async fn write_keys(
    tx: &Transaction<'_>,
    related: Vec<Key>,
    versions: &[KeyVersion],
) -> Result<(), Error> {
    for mut key in related {
        key.versions = versions.to_vec().into();
        key.state = match (key.state, key.awaits_import()) {
            (KeyState::Enabled | KeyState::Disabled, true) => KeyState::PendingImport,
            (KeyState::PendingImport, false) => KeyState::Enabled,
            (state, _) => state,
        };
        tx.update_key(&key).await?;
    }
    Ok(())
}

/// Takes the material of some of a key's versions away. The version stays, and takes the same
/// material again; one that never became current goes altogether. Answers whether there was any.
///
/// # Errors
/// Those of the database.
pub async fn delete_material(
    tx: &Transaction<'_>,
    key: &Key,
    doomed: impl Fn(&KeyVersion) -> bool,
) -> Result<bool, Error> {
    let related = tx.lock_related(key).await?;
    // All have the same versions; they are as they were only once all are locked.
    let Some(locked) = related.iter().find(|other| other.row == key.row) else {
        return Err(Error::internal(format!("{} is gone", arn_of(key))));
    };
    let pending = locked.pending_rotation().map(|version| version.id);
    let mut left = Vec::with_capacity(locked.versions.len());
    let mut deleted = false;
    for version in &locked.versions {
        if version.state == VersionState::PendingImport || !doomed(version) {
            left.push(version.clone());
            continue;
        }
        deleted = true;
        if pending == Some(version.id) {
            tx.remove_version(version).await?;
            continue;
        }
        let mut without = version.clone();
        without.state = VersionState::PendingImport;
        without.object_id = None;
        without.valid_to = None;
        tx.replace_material(locked, version, &without).await?;
        left.push(without);
    }
    if deleted {
        write_keys(tx, related, &left).await?;
    }
    Ok(deleted)
}
