//! What `strongroom reconcile` reads and repairs: rows as they are, also those that are refused.

use super::error::StoreError;
use super::key_changes::{DELETE_SET, DELETE_VERSIONS, LOCK_SET, VERSIONS};
use super::keys::{key_columns, version_columns};
use super::pool::{Connection, column};
use super::{
    Intent, Key, KeyVersion, Shared, Store, Transaction, access_keys, accounts, aliases, approvals,
    grants, identities, intents, key_stores,
};
use crate::Error;
use crate::model::{AccountId, VersionState};
use std::collections::BTreeSet;
use tokio_postgres::Row;
use uuid::Uuid;

/// Rows read in one statement.
pub(super) const PAGE: i64 = 1000;

const PAGE_OF_VERSIONS: &str = concat!(
    "/* reconcile::versions */ select ",
    version_columns!(),
    " from key_version v where v.id > $1 order by v.id limit $2"
);
const VERSION: &str = concat!(
    "/* reconcile::version */ select ",
    version_columns!(),
    " from key_version v where v.id = $1"
);
const KEYS_OF_SETS: &str = concat!(
    "/* reconcile::keys_of_sets */ select ",
    key_columns!(),
    " from kms_key k where k.material_set = any($1)"
);
pub(super) const KEYS: &str = concat!(
    "/* reconcile::keys */ select ",
    key_columns!(),
    " from kms_key k where k.id > $1 order by k.id limit $2"
);
const OTHER_TOKENS: &str = "/* reconcile::serials */ select distinct token_serial from key_version \
    where token_serial <> '' and token_serial not in \
    (select token_serial from key_store where token_serial is not null)";
// Also of what has not been counted yet: it may have been, after the backup.
const COUNT_GCM: &str = "/* reconcile::count_gcm */
    insert into gcm_reservation as g (version, reserved)
    select version, least($2, 4294967296) from (
        select id as version from key_version where spec = 'SYMMETRIC_DEFAULT'
        union select version from gcm_reservation
        union select $1
    ) as counted
    on conflict (version) do update set reserved = least(g.reserved + $2, 4294967296)";

/// A key version, and the keys that have it.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// The version's id.
    pub id: Uuid,
    /// Its material set.
    pub material_set: Uuid,
    /// `None` where the row does not verify.
    pub version: Option<KeyVersion>,
    /// The records that have it, one a Region; those that verify, without their versions.
    pub keys: Vec<Key>,
    /// Whether there is any record.
    pub has_record: bool,
}

/// An intent, and what speaks against acting on it.
#[derive(Debug, Clone)]
pub struct IntentRow {
    /// As it is written.
    pub intent: Intent,
    /// Whether its MAC verifies.
    pub genuine: bool,
    /// Whether a key has the object that it is about.
    pub in_use: bool,
}

/// A row that does not verify, or does not even parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its table.
    pub table: &'static str,
    /// Its id there.
    pub id: Uuid,
}

/// `None` for a row that is refused.
pub(super) fn genuine<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if error
                .cause::<StoreError>()
                .is_some_and(StoreError::is_row_mac) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl Shared {
    /// The rows of a table, whose statement takes pages of it, that `read` refuses.
    async fn refused_of(
        &self,
        connection: &Connection,
        table: &'static str,
        page: &'static str,
        read: impl AsyncFn(&Row) -> Result<(), Error>,
    ) -> Result<Vec<RefusedRow>, Error> {
        let (mut refused, mut after) = (Vec::new(), Uuid::nil());
        loop {
            let rows = connection.query(page, &[&after, &PAGE]).await?;
            let Some(last) = rows.last() else {
                return Ok(refused);
            };
            after = column(last, "id")?;
            for row in &rows {
                if genuine(read(row).await)?.is_none() {
                    let id = column(row, "id")?;
                    refused.push(RefusedRow { table, id });
                }
            }
        }
    }
}

