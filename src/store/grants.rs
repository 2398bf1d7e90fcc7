//! Grants, and the tokens that name them.

use super::cache::{Address, Record};
use super::error::StoreError;
use super::keys::place;
use super::pool::{Params, column};
use super::row_mac::{self, micros, refused};
use super::touched::Touched;
use super::{Grant, Key, RowVersion, Shared, Store, Transaction};
use crate::Error;
use crate::model::{AccountId, Region};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

macro_rules! select {
    ($name:literal) => {
        concat!(
            "/* grants::",
            $name,
            " */ select id, key, grant_id, account, region, key_id, name, grantee, retiring, \
             issuer, operations, constraints, created, row_version, mac from kms_grant where "
        )
    };
}

pub(super) use select;

pub(super) const PAGE: &str = concat!(select!("page"), "id > $1 order by id limit $2");
pub(super) const GET: &str = concat!(select!("get"), "id = $1");
const SHARE: &str = concat!(select!("share"), "id = $1 for share");
const OF_KEY: &str = concat!(select!("of_key"), "key = $1 and grant_id = $2");
const LOCK: &str = concat!(select!("lock"), "key = $1 and grant_id = $2 for update");
const LIST: &str = concat!(
    select!("list"),
    "key = $1 and grant_id > $2 order by grant_id limit $3"
);
const LIST_OF_GRANTEE: &str = concat!(
    select!("list_of_grantee"),
    "key = $1 and grantee = $4 and grant_id > $2 order by grant_id limit $3"
);
const RETIRABLE: &str = concat!(
    select!("retirable"),
    "region = $1 and retiring = $2 and grant_id > $3 order by grant_id limit $4"
);
const SAME: &str = concat!(
    select!("same"),
    "key = $1 and name = $2 and grantee = $3 and retiring is not distinct from $4 \
     and issuer = $5 and operations = $6 and constraints is not distinct from $7 \
     order by created desc limit 1"
);
const COUNT: &str = "/* grants::count */ select count(*) as grants from kms_grant where key = $1";
const INSERT: &str = "/* grants::insert */ insert into kms_grant \
    (id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations, \
    constraints, created, row_version, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const DELETE: &str =
    "/* grants::delete */ delete from kms_grant where id = $1 and row_version = $2";

const TABLE: &str = "kms_grant";

/// A token is this byte, the grant's row, a number that makes it unique, and a MAC over both.
const TOKEN_FORMAT: u8 = 1;

/// A grant as its row says, which may be anybody's.
pub(super) fn parse_grant(row: &Row) -> Result<Grant, Error> {
    let id: Uuid = column(row, "id")?;
    let unreadable = || refused(TABLE, id);
    let (account, region) = place(row, TABLE, &id.to_string())?;
    let operations: Vec<&str> = column(row, "operations")?;
    let operations = operations.iter().map(|name| name.parse());
    let constraints: Option<&str> = column(row, "constraints")?;
    let constraints = constraints.map(serde_json::from_str).transpose();
    Ok(Grant {
        row: id,
        row_version: column(row, "row_version")?,
        key: column(row, "key")?,
        account,
        region,
        key_id: column(row, "key_id")?,
        grant_id: column(row, "grant_id")?,
        name: column(row, "name")?,
        grantee: column(row, "grantee")?,
        retiring: column(row, "retiring")?,
        issuer: AccountId::parse(column(row, "issuer")?).ok_or_else(unreadable)?,
        operations: operations
            .collect::<Result<_, ()>>()
            .map_err(|()| unreadable())?,
        constraints: constraints.map_err(|_| unreadable())?,
        created: column(row, "created")?,
    })
}

impl Shared {
    pub(super) async fn read_grant(&self, row: &Row) -> Result<Grant, Error> {
        let grant = parse_grant(row)?;
        let bytes = row_mac::grant(&grant, column(row, "constraints")?);
        self.verify(TABLE, &grant.row, bytes, column(row, "mac")?)
            .await?;
        Ok(grant)
    }

