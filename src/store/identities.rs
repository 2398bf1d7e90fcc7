//! The identities of the accounts: roots, users, roles.

use super::cache::{Address, Record};
use super::error::StoreError;
use super::pool::{Params, column};
use super::row_mac::{self, micros, refused};
use super::touched::Touched;
use super::{Identity, IdentityKind, RowVersion, Shared, Store, Transaction};
use crate::model::AccountId;
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_postgres::Row;

macro_rules! select {
    ($name:literal) => {
        concat!(
            "/* identities::",
            $name,
            " */ select id, arn, account, kind, name, unique_id, tags, policies, trust, max_session, \
             management, created, row_version, mac from principal where "
        )
    };
}

pub(super) use select;

pub(super) const PAGE: &str = concat!(select!("page"), "id > $1 order by id limit $2");
const GET: &str = concat!(select!("get"), "arn = $1");
const SHARE: &str = concat!(select!("share"), "arn = $1 for share");
const LOCK: &str = concat!(select!("lock"), "arn = $1 for update");
const LIST: &str = concat!(
    select!("list"),
    "account = $1 and kind = $2 and name collate \"C\" > $3 order by name collate \"C\" limit $4"
);
const INSERT: &str = "/* identities::insert */ insert into principal \
    (id, arn, account, kind, name, unique_id, tags, policies, trust, max_session, management, \
    created, row_version, mac) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const UPDATE: &str = "/* identities::update */ update principal \
    set tags = $3, policies = $4, trust = $5, max_session = $6, management = $7, \
    row_version = $2 + 1, mac = $8 where id = $1 and row_version = $2";
const DELETE: &str =
    "/* identities::delete */ delete from principal where id = $1 and row_version = $2";