impl Store {
    /// So many key versions after `after` in the order of their ids, with the keys that have them.
    ///
    /// # Errors
    /// Those of the database and of the seal.
    pub async fn version_rows(&self, after: Uuid, limit: i64) -> Result<Vec<VersionRow>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection
            .query(PAGE_OF_VERSIONS, &[&after, &limit])
            .await?;
        self.with_keys(&connection, rows).await
    }

    /// One key version, with the keys that have it.
    ///
    /// # Errors
    /// Those of the database and of the seal.
    pub async fn version_row(&self, id: Uuid) -> Result<Option<VersionRow>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(VERSION, &[&id]).await?;
        Ok(self.with_keys(&connection, rows).await?.pop())
    }

    async fn with_keys(
        &self,
        connection: &Connection,
        rows: Vec<Row>,
    ) -> Result<Vec<VersionRow>, Error> {
        let shared = &self.shared;
        let mut versions = Vec::with_capacity(rows.len());
        for row in &rows {
            let read = genuine(shared.read_version(row).await)?;
            versions.push(VersionRow {
                id: column(row, "v_id")?,
                material_set: column(row, "v_material_set")?,
                version: read.map(|(version, ..)| version),
                keys: Vec::new(),
                has_record: false,
            });
        }
        let sets: BTreeSet<Uuid> = versions.iter().map(|row| row.material_set).collect();
        let sets: Vec<Uuid> = sets.into_iter().collect();
        for row in connection.query(KEYS_OF_SETS, &[&sets]).await? {
            let set: Uuid = column(&row, "material_set")?;
            let key = genuine(shared.read_key(&row).await)?;
            for version in versions.iter_mut().filter(|v| v.material_set == set) {
                version.has_record = true;
                version.keys.extend(key.clone());
            }
        }
        Ok(versions)
    }

    /// Every intent.
    ///
    /// # Errors
    /// Those of the database and of the seal.
    pub async fn intent_rows(&self) -> Result<Vec<IntentRow>, Error> {
        let connection = self.shared.connections.get().await?;
        let mut intents = Vec::new();
        for row in connection.query(intents::LIST, &[]).await? {
            let intent = intents::read(&row)?;
            let checked = self.shared.check_intent(&intent, &row).await;
            intents.push(IntentRow {
                genuine: genuine(checked)?.is_some(),
                in_use: column(&row, "in_use")?,
                intent,
            });
        }
        Ok(intents)
    }

    /// The rows of every other table that do not verify.
    ///
    /// # Errors
    /// Those of the database and of the seal.
    pub async fn refused_rows(&self) -> Result<Vec<RefusedRow>, Error> {
        let shared = &*self.shared;
        let connection = shared.connections.get().await?;
        let c = &connection;
        let keys = shared.refused_of(c, "kms_key", KEYS, async |row| {
            shared.read_key(row).await.map(drop)
        });
        let aliases = shared.refused_of(c, "alias", aliases::PAGE, async |row| {
            shared.read_alias(row).await.map(drop)
        });
        let grants = shared.refused_of(c, "kms_grant", grants::PAGE, async |row| {
            shared.read_grant(row).await.map(drop)
        });
        let identities = shared.refused_of(c, "principal", identities::PAGE, async |row| {
            shared.read_identity(row).await.map(drop)
        });
        let access_keys = shared.refused_of(c, "access_key", access_keys::PAGE, async |row| {
            shared.read_access_key(row).await.map(drop)
        });
        let stores = shared.refused_of(c, "key_store", key_stores::PAGE, async |row| {
            shared.read_key_store(row).await.map(drop)
        });
        let requests = shared.refused_of(c, "approval_request", approvals::PAGE, async |row| {
            shared.read_approval_request(row, c).await.map(drop)
        });
        let mut refused = keys.await?;
        refused.extend(aliases.await?);
        refused.extend(grants.await?);
        refused.extend(identities.await?);
        refused.extend(access_keys.await?);
        refused.extend(stores.await?);
        refused.extend(requests.await?);
        Ok(refused)
    }

    /// The serial numbers of the tokens that key versions are on, but for those of custom key stores.
    /// Nothing is verified: who calls has yet to find out whether it can be.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn home_serials(&self) -> Result<Vec<String>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(OTHER_TOKENS, &[]).await?;
        rows.iter().map(|row| column(row, "token_serial")).collect()
    }

    /// The account that administers the deployment.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify, or where there is none.
    pub async fn management_account(&self) -> Result<AccountId, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(accounts::MANAGEMENT, &[]).await?;
        Ok(self.shared.read_identity(&row).await?.account)
    }
}

impl Transaction<'_> {
    /// Removes the versions of a material set that no key has, and leaves their objects.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if a key has it after all; internal for a row that does not verify;
    /// those of the database.
    pub async fn delete_material_set(&self, set: Uuid) -> Result<(), Error> {
        let connection = self.connection;
        connection.query(LOCK_SET, &[&set]).await?;
        let mut versions = Vec::new();
        for row in connection.query(VERSIONS, &[&set]).await? {
            versions.push(self.shared.read_version(&row).await?.0);
        }
        let gone = connection.query(DELETE_VERSIONS, &[&set]).await?;
        if versions.is_empty() || gone.len() != versions.len() {
            return Err(StoreError::Changed("reconcile::delete_material_set").into());
        }
        connection.execute(DELETE_SET, &[&set]).await?;
        for version in &versions {
            if version.state != VersionState::PendingImport {
                self.leave(version).await?;
            }
        }
        Ok(())
    }

    /// Removes an intent, whatever became of what it is about.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forget_intent(&self, version: Uuid) -> Result<(), Error> {
        self.connection.execute(intents::DROP, &[&version]).await?;
        Ok(())
    }

    /// Counts more GCM encryptions of every key version that makes any, and of one more that no row
    /// has: those that a restored database does not know of.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn add_gcm_invocations(&self, more: u32, and_of: Uuid) -> Result<u64, Error> {
        let more = i64::from(more);
        Ok(self
            .connection
            .execute(COUNT_GCM, &[&and_of, &more])
            .await?)
    }
}
