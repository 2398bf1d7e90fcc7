//! Access keys.

use super::cache::{Address, Record};
use super::error::StoreError;
use super::pool::{Params, column};
use super::row_mac::{self, micros, refused};
use super::touched::Touched;
use super::{AccessKey, RowVersion, Shared, Store, Transaction};
use crate::Error;
use crate::model::AccountId;
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

macro_rules! select {
    ($name:literal) => {
        concat!(
            "/* access_keys::",
            $name,
            " */ select id, access_key_id, account, principal, created, wrapped_secret, enabled, \
             row_version, mac from access_key where "
        )
    };
}

pub(super) const PAGE: &str = concat!(select!("page"), "id > $1 order by id limit $2");
const GET: &str = concat!(select!("get"), "access_key_id = $1");
// Shared: requests by one access key may go on side by side, only a change of it has to wait.
const LOCK: &str = concat!(select!("lock"), "access_key_id = $1 for share");
const LOCK_TO_CHANGE: &str = concat!(select!("lock_to_change"), "access_key_id = $1 for update");
const OF_PRINCIPAL: &str = concat!(
    select!("of_principal"),
    "principal = $1 order by access_key_id"
);
const OF_ACCOUNT: &str = concat!(select!("of_account"), "account = $1 order by access_key_id");
const INSERT: &str = "/* access_keys::insert */ insert into access_key \
    (id, access_key_id, account, principal, created, wrapped_secret, enabled, row_version, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE: &str = "/* access_keys::update */ update access_key \
    set wrapped_secret = $3, enabled = $4, row_version = $2 + 1, mac = $5 \
    where id = $1 and row_version = $2";
const DELETE: &str =
    "/* access_keys::delete */ delete from access_key where id = $1 and row_version = $2";

impl Shared {
    pub(super) async fn read_access_key(&self, row: &Row) -> Result<AccessKey, Error> {
        const TABLE: &str = "access_key";
        let row_id: Uuid = column(row, "id")?;
        let account = AccountId::parse(column(row, "account")?);
        let key = AccessKey {
            row: row_id,
            row_version: column(row, "row_version")?,
            id: column(row, "access_key_id")?,
            account: account.ok_or_else(|| refused(TABLE, row_id))?,
            principal: column(row, "principal")?,
            wrapped_secret: column(row, "wrapped_secret")?,
            enabled: column(row, "enabled")?,
            created: column(row, "created")?,
        };
        let mac = column(row, "mac")?;
        self.verify(TABLE, &row_id, row_mac::access_key(&key), mac)
            .await?;
        Ok(key)
    }

    async fn read_access_keys(&self, rows: &[Row]) -> Result<Vec<AccessKey>, Error> {
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            keys.push(self.read_access_key(row).await?);
        }
        Ok(keys)
    }
}

impl Store {
    /// What is known of an access key without asking the database: `Some(None)` that there was none
    /// a moment ago.
    pub fn known_access_key(&self, id: &str) -> Option<Option<Arc<AccessKey>>> {
        let cache = &self.shared.cache;
        let address = Address::AccessKey(id.into());
        match cache.get(&address) {
            Some(Record::AccessKey(key)) => Some(Some(key)),
            _ => cache.is_absent(&address).then_some(None),
        }
    }

    /// An access key; cached, and so (bounded, briefly) is the absence of one.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn access_key(&self, id: &str) -> Result<Option<Arc<AccessKey>>, Error> {
        let shared = &self.shared;
        if let Some(known) = self.known_access_key(id) {
            return Ok(known);
        }
        let address = Address::AccessKey(id.into());
        let generation = shared.cache.generation();
        // Whoever asks may not be authenticated yet: made-up ids, of whatever number, must not take
        // the connections from the others. In turn; the callers bound how many wait.
        let turn = shared.access_key_misses.acquire();
        let _turn = tokio::time::timeout(shared.deadline, turn)
            .await
            .map_err(|_| shared.late("access_keys::get"))?;
        let connection = shared.connections.get().await?;
        let row = connection.query_opt(GET, &[&id]).await?;
        drop(connection);
        let Some(row) = row else {
            shared.cache.put_absent(generation, address);
            return Ok(None);
        };
        let key = Arc::new(shared.read_access_key(&row).await?);
        let record = Record::AccessKey(Arc::clone(&key));
        shared.cache.put(generation, address, key.row, record);
        Ok(Some(key))
    }

    /// The same as the database has it now, for a caller who is known.
    ///
    /// # Errors
    /// As [`Store::access_key`].
    pub async fn current_access_key(&self, id: &str) -> Result<Option<AccessKey>, Error> {
        let connection = self.shared.connections.get().await?;
        match connection.query_opt(GET, &[&id]).await? {
            Some(row) => Ok(Some(self.shared.read_access_key(&row).await?)),
            None => Ok(None),
        }
    }

    /// The access keys of a principal, in the order of their ids.
    ///
    /// # Errors
    /// As [`Store::access_key`].
    pub async fn access_keys_of(&self, principal: &str) -> Result<Vec<AccessKey>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(OF_PRINCIPAL, &[&principal]).await?;
        self.shared.read_access_keys(&rows).await
    }
}