impl IdentityKind {
    /// As the column has it.
    fn as_str(self) -> &'static str {
        match self {
            IdentityKind::Root => "root",
            IdentityKind::User => "user",
            IdentityKind::Role => "role",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [IdentityKind::Root, IdentityKind::User, IdentityKind::Role];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The texts of an identity's maps, as their columns have them: none for an empty one.
fn texts(identity: &Identity) -> Result<[Option<String>; 2], Error> {
    let text = |map: &BTreeMap<String, String>| match map.is_empty() {
        true => Ok(None),
        false => serde_json::to_string(map).map(Some),
    };
    let texts = [text(&identity.tags), text(&identity.policies)];
    let [tags, policies] = texts.map(|text| text.map_err(Error::internal));
    Ok([tags?, policies?])
}

fn mac_bytes(identity: &Identity, [tags, policies]: &[Option<String>; 2]) -> Vec<u8> {
    row_mac::identity(
        identity,
        identity.kind.as_str(),
        tags.as_deref(),
        policies.as_deref(),
    )
}

impl Shared {
    pub(super) async fn read_identity(&self, row: &Row) -> Result<Identity, Error> {
        const TABLE: &str = "principal";
        let arn: String = column(row, "arn")?;
        let unreadable = || refused(TABLE, &arn);
        let texts: [Option<String>; 2] = [column(row, "tags")?, column(row, "policies")?];
        let map = |text: &Option<String>| match text {
            Some(text) => serde_json::from_str(text).map_err(|_| unreadable()),
            None => Ok(BTreeMap::new()),
        };
        let identity = Identity {
            row: column(row, "id")?,
            row_version: column(row, "row_version")?,
            account: AccountId::parse(column(row, "account")?).ok_or_else(unreadable)?,
            kind: IdentityKind::parse(column(row, "kind")?).ok_or_else(unreadable)?,
            name: column(row, "name")?,
            unique_id: column(row, "unique_id")?,
            tags: map(&texts[0])?,
            policies: map(&texts[1])?,
            trust: column(row, "trust")?,
            max_session_seconds: column(row, "max_session")?,
            management: column::<Option<bool>>(row, "management")?.unwrap_or_default(),
            created: column(row, "created")?,
            arn: arn.clone(),
        };
        let bytes = mac_bytes(&identity, &texts);
        self.verify(TABLE, &arn, bytes, column(row, "mac")?).await?;
        Ok(identity)
    }
}

impl Store {
    /// The identity of an ARN (a root's, a user's, a role's); cached.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn identity(&self, arn: &str) -> Result<Option<Arc<Identity>>, Error> {
        let shared = &self.shared;
        let address = Address::Identity(arn.into());
        // The MAC of a root is not over its id: nothing depends on whose it is.
        if let Some(Record::Identity(identity)) = shared.cache.get(&address)
            && identity.arn == arn
        {
            return Ok(Some(identity));
        }
        let generation = shared.cache.generation();
        let connection = shared.connections.get().await?;
        let row = connection.query_opt(GET, &[&arn]).await?;
        drop(connection);
        let Some(row) = row else {
            return Ok(None);
        };
        let identity = Arc::new(shared.read_identity(&row).await?);
        let record = Record::Identity(Arc::clone(&identity));
        shared.cache.put(generation, address, identity.row, record);
        Ok(Some(identity))
    }

    /// The same for who is not of its account: that there is none is remembered
    /// (`Cache::or_absent`).
    ///
    /// # Errors
    /// As [`Store::identity`].
    pub async fn foreign_identity(&self, arn: &str) -> Result<Option<Arc<Identity>>, Error> {
        let address = Address::Identity(arn.into());
        let read = self.identity(arn).boxed();
        self.shared.cache.or_absent(address, read).await
    }

    /// The same as the database has it now: what a caller is shown does not lag.
    ///
    /// # Errors
    /// As [`Store::identity`].
    pub async fn current_identity(&self, arn: &str) -> Result<Option<Identity>, Error> {
        let connection = self.shared.connections.get().await?;
        match connection.query_opt(GET, &[&arn]).await? {
            Some(row) => Ok(Some(self.shared.read_identity(&row).await?)),
            None => Ok(None),
        }
    }

    /// The users, or roles, of an account after `after` in the order of their names, at most
    /// `limit`.
    ///
    /// # Errors
    /// As [`Store::identity`].
    pub async fn list_identities(
        &self,
        account: &AccountId,
        kind: IdentityKind,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Identity>, Error> {
        let after = after.unwrap_or_default();
        let params: Params<'_> = &[&account.as_str(), &kind.as_str(), &after, &limit];
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(LIST, params).await?;
        drop(connection);
        let mut identities = Vec::with_capacity(rows.len());
        for row in &rows {
            identities.push(self.shared.read_identity(row).await?);
        }
        Ok(identities)
    }
}

impl Transaction<'_> {
    /// An identity as it is now; it stays so until the transaction ends.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn share_identity(&self, arn: &str) -> Result<Option<Identity>, Error> {
        self.identity_by(SHARE, arn).await
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// As [`Transaction::share_identity`].
    pub async fn lock_identity(&self, arn: &str) -> Result<Option<Identity>, Error> {
        self.identity_by(LOCK, arn).await
    }

    async fn identity_by(&self, sql: &'static str, arn: &str) -> Result<Option<Identity>, Error> {
        match self.connection.query_opt(sql, &[&arn]).await? {
            Some(row) => Ok(Some(self.shared.read_identity(&row).await?)),
            None => Ok(None),
        }
    }

    /// Inserts an identity.
    ///
    /// # Errors
    /// `EntityAlreadyExistsException` if the account has one of its kind and name, in whatever
    /// letters; those of the database.
    pub async fn insert_identity(&self, identity: &Identity) -> Result<(), Error> {
        let texts = texts(identity)?;
        let mac = self.shared.mac(mac_bytes(identity, &texts)).await?;
        let (account, kind) = (identity.account.as_str(), identity.kind.as_str());
        let created = micros(identity.created);
        let management = identity.management.then_some(true);
        let params: Params<'_> = &[
            &identity.row,
            &identity.arn,
            &account,
            &kind,
            &identity.name,
            &identity.unique_id,
            &texts[0],
            &texts[1],
            &identity.trust,
            &identity.max_session_seconds,
            &management,
            &created,
            &identity.row_version,
            &mac,
        ];
        match self.connection.execute(INSERT, params).await {
            Ok(_) => {
                self.touch(Touched::Identity(identity.arn.clone()));
                self.check_identities(&identity.account, identity.kind)
                    .await
            }
            Err(error) if error.is_duplicate() => {
                let (kind, name) = match (identity.kind, &identity.name) {
                    (IdentityKind::User, Some(name)) => ("User", name),
                    (_, Some(name)) => ("Role", name),
                    (_, None) => return Err(error.into()),
                };
                let message = format!("{kind} with name {name} already exists.");
                Err(Error::new(ErrorCode::EntityAlreadyExists, message).with_source(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes an identity's tags, policies, trust, sessions; fenced.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `identity.row_version`; those of the database.
    pub async fn update_identity(&self, identity: &Identity) -> Result<(), Error> {
        let raised = Identity {
            row_version: identity.row_version + 1,
            ..identity.clone()
        };
        let texts = texts(identity)?;
        let mac = self.shared.mac(mac_bytes(&raised, &texts)).await?;
        let (row, version) = (identity.row, identity.row_version);
        let management = identity.management.then_some(true);
        let params: Params<'_> = &[
            &row,
            &version,
            &texts[0],
            &texts[1],
            &identity.trust,
            &identity.max_session_seconds,
            &management,
            &mac,
        ];
        if self.connection.execute(UPDATE, params).await? != 1 {
            return Err(StoreError::Changed("identities::update").into());
        }
        self.changed(RowVersion::Identity(row, version));
        Ok(())
    }

    /// Removes an identity that has no access keys; fenced.
    ///
    /// # Errors
    /// As [`Transaction::update_identity`].
    pub async fn delete_identity(&self, identity: &Identity) -> Result<(), Error> {
        let (row, version) = (identity.row, identity.row_version);
        if self.connection.execute(DELETE, &[&row, &version]).await? != 1 {
            return Err(StoreError::Changed("identities::delete").into());
        }
        self.changed(RowVersion::Identity(row, version));
        Ok(())
    }
}
