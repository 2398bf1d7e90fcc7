//! Custom key stores: what is read.

use super::cache::{Address, Record};
use super::error::StoreError;
use super::keys::{optional, parsed, place};
use super::pool::{Params, column};
use super::row_mac::{self, refused};
use super::{KeyStore, Shared, Store};
use crate::Error;
use crate::model::{AccountId, Region};
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "key_store";

macro_rules! select {
    ($name:literal) => {
        concat!(
            "/* key_stores::",
            $name,
            " */ select id, account, region, key_store_id, certificate, created, name, cluster, \
             wrapped_password, password_tried, state, error, connection, connector, token_serial, \
             row_version, mac from key_store where "
        )
    };
}

pub(super) use select;

pub(super) const PAGE: &str = concat!(select!("page"), "id > $1 order by id limit $2");
const GET: &str = concat!(
    select!("get"),
    "account = $1 and region = $2 and key_store_id = $3"
);
const GET_ROW: &str = concat!(select!("get_row"), "id = $1");
const LIST: &str = concat!(
    select!("list"),
    "account = $1 and region = $2 and key_store_id > $3 \
     and ($4::text is null or name = $4) order by key_store_id limit $5"
);
const ALL: &str = concat!(select!("all"), "true order by id");
const OVERDUE: &str = "/* key_stores::overdue */ select id from key_store \
    where state = 'CONNECTING' and connecting_until < (select strongroom_now())";
const SERIALS: &str = "/* key_stores::serials */ select token_serial from key_store \
    where token_serial is not null";

impl Shared {
    pub(super) async fn read_key_store(&self, row: &Row) -> Result<KeyStore, Error> {
        let id: Uuid = column(row, "id")?;
        let named = id.to_string();
        let (account, region) = place(row, TABLE, &named)?;
        let store = KeyStore {
            row: id,
            row_version: column(row, "row_version")?,
            account,
            region,
            id: column(row, "key_store_id")?,
            certificate: column(row, "certificate")?,
            created: column(row, "created")?,
            name: column(row, "name")?,
            cluster: column(row, "cluster")?,
            wrapped_password: column(row, "wrapped_password")?,
            password_tried: column(row, "password_tried")?,
            state: parsed(row, "state", TABLE, &named)?,
            error: optional(row, "error", |text| text.parse().ok())
                .map_err(|()| refused(TABLE, &named))?,
            connection: column(row, "connection")?,
            connector: column(row, "connector")?,
            token_serial: column(row, "token_serial")?,
        };
        let mac = column(row, "mac")?;
        self.verify(TABLE, &named, row_mac::key_store(&store), mac)
            .await?;
        Ok(store)
    }

    async fn key_store_by(
        &self,
        address: Address,
        statement: &'static str,
        params: Params<'_>,
    ) -> Result<Option<Arc<KeyStore>>, Error> {
        if let Some(Record::KeyStore(store)) = self.cache.get(&address) {
            return Ok(Some(store));
        }
        let generation = self.cache.generation();
        let connection = self.connections.get().await?;
        let row = connection.query_opt(statement, params).await?;
        drop(connection);
        let Some(row) = row else {
            return Ok(None);
        };
        let store = Arc::new(self.read_key_store(&row).await?);
        let record = Record::KeyStore(Arc::clone(&store));
        self.cache.put(generation, address, store.row, record);
        Ok(Some(store))
    }
}

impl Store {
    /// A custom key store by its `cks-…` id; cached.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn key_store(
        &self,
        account: &AccountId,
        region: &Region,
        id: &str,
    ) -> Result<Option<Arc<KeyStore>>, Error> {
        let address = Address::KeyStore(account.clone(), region.clone(), id.into());
        let params: Params<'_> = &[&account.as_str(), &region.as_str(), &id];
        self.shared.key_store_by(address, GET, params).await
    }

    /// A custom key store by its row, which is how a key names it; cached.
    ///
    /// # Errors
    /// As [`Store::key_store`].
    pub async fn key_store_of_key(&self, row: Uuid) -> Result<Option<Arc<KeyStore>>, Error> {
        let address = Address::KeyStoreRow(row);
        self.shared.key_store_by(address, GET_ROW, &[&row]).await
    }

    /// Custom key stores after `after` in the order of their ids, at most `limit`; only the one of
    /// that name if given.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn list_key_stores(
        &self,
        account: &AccountId,
        region: &Region,
        name: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<KeyStore>, Error> {
        let after = after.unwrap_or_default();
        let connection = self.shared.connections.get().await?;
        let params: Params<'_> = &[&account.as_str(), &region.as_str(), &after, &name, &limit];
        let rows = connection.query(LIST, params).await?;
        drop(connection);
        let mut stores = Vec::with_capacity(rows.len());
        for row in &rows {
            stores.push(self.shared.read_key_store(row).await?);
        }
        Ok(stores)
    }

    /// Every custom key store of the deployment that verifies, for whoever keeps their tokens open.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key_stores(&self) -> Result<Vec<KeyStore>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(ALL, &[]).await?;
        drop(connection);
        let mut stores = Vec::with_capacity(rows.len());
        for row in &rows {
            match self.shared.read_key_store(row).await {
                Ok(store) => stores.push(store),
                // Reported; it must not keep the others from being followed.
                Err(error) if is_refusal(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(stores)
    }

    /// The serial numbers of the tokens that custom key stores were connected to, for
    /// `strongroom reconcile`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key_store_serials(&self) -> Result<Vec<String>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(SERIALS, &[]).await?;
        rows.iter().map(|row| column(row, "token_serial")).collect()
    }

    /// The rows of custom key stores that have been connecting for too long, by the database's clock.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn overdue_key_stores(&self) -> Result<Vec<Uuid>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(OVERDUE, &[]).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }
}

fn is_refusal(error: &Error) -> bool {
    error
        .cause::<StoreError>()
        .is_some_and(StoreError::is_row_mac)
}