impl Transaction<'_> {
    /// An access key as it is now, so that a change by a disabled one is refused; it stays so until
    /// the transaction ends.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn lock_access_key(&self, id: &str) -> Result<Option<AccessKey>, Error> {
        self.access_key_by(LOCK, id).await
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// As [`Transaction::lock_access_key`].
    pub async fn lock_access_key_to_change(&self, id: &str) -> Result<Option<AccessKey>, Error> {
        self.access_key_by(LOCK_TO_CHANGE, id).await
    }

    async fn access_key_by(&self, sql: &'static str, id: &str) -> Result<Option<AccessKey>, Error> {
        match self.connection.query_opt(sql, &[&id]).await? {
            Some(row) => Ok(Some(self.shared.read_access_key(&row).await?)),
            None => Ok(None),
        }
    }

    /// The access keys of a principal, which has no others while its own row is locked.
    ///
    /// # Errors
    /// As [`Transaction::lock_access_key`].
    pub async fn access_keys_of(&self, principal: &str) -> Result<Vec<AccessKey>, Error> {
        let rows = self.connection.query(OF_PRINCIPAL, &[&principal]).await?;
        self.shared.read_access_keys(&rows).await
    }

    /// Inserts an access key.
    ///
    /// # Errors
    /// Those of the database; internal if its principal is unknown or its id is taken.
    pub async fn insert_access_key(&self, key: &AccessKey) -> Result<(), Error> {
        let mac = self.shared.mac(row_mac::access_key(key)).await?;
        let (account, created) = (key.account.as_str(), micros(key.created));
        let params: Params<'_> = &[
            &key.row,
            &key.id,
            &account,
            &key.principal,
            &created,
            &key.wrapped_secret,
            &key.enabled,
            &key.row_version,
            &mac,
        ];
        self.connection.execute(INSERT, params).await?;
        self.touch(Touched::AccessKey(key.id.clone()));
        Ok(())
    }

    /// Replaces the wrapped secret of an access key, or its status; fenced.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `key.row_version`; those of the database.
    pub async fn update_access_key(&self, key: &AccessKey) -> Result<(), Error> {
        let raised = AccessKey {
            row_version: key.row_version + 1,
            ..key.clone()
        };
        let mac = self.shared.mac(row_mac::access_key(&raised)).await?;
        let (row, version) = (key.row, key.row_version);
        let params: Params<'_> = &[&row, &version, &key.wrapped_secret, &key.enabled, &mac];
        if self.connection.execute(UPDATE, params).await? != 1 {
            return Err(StoreError::Changed("access_keys::update").into());
        }
        self.changed(RowVersion::AccessKey(row, version));
        Ok(())
    }

    /// Removes an access key; fenced.
    ///
    /// # Errors
    /// As [`Transaction::update_access_key`].
    pub async fn delete_access_key(&self, key: &AccessKey) -> Result<(), Error> {
        let (row, version) = (key.row, key.row_version);
        if self.connection.execute(DELETE, &[&row, &version]).await? != 1 {
            return Err(StoreError::Changed("access_keys::delete").into());
        }
        self.changed(RowVersion::AccessKey(row, version));
        Ok(())
    }

    /// The access keys of an account, for `init`.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn access_keys(&self, account: &AccountId) -> Result<Vec<AccessKey>, Error> {
        let id = account.as_str();
        let rows = self.connection.query(OF_ACCOUNT, &[&id]).await?;
        self.shared.read_access_keys(&rows).await
    }
}
