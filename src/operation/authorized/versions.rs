//! Which version of a key a request uses: the one that its name names, else the current one; or
//! the one that a ciphertext names.

use super::{Authorized, KeyAccess, Operation, Purpose, Resolved, arn_of};
use crate::model::key_id::version_of;
use crate::model::{KeySpec, VersionState};
use crate::operation::import::import_key_material::ImportKeyMaterial;
use crate::store::{Key, KeyVersion};
use crate::token::KeyRef;
use crate::{Error, ErrorCode};
use std::sync::Arc;
use uuid::Uuid;

/// Refuses the name of a version where there is no choice of versions, or no such version.
pub(super) fn check_named(
    wanted: &KeyAccess<'_>,
    resolved: &Resolved,
    arn: &str,
) -> Result<(), Error> {
    let Some(number) = resolved.version else {
        return Ok(());
    };
    let named = version_of(arn, number);
    let refused = |message: String| Err(Error::new(ErrorCode::Validation, message));
    let whole = matches!(
        wanted.purpose,
        Purpose::Manage | Purpose::Material(_) | Purpose::Grant { .. }
    );
    if whole {
        return refused(format!(
            "'{named}' is a version of a key: this operation is on the key as a whole, {arn}."
        ));
    }
    if resolved.key.spec == KeySpec::SymmetricDefault {
        return refused(format!(
            "'{named}' is a version of a symmetric encryption key: its current version encrypts, \
             and a ciphertext names the version that decrypts it. Name the key, {arn}."
        ));
    }
    match by_number(&resolved.key, number) {
        Some(_) => Ok(()),
        None => {
            let message = format!("Key version '{named}' does not exist");
            Err(Error::new(ErrorCode::NotFound, message))
        }
    }
}

impl<O: Operation> Authorized<O> {
    /// The version of the `at`th key that is to be used: the one that was named, else the current
    /// one.
    ///
    /// # Errors
    /// `DisabledException`, `KMSInvalidStateException`: it is disabled, or has no material;
    /// `KMSInternalException` if the record does not hold its own current version.
    pub fn chosen(&self, at: usize) -> Result<&KeyVersion, Error> {
        let key = self.key(at);
        let version = match self.keys[at].version {
            Some(number) => by_number(key, number),
            None => key.version(key.current_version),
        };
        let version = version
            .ok_or_else(|| Error::internal(format!("{} has not its version", arn_of(key))))?;
        self.usable(key, version)?;
        Ok(version)
    }

    /// The right to use the version of the `at`th key that was named, else the current one, on the
    /// token.
    ///
    /// # Errors
    /// As [`Authorized::chosen`].
    pub fn current(&self, at: usize) -> Result<KeyRef, Error> {
        Ok(key_ref(self.key(at), self.chosen(at)?))
    }

    /// The right to use one version of the `at`th key on the token; `None` if it is not its own.
    ///
    /// # Errors
    /// `DisabledException`, `KMSInvalidStateException`: the version is disabled, or has no material.
    pub fn version(&self, at: usize, version: Uuid) -> Result<Option<KeyRef>, Error> {
        let key = self.key(at);
        let Some(known) = key.version(version) else {
            return Ok(None);
        };
        self.usable(key, known)?;
        Ok(Some(key_ref(key, known)))
    }

    /// Material that has expired is not used, whether or not a worker has come to delete it: that
    /// takes two clocks, which may not agree.
    fn usable(&self, key: &Key, version: &KeyVersion) -> Result<(), Error> {
        let expired = version.valid_to.is_some_and(|at| at <= self.now);
        match version.state {
            VersionState::Enabled if !expired => Ok(()),
            VersionState::Disabled => {
                let named = version_of(&arn_of(key), version.number);
                let message = format!("{named} is disabled.");
                Err(Error::new(ErrorCode::Disabled, message))
            }
            VersionState::Enabled | VersionState::PendingImport => {
                let message = format!("{} is pending import.", arn_of(key));
                Err(Error::new(ErrorCode::KmsInvalidState, message))
            }
        }
    }

    /// The right to check what the `at`th key has made with each version that may have made it: the
    /// one that was named, else the current one, then the other enabled ones from the newest.
    /// As many as [`MAX_ENABLED`](crate::operation::versions::MAX_ENABLED) at most.
    ///
    /// # Errors
    /// As [`Authorized::chosen`].
    pub fn checking(&self, at: usize) -> Result<Vec<KeyRef>, Error> {
        let key = self.key(at);
        let first = self.chosen(at)?;
        let mut versions = vec![key_ref(key, first)];
        if self.keys[at].version.is_none() {
            let others = key.versions.iter().rev();
            let others = others.filter(|v| v.id != first.id && v.state == VersionState::Enabled);
            versions.extend(others.map(|version| key_ref(key, version)));
        }
        Ok(versions)
    }
}

impl Authorized<ImportKeyMaterial> {
    /// The right to use an object that material for the `at`th key was imported into, before it is
    /// the key's: to see whether it is the right material.
    #[allow(clippy::disallowed_methods)] // out of an authorized call
    pub fn imported(&self, at: usize, object: Uuid, public_key: Option<Arc<[u8]>>) -> KeyRef {
        let key = self.key(at);
        KeyRef::new(object, key.spec, key.usage, public_key)
    }
}

fn by_number(key: &Key, number: i32) -> Option<&KeyVersion> {
    key.versions.iter().find(|version| version.number == number)
}

#[allow(clippy::disallowed_methods)] // the one place: out of an authorized call
fn key_ref(key: &Key, version: &KeyVersion) -> KeyRef {
    KeyRef::new(
        version.cka_id().unwrap_or(version.id),
        key.spec,
        key.usage,
        version.public_key.clone(),
    )
    .of_object(version.object_id.clone())
    .born(version.birth.clone())
}
