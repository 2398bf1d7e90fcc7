//! Aliases.

use super::cache::{Address, Record};
use super::error::StoreError;
use super::keys::place;
use super::pool::{Params, column};
use super::row_mac::{self, micros};
use super::touched::Touched;
use super::{Alias, Key, RowVersion, Shared, Store, Transaction};
use crate::model::{AccountId, Region, arn};
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

macro_rules! select {
    ($name:literal) => {
        concat!(
            "/* aliases::",
            $name,
            " */ select id, account, region, name, created, key_id, updated, row_version, mac \
             from alias where "
        )
    };
}

macro_rules! of {
    () => {
        "account = $1 and region = $2 and "
    };
}

pub(super) const PAGE: &str = concat!(select!("page"), "id > $1 order by id limit $2");
const GET: &str = concat!(select!("get"), of!(), "name = $3");
const LOCK: &str = concat!(select!("lock"), of!(), "name = $3 for update");
const LIST: &str = concat!(select!("list"), of!(), "name > $3 order by name limit $4");
const LIST_OF_KEY: &str = concat!(
    select!("list_of_key"),
    of!(),
    "name > $3 and key_id = $5 order by name limit $4"
);
// As many as the quota allows.
const ALL_OF_KEY: &str = concat!(select!("all_of_key"), of!(), "key_id = $3 order by name");
const INSERT: &str = "/* aliases::insert */ insert into alias \
    (id, account, region, name, created, key_id, updated, row_version, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE: &str = "/* aliases::update */ update alias \
    set key_id = $3, updated = $4, row_version = $2 + 1, mac = $5 \
    where id = $1 and row_version = $2";
const DELETE: &str = "/* aliases::delete */ delete from alias where id = $1 and row_version = $2";

impl Shared {
    pub(super) async fn read_alias(&self, row: &Row) -> Result<Alias, Error> {
        let id: Uuid = column(row, "id")?;
        let (account, region) = place(row, "alias", &id.to_string())?;
        let alias = Alias {
            row: id,
            row_version: column(row, "row_version")?,
            account,
            region,
            name: column(row, "name")?,
            key_id: column(row, "key_id")?,
            created: column(row, "created")?,
            updated: column(row, "updated")?,
        };
        self.verify("alias", &id, row_mac::alias(&alias), column(row, "mac")?)
            .await?;
        Ok(alias)
    }

    async fn read_aliases(&self, rows: &[Row]) -> Result<Vec<Alias>, Error> {
        let mut aliases = Vec::with_capacity(rows.len());
        for row in rows {
            aliases.push(self.read_alias(row).await?);
        }
        Ok(aliases)
    }

    async fn read_names(&self, rows: &[Row]) -> Result<Arc<[String]>, Error> {
        let aliases = self.read_aliases(rows).await?;
        Ok(aliases.into_iter().map(|alias| alias.name).collect())
    }
}

impl Store {
    /// An alias (name with its `alias/`); cached.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn alias(
        &self,
        account: &AccountId,
        region: &Region,
        name: &str,
    ) -> Result<Option<Arc<Alias>>, Error> {
        let shared = &self.shared;
        let address = Address::Alias(account.clone(), region.clone(), name.into());
        if let Some(Record::Alias(alias)) = shared.cache.get(&address) {
            return Ok(Some(alias));
        }
        let generation = shared.cache.generation();
        let connection = shared.connections.get().await?;
        let params: Params<'_> = &[&account.as_str(), &region.as_str(), &name];
        let row = connection.query_opt(GET, params).await?;
        drop(connection);
        let Some(row) = row else {
            return Ok(None);
        };
        let alias = Arc::new(shared.read_alias(&row).await?);
        let record = Record::Alias(Arc::clone(&alias));
        shared.cache.put(generation, address, alias.row, record);
        Ok(Some(alias))
    }

    /// The same for who is not its owner: that there is none is remembered (`Cache::or_absent`).
    ///
    /// # Errors
    /// As [`Store::alias`].
    pub async fn foreign_alias(
        &self,
        account: &AccountId,
        region: &Region,
        name: &str,
    ) -> Result<Option<Arc<Alias>>, Error> {
        let cache = &self.shared.cache;
        let address = Address::Alias(account.clone(), region.clone(), name.into());
        let read = self.alias(account, region, name);
        cache.or_absent(address, read.boxed()).await
    }

    /// Aliases after `after` in the order of their names, at most `limit`; of one key if given.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn list_aliases(
        &self,
        account: &AccountId,
        region: &Region,
        key_id: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Alias>, Error> {
        let (account, region) = (account.as_str(), region.as_str());
        let after = after.unwrap_or_default();
        let connection = self.shared.connections.get().await?;
        let rows = match key_id {
            None => {
                let params: Params<'_> = &[&account, &region, &after, &limit];
                connection.query(LIST, params).await?
            }
            Some(key_id) => {
                let params: Params<'_> = &[&account, &region, &after, &limit, &key_id];
                connection.query(LIST_OF_KEY, params).await?
            }
        };
        drop(connection);
        self.shared.read_aliases(&rows).await
    }

    /// The names of all aliases of a key, as they are or have been since it had its version; cached.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn alias_names(&self, key: &Key) -> Result<Arc<[String]>, Error> {
        let shared = &self.shared;
        let of = (key.row, key.row_version);
        if let Some(names) = shared.cache.aliases.get(&of) {
            return Ok(names);
        }
        let generation = shared.cache.generation();
        let params: Params<'_> = &[
            &key.account.as_str(),
            &key.region.as_str(),
            &key.key_id.as_str(),
        ];
        let connection = shared.connections.get().await?;
        let rows = connection.query(ALL_OF_KEY, params).await?;
        drop(connection);
        let names = shared.read_names(&rows).await?;
        shared.cache.put_aliases(generation, of, &names);
        Ok(names)
    }
}