    async fn read_grants(&self, rows: &[Row]) -> Result<Vec<Grant>, Error> {
        let mut grants = Vec::with_capacity(rows.len());
        for row in rows {
            grants.push(self.read_grant(row).await?);
        }
        Ok(grants)
    }

    /// The row that a genuine token names.
    async fn named_by(&self, token: &str) -> Result<Option<Uuid>, Error> {
        let Some((grant, nonce, mac)) = parse_token(token) else {
            return Ok(None);
        };
        let genuine = self
            .seal()?
            .verify(row_mac::grant_token(grant, nonce), mac)
            .await?;
        Ok(genuine.then_some(grant))
    }
}

fn parse_token(token: &str) -> Option<(Uuid, Uuid, Vec<u8>)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (format, rest) = bytes.split_first()?;
    let (grant, rest) = rest.split_first_chunk()?;
    let (nonce, mac) = rest.split_first_chunk()?;
    (*format == TOKEN_FORMAT).then(|| {
        let (grant, nonce) = (Uuid::from_bytes(*grant), Uuid::from_bytes(*nonce));
        (grant, nonce, mac.to_vec())
    })
}

impl Store {
    /// The grant that a token names; cached. `None` for a token that no gateway made, and for a
    /// grant that has been retired or revoked.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn grant_by_token(&self, token: &str) -> Result<Option<Arc<Grant>>, Error> {
        let shared = &self.shared;
        let address = Address::Grant(token.into());
        if let Some(Record::Grant(grant)) = shared.cache.get(&address) {
            return Ok(Some(grant));
        }
        let Some(id) = shared.named_by(token).await? else {
            return Ok(None);
        };
        let generation = shared.cache.generation();
        let connection = shared.connections.get().await?;
        let row = connection.query_opt(GET, &[&id]).await?;
        drop(connection);
        let Some(row) = row else {
            return Ok(None);
        };
        let grant = Arc::new(shared.read_grant(&row).await?);
        let record = Record::Grant(Arc::clone(&grant));
        shared.cache.put(generation, address, grant.row, record);
        Ok(Some(grant))
    }

    /// A grant of a key.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn grant(&self, key: &Key, grant_id: &str) -> Result<Option<Grant>, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_opt(OF_KEY, &[&key.row, &grant_id]).await?;
        drop(connection);
        match row {
            Some(row) => Ok(Some(self.shared.read_grant(&row).await?)),
            None => Ok(None),
        }
    }

    /// Grants of a key after `after` in the order of their ids, at most `limit`; of one grantee if
    /// given.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn list_grants(
        &self,
        key: &Key,
        grantee: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Grant>, Error> {
        let after = after.unwrap_or_default();
        let connection = self.shared.connections.get().await?;
        let rows = match grantee {
            None => connection.query(LIST, &[&key.row, &after, &limit]).await?,
            Some(grantee) => {
                let params: Params<'_> = &[&key.row, &after, &limit, &grantee];
                connection.query(LIST_OF_GRANTEE, params).await?
            }
        };
        drop(connection);
        self.shared.read_grants(&rows).await
    }

    /// Grants in a Region that a principal may retire, after `after` in the order of their ids, at
    /// most `limit`.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn list_retirable_grants(
        &self,
        region: &Region,
        retiring: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Grant>, Error> {
        let after = after.unwrap_or_default();
        let connection = self.shared.connections.get().await?;
        let params: Params<'_> = &[&region.as_str(), &retiring, &after, &limit];
        let rows = connection.query(RETIRABLE, params).await?;
        drop(connection);
        self.shared.read_grants(&rows).await
    }
}

