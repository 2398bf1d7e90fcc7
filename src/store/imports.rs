//! Imported key material: versions whose objects come and go.

use super::error::StoreError;
use super::intents;
use super::keys::address;
use super::{Key, KeyVersion, Store, Transaction};
use crate::Error;
use crate::model::{AccountId, Region};

const REMOVE_VERSION: &str = "/* imports::remove_version */ delete from key_version \
    where id = $1 and row_version = $2";
const UNCOUNT: &str = "/* imports::uncount */ delete from gcm_reservation where version = $1";
// The versions first: however many of them are due, no more keys than that are looked at.
const DUE: &str = "/* imports::due */ \
    with due as materialized (select material_set from key_version \
        where valid_to <= (select strongroom_now()) order by valid_to limit $1) \
    select k.account, k.region, k.key_id from (select distinct material_set from due) d \
    cross join lateral (select account, region, key_id from kms_key \
        where material_set = d.material_set order by region limit 1) k";

impl Transaction<'_> {
    /// Gives a version the object that its material was imported into, or none: writes `after` in
    /// the place of `before`, removes the intent to create the new object, and leaves the old one.
    /// Every key of [`Transaction::lock_related`] is to be written as well.
    ///
    /// # Errors
    /// [`StoreError::IntentLost`] as for [`Transaction::insert_key`]; [`StoreError::Changed`] as for
    /// [`Transaction::update_version`]; those of the database.
    pub async fn replace_material(
        &self,
        key: &Key,
        before: &KeyVersion,
        after: &KeyVersion,
    ) -> Result<(), Error> {
        if let (Some(_), Some(object)) = (&after.object_id, after.cka_id()) {
            intents::fulfil(self.connection, object).await?;
        }
        self.update_version(key, after).await?;
        match before.object_id {
            Some(_) => self.leave(before).await,
            None => Ok(()),
        }
    }

    /// Removes a version that never became current, and leaves its object.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `version.row_version`; those of the
    /// database.
    pub async fn remove_version(&self, version: &KeyVersion) -> Result<(), Error> {
        let connection = self.connection;
        let removed = connection
            .execute(REMOVE_VERSION, &[&version.id, &version.row_version])
            .await?;
        if removed != 1 {
            return Err(StoreError::Changed("imports::remove_version").into());
        }
        connection.execute(UNCOUNT, &[&version.id]).await?;
        match version.object_id {
            Some(_) => self.leave(version).await,
            None => Ok(()),
        }
    }
}

impl Store {
    /// A key of each material set of which a version has expired by the database's clock. A hint
    /// where to look: whoever deletes the material locks the key first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn due_expiries(
        &self,
        limit: i64,
    ) -> Result<Vec<(AccountId, Region, String)>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(DUE, &[&limit]).await?;
        rows.iter().map(address).collect()
    }
}