impl Transaction<'_> {
    /// An alias, locked for update.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn lock_alias(
        &self,
        account: &AccountId,
        region: &Region,
        name: &str,
    ) -> Result<Option<Alias>, Error> {
        let params: Params<'_> = &[&account.as_str(), &region.as_str(), &name];
        match self.connection.query_opt(LOCK, params).await? {
            Some(row) => Ok(Some(self.shared.read_alias(&row).await?)),
            None => Ok(None),
        }
    }

    /// The names of all aliases of a locked key: they stay so, since whoever changes them locks the key
    /// first.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn alias_names(&self, key: &Key) -> Result<Arc<[String]>, Error> {
        let params: Params<'_> = &[
            &key.account.as_str(),
            &key.region.as_str(),
            &key.key_id.as_str(),
        ];
        let rows = self.connection.query(ALL_OF_KEY, params).await?;
        self.shared.read_names(&rows).await
    }

    /// Inserts an alias of a locked key, and raises the key's version: a decision may depend on which
    /// aliases there are.
    ///
    /// # Errors
    /// `AlreadyExistsException` in AWS's words if there is one; `LimitExceededException`; those of
    /// the database.
    pub async fn insert_alias(&self, alias: &Alias, of: &Key) -> Result<(), Error> {
        let mac = self.shared.mac(row_mac::alias(alias)).await?;
        let inserted = self
            .connection
            .execute(
                INSERT,
                &[
                    &alias.row,
                    &alias.account.as_str(),
                    &alias.region.as_str(),
                    &alias.name,
                    &micros(alias.created),
                    &alias.key_id,
                    &micros(alias.updated),
                    &alias.row_version,
                    &mac,
                ],
            )
            .await;
        match inserted {
            Ok(_) => {
                let (account, region) = (alias.account.clone(), alias.region.clone());
                self.touch(Touched::Alias(account, region, alias.name.clone()));
                self.check_aliases(alias).await?;
                self.update_key(of).await
            }
            Err(error) if error.is_duplicate() => {
                let arn = arn::alias_arn(&alias.account, &alias.region, &alias.name);
                let message = format!("An alias with the name {arn} already exists");
                Err(Error::new(ErrorCode::AlreadyExists, message).with_source(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Points an alias of a locked key at another one, which is locked too, and raises the versions
    /// of both; fenced.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `alias.row_version`;
    /// `LimitExceededException`; those of the database.
    pub async fn update_alias(&self, alias: &Alias, from: &Key, to: &Key) -> Result<(), Error> {
        let raised = Alias {
            row_version: alias.row_version + 1,
            ..alias.clone()
        };
        let mac = self.shared.mac(row_mac::alias(&raised)).await?;
        let (row, version, updated) = (alias.row, alias.row_version, micros(alias.updated));
        let params: Params<'_> = &[&row, &version, &alias.key_id, &updated, &mac];
        if self.connection.execute(UPDATE, params).await? != 1 {
            return Err(StoreError::Changed("aliases::update").into());
        }
        self.changed(RowVersion::Alias(row, version));
        self.check_aliases(alias).await?;
        self.update_key(to).await?;
        match from.row == to.row {
            true => Ok(()),
            false => self.update_key(from).await,
        }
    }

    /// Removes an alias of a locked key, and raises the key's version; fenced.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `alias.row_version`; those of the database.
    pub async fn delete_alias(&self, alias: &Alias, of: &Key) -> Result<(), Error> {
        let params: Params<'_> = &[&alias.row, &alias.row_version];
        if self.connection.execute(DELETE, params).await? != 1 {
            return Err(StoreError::Changed("aliases::delete").into());
        }
        self.changed(RowVersion::Alias(alias.row, alias.row_version));
        self.update_key(of).await
    }
}