impl Transaction<'_> {
    /// The grant that a token names; it stays until the transaction ends. `None` as for
    /// [`Store::grant_by_token`].
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn share_grant_by_token(&self, token: &str) -> Result<Option<Grant>, Error> {
        self.grant_by_token(SHARE, token).await
    }

    /// The same without a lock, to learn which key is to be locked before it.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn peek_grant_by_token(&self, token: &str) -> Result<Option<Grant>, Error> {
        self.grant_by_token(GET, token).await
    }

    async fn grant_by_token(&self, sql: &'static str, token: &str) -> Result<Option<Grant>, Error> {
        let Some(id) = self.shared.named_by(token).await? else {
            return Ok(None);
        };
        match self.connection.query_opt(sql, &[&id]).await? {
            Some(row) => Ok(Some(self.shared.read_grant(&row).await?)),
            None => Ok(None),
        }
    }

    /// A grant of a locked key, locked for update.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn lock_grant(&self, key: &Key, grant_id: &str) -> Result<Option<Grant>, Error> {
        match self
            .connection
            .query_opt(LOCK, &[&key.row, &grant_id])
            .await?
        {
            Some(row) => Ok(Some(self.shared.read_grant(&row).await?)),
            None => Ok(None),
        }
    }

    /// The latest grant of the same locked key with the same name that says the same; `None` for a
    /// grant without a name.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn same_grant(&self, grant: &Grant) -> Result<Option<Grant>, Error> {
        let (operations, constraints) = texts(grant)?;
        let params: Params<'_> = &[
            &grant.key,
            &grant.name,
            &grant.grantee,
            &grant.retiring,
            &grant.issuer.as_str(),
            &operations,
            &constraints,
        ];
        match self.connection.query_opt(SAME, params).await? {
            Some(row) => Ok(Some(self.shared.read_grant(&row).await?)),
            None => Ok(None),
        }
    }

    /// How many grants a key has.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count_grants(&self, key: &Key) -> Result<i64, Error> {
        let row = self.connection.query_one(COUNT, &[&key.row]).await?;
        column(&row, "grants")
    }

    /// Inserts a grant.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn insert_grant(&self, grant: &Grant) -> Result<(), Error> {
        let (operations, constraints) = texts(grant)?;
        let bytes = row_mac::grant(grant, constraints.as_deref());
        let mac = self.shared.mac(bytes).await?;
        let params: Params<'_> = &[
            &grant.row,
            &grant.key,
            &grant.grant_id,
            &grant.account.as_str(),
            &grant.region.as_str(),
            &grant.key_id,
            &grant.name,
            &grant.grantee,
            &grant.retiring,
            &grant.issuer.as_str(),
            &operations,
            &constraints,
            &micros(grant.created),
            &grant.row_version,
            &mac,
        ];
        self.connection.execute(INSERT, params).await?;
        self.touch(Touched::Grants(grant.key, grant.grantee.clone()));
        Ok(())
    }

    /// Removes a grant; fenced.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `grant.row_version`; those of the database.
    pub async fn delete_grant(&self, grant: &Grant) -> Result<(), Error> {
        let params: Params<'_> = &[&grant.row, &grant.row_version];
        if self.connection.execute(DELETE, params).await? != 1 {
            return Err(StoreError::Changed("grants::delete").into());
        }
        self.changed(RowVersion::Grant(grant.row, grant.row_version));
        self.touch(Touched::Grants(grant.key, grant.grantee.clone()));
        Ok(())
    }

    /// A new token that names a grant: no two are the same, and all of a grant's are as good.
    ///
    /// # Errors
    /// No seal, or the token does not answer.
    pub async fn grant_token(&self, grant: &Grant) -> Result<String, Error> {
        let nonce = Uuid::new_v4();
        let mac = self
            .shared
            .mac(row_mac::grant_token(grant.row, nonce))
            .await?;
        let format = [TOKEN_FORMAT];
        let parts: [&[u8]; 4] = [&format, grant.row.as_bytes(), nonce.as_bytes(), &mac];
        Ok(URL_SAFE_NO_PAD.encode(parts.concat()))
    }
}

/// Operations and constraints as their columns have them.
fn texts(grant: &Grant) -> Result<(Vec<&'static str>, Option<String>), Error> {
    let operations = grant.operations.iter().map(|o| o.as_str()).collect();
    let constraints = grant.constraints.as_ref().map(serde_json::to_string);
    Ok((
        operations,
        constraints.transpose().map_err(Error::internal)?,
    ))
}
