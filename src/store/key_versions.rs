//! The versions of keys: what is changed.

use super::error::StoreError;
use super::intents;
use super::pool::{Params, column};
use super::row_mac::{self, micros};
use super::{Key, KeyVersion, Transaction};
use crate::model::RotationType;
use crate::{Error, ErrorCode};
use uuid::Uuid;

const INSERT_VERSION: &str = "/* keys::insert_version */ insert into key_version \
    (id, material_set, number, spec, token_serial, object_id, public_key, birth, created, state, \
    valid_to, description, rotation, rotated, verifier, row_version, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
const UPDATE_VERSION: &str = "/* keys::update_version */ update key_version set token_serial = $3, \
    public_key = $4, birth = $5, state = $6, valid_to = $7, description = $8, rotation = $9, \
    rotated = $10, verifier = $11, object_id = $12, row_version = $2 + 1, mac = $13 \
    where id = $1 and row_version = $2";
// Objects that were made here have their version's id as CKA_ID; an intent's may be about to go.
const CLAIMED: &str = "/* keys::claimed */ select \
    exists (select from intent where token_serial = $1 and object_id = $2) \
    or exists (select from intent where version = $3) \
    or exists (select from key_version where id = $3) as claimed";

impl Transaction<'_> {
    /// Adds a version that the token has made to a key's material, and removes its intent. Results
    /// computed without it are recognised only once [`Transaction::update_key`] has written every
    /// key of [`Transaction::lock_related`].
    ///
    /// # Errors
    /// [`StoreError::IntentLost`] as for [`Transaction::insert_key`]; those of the database.
    pub async fn add_version(&self, key: &Key, version: &KeyVersion) -> Result<(), Error> {
        let object = version.cka_id().unwrap_or(version.id);
        intents::fulfil(self.connection, object).await?;
        self.insert_version(key, version).await
    }

    /// Adds a version without an object on the token: its material is yet to be imported.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn insert_version(&self, key: &Key, version: &KeyVersion) -> Result<(), Error> {
        let birth = version.birth.json().to_string();
        let mac = self.version_mac(key, version, &birth).await?;
        let (rotation, rotated) = version.rotation.unzip();
        self.connection
            .execute(
                INSERT_VERSION,
                &[
                    &version.id,
                    &key.material_set,
                    &version.number,
                    &key.spec.as_str(),
                    &version.token_serial,
                    &version.object_id.as_deref(),
                    &version.public_key.as_deref(),
                    &birth,
                    &version.created.time(),
                    &version.state.as_str(),
                    &version.valid_to.map(micros),
                    &version.description,
                    &rotation.map(RotationType::as_str),
                    &rotated.map(micros),
                    &version.verifier,
                    &version.row_version,
                    &mac,
                ],
            )
            .await?;
        Ok(())
    }

    /// Adds a version whose object was on the token before.
    ///
    /// # Errors
    /// `AlreadyExistsException` if the object is a key's already; those of the database.
    pub(super) async fn insert_adopted(
        &self,
        key: &Key,
        version: &KeyVersion,
    ) -> Result<(), Error> {
        let taken = || {
            let message = "The object is a KMS key's already, or was until just now.";
            Error::new(ErrorCode::AlreadyExists, message)
        };
        match self.insert_version(key, version).await {
            Err(error) if is_duplicate_object(&error) => return Err(taken()),
            other => other?,
        }
        // After the insertion, which waits for whoever deletes the key that had the object.
        let object_id = version.object_id.as_deref();
        let as_version = object_id.and_then(|id| Uuid::from_slice(id).ok());
        let params: Params<'_> = &[&version.token_serial, &object_id, &as_version];
        let claimed = self.connection.query_one(CLAIMED, params).await?;
        match column(&claimed, "claimed")? {
            true => Err(taken()),
            false => Ok(()),
        }
    }

    /// Writes a changed version and raises its row version. As for [`Transaction::add_version`],
    /// every key that has it is to be written as well.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `version.row_version`; those of the
    /// database.
    pub async fn update_version(&self, key: &Key, version: &KeyVersion) -> Result<(), Error> {
        let birth = version.birth.json().to_string();
        let raised = KeyVersion {
            row_version: version.row_version + 1,
            ..version.clone()
        };
        let mac = self.version_mac(key, &raised, &birth).await?;
        let (rotation, rotated) = version.rotation.unzip();
        let updated = self
            .connection
            .execute(
                UPDATE_VERSION,
                &[
                    &version.id,
                    &version.row_version,
                    &version.token_serial,
                    &version.public_key.as_deref(),
                    &birth,
                    &version.state.as_str(),
                    &version.valid_to.map(micros),
                    &version.description,
                    &rotation.map(RotationType::as_str),
                    &rotated.map(micros),
                    &version.verifier,
                    &version.object_id.as_deref(),
                    &mac,
                ],
            )
            .await?;
        match updated {
            1 => Ok(()),
            _ => Err(StoreError::Changed("keys::update_version").into()),
        }
    }

    async fn version_mac(
        &self,
        key: &Key,
        version: &KeyVersion,
        birth: &str,
    ) -> Result<Vec<u8>, Error> {
        let row = row_mac::key_version(key.material_set, key.spec, version, birth);
        self.shared.mac(row).await
    }
}

fn is_duplicate_object(error: &Error) -> bool {
    let cause = error.cause::<StoreError>();
    cause.and_then(StoreError::duplicate_of) == Some("key_version_object")
}
