//! Custom key stores: what is changed.

use super::error::StoreError;
use super::key_stores::select;
use super::pool::{Params, column};
use super::row_mac::{self, micros};
use super::{KeyStore, RowVersion, Transaction};
use crate::model::{AccountId, ConnectionState, Region};
use crate::{Error, ErrorCode};
use std::time::Duration;
use uuid::Uuid;

const LOCK: &str = concat!(
    select!("lock"),
    "account = $1 and region = $2 and key_store_id = $3 for update"
);
const LOCK_ROW: &str = concat!(select!("lock_row"), "id = $1 for update");
// Shared: changes of the keys in it may go on side by side, only a change of it has to wait.
const SHARE_ROW: &str = concat!(select!("share_row"), "id = $1 for share");
const INSERT: &str = "/* key_stores::insert */ insert into key_store \
    (id, account, region, key_store_id, certificate, created, name, cluster, wrapped_password, \
    password_tried, state, error, connection, connector, token_serial, row_version, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
const UPDATE: &str = "/* key_stores::update */ update key_store set name = $3, cluster = $4, \
    wrapped_password = $5, password_tried = $6, state = $7, error = $8, connection = $9, \
    connector = $10, token_serial = $11, row_version = $2 + 1, mac = $12, \
    connecting_until = strongroom_now() + make_interval(secs => $13) \
    where id = $1 and row_version = $2";
// Objects of deleted keys that have yet to be destroyed count as well: without the store nobody would
// come back for them.
const IN_USE: &str = "/* key_stores::in_use */ select \
    exists (select from kms_key where key_store = $1) \
    or exists (select from intent where token_serial = $2) as used";
const DELETE: &str = "/* key_stores::delete */ delete from key_store \
    where id = $1 and row_version = $2";

impl Transaction<'_> {
    /// A custom key store, locked for update.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn lock_key_store(
        &self,
        account: &AccountId,
        region: &Region,
        id: &str,
    ) -> Result<Option<KeyStore>, Error> {
        let params: Params<'_> = &[&account.as_str(), &region.as_str(), &id];
        match self.connection.query_opt(LOCK, params).await? {
            Some(row) => Ok(Some(self.shared.read_key_store(&row).await?)),
            None => Ok(None),
        }
    }

    /// The same by its row.
    ///
    /// # Errors
    /// As [`Transaction::lock_key_store`].
    pub async fn lock_key_store_row(&self, row: Uuid) -> Result<Option<KeyStore>, Error> {
        self.key_store_row(LOCK_ROW, row).await
    }

    /// The custom key store that has a key, as it is now; it stays so until the transaction ends.
    ///
    /// # Errors
    /// As [`Transaction::lock_key_store`].
    pub async fn share_key_store(&self, row: Uuid) -> Result<Option<KeyStore>, Error> {
        self.key_store_row(SHARE_ROW, row).await
    }

    async fn key_store_row(
        &self,
        statement: &'static str,
        row: Uuid,
    ) -> Result<Option<KeyStore>, Error> {
        match self.connection.query_opt(statement, &[&row]).await? {
            Some(row) => Ok(Some(self.shared.read_key_store(&row).await?)),
            None => Ok(None),
        }
    }

    /// Inserts a custom key store.
    ///
    /// # Errors
    /// `CustomKeyStoreNameInUseException`, `CloudHsmClusterInUseException`, `LimitExceededException`;
    /// those of the database.
    pub async fn insert_key_store(&self, store: &KeyStore) -> Result<(), Error> {
        self.check_key_stores(&store.account, &store.region).await?;
        let mac = self.shared.mac(row_mac::key_store(store)).await?;
        let inserted = self
            .connection
            .execute(
                INSERT,
                &[
                    &store.row,
                    &store.account.as_str(),
                    &store.region.as_str(),
                    &store.id,
                    &store.certificate,
                    &micros(store.created),
                    &store.name,
                    &store.cluster,
                    &store.wrapped_password,
                    &store.password_tried,
                    &store.state.as_str(),
                    &store.error.map(|code| code.as_str()),
                    &store.connection,
                    &store.connector,
                    &store.token_serial,
                    &store.row_version,
                    &mac,
                ],
            )
            .await;
        inserted.map(drop).map_err(|error| taken(error, store))
    }

    /// Writes a changed custom key store, raises its version; fenced. One that is being connected
    /// has `patience` for it.
    ///
    /// # Errors
    /// As [`Transaction::insert_key_store`]; [`StoreError::Changed`] if the row no longer has
    /// `store.row_version`.
    pub async fn update_key_store(
        &self,
        store: &KeyStore,
        patience: Duration,
    ) -> Result<(), Error> {
        let raised = KeyStore {
            row_version: store.row_version + 1,
            ..store.clone()
        };
        let mac = self.shared.mac(row_mac::key_store(&raised)).await?;
        let connecting = store.state == ConnectionState::Connecting;
        let updated = self
            .connection
            .execute(
                UPDATE,
                &[
                    &store.row,
                    &store.row_version,
                    &store.name,
                    &store.cluster,
                    &store.wrapped_password,
                    &store.password_tried,
                    &store.state.as_str(),
                    &store.error.map(|code| code.as_str()),
                    &store.connection,
                    &store.connector,
                    &store.token_serial,
                    &mac,
                    &connecting.then_some(patience.as_secs_f64()),
                ],
            )
            .await
            .map_err(|error| taken(error, store))?;
        if updated != 1 {
            return Err(StoreError::Changed("key_stores::update").into());
        }
        self.changed(RowVersion::KeyStore(store.row, store.row_version));
        Ok(())
    }

    /// Removes a custom key store; fenced.
    ///
    /// # Errors
    /// `CustomKeyStoreHasCMKsException` if a key is in it, or the object of a deleted one may still
    /// be on its token; those of the database.
    pub async fn delete_key_store(&self, store: &KeyStore) -> Result<(), Error> {
        let params: Params<'_> = &[&store.row, &store.token_serial];
        let used = self.connection.query_one(IN_USE, params).await?;
        if column(&used, "used")? {
            let message = format!(
                "Custom key store {} contains KMS keys, or key material of deleted ones.",
                store.id
            );
            return Err(Error::new(ErrorCode::CustomKeyStoreHasCmks, message));
        }
        let params: Params<'_> = &[&store.row, &store.row_version];
        if self.connection.execute(DELETE, params).await? != 1 {
            return Err(StoreError::Changed("key_stores::delete").into());
        }
        self.changed(RowVersion::KeyStore(store.row, store.row_version));
        Ok(())
    }
}

/// What the caller is told if somebody else has the name or the cluster.
fn taken(error: StoreError, store: &KeyStore) -> Error {
    let (code, message) = match error.duplicate_of() {
        Some("key_store_name") => (
            ErrorCode::CustomKeyStoreNameInUse,
            format!(
                "The custom key store name {} is already in use.",
                store.name
            ),
        ),
        Some("key_store_cluster") => (
            ErrorCode::CloudHsmClusterInUse,
            format!(
                "{} is already associated with a custom key store.",
                store.cluster
            ),
        ),
        _ => return error.into(),
    };
    Error::new(code, message).with_source(error)
}
