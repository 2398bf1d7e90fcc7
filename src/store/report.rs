//! What `strongroom report` reads of the rows: all of them, as they are at one moment.

use super::keys::version_columns;
use super::pool::{Connection, column};
use super::reconcile::{KEYS, PAGE, genuine};
use super::{
    AccessKey, AccessKeyUse, Alias, Grant, Identity, Key, KeyVersion, Shared, Store, access_keys,
    aliases, grants, identities,
};
use crate::Error;
use crate::model::Region;
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

const BEGIN: &str = "/* report::begin */ begin isolation level repeatable read read only";
const COMMIT: &str = "/* report::commit */ commit";
const NOW: &str = "/* report::now */ \
    select strongroom_now() as now, usage_since from deployment";
const VERSIONS: &str = concat!(
    "/* report::versions */ select ",
    version_columns!(),
    " from key_version v where v.material_set = any($1) order by v.number"
);
const KEY_USES: &str = "/* report::key_uses */ \
    select key, operation, used from key_usage where key > $1 order by key limit $2";
const ACCESS_KEY_USES: &str = "/* report::access_key_uses */ select access_key, used, service, \
    region from access_key_usage where access_key > $1 order by access_key limit $2";

/// The metadata at one moment, but for rows that do not verify.
#[derive(Debug)]
pub struct Metadata {
    /// When, by the database's clock.
    pub at: OffsetDateTime,
    /// Since when uses of keys are noted.
    pub usage_since: OffsetDateTime,
    /// Keys, each with its versions.
    pub keys: Vec<Key>,
    /// The last use of a key, by its row: what it was for, and when.
    pub key_uses: BTreeMap<Uuid, (String, OffsetDateTime)>,
    /// Aliases.
    pub aliases: Vec<Alias>,
    /// Grants.
    pub grants: Vec<Grant>,
    /// Roots, users and roles.
    pub identities: Vec<Identity>,
    /// Access keys.
    pub access_keys: Vec<AccessKey>,
    /// The last use of an access key, by its row.
    pub access_key_uses: BTreeMap<Uuid, AccessKeyUse>,
}

impl Shared {
    /// The rows of a table, whose statement takes pages of it, that verify.
    async fn all<T>(
        &self,
        connection: &Connection,
        page: &'static str,
        read: impl AsyncFn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let each = async |row: &Row| {
            all.extend(genuine(read(row).await)?);
            Ok(())
        };
        pages(connection, page, "id", each).await?;
        Ok(all)
    }

    /// Keys with those of their versions that verify.
    async fn keys_and_versions(&self, connection: &Connection) -> Result<Vec<Key>, Error> {
        let read = async |row: &Row| self.read_key(row).await;
        let mut keys = self.all(connection, KEYS, read).await?;
        for some in keys.chunks_mut(PAGE as usize) {
            let sets: BTreeSet<Uuid> = some.iter().map(|key| key.material_set).collect();
            let sets: Vec<Uuid> = sets.into_iter().collect();
            let mut versions: BTreeMap<Uuid, Vec<KeyVersion>> = BTreeMap::new();
            for row in connection.query(VERSIONS, &[&sets]).await? {
                if let Some((version, set, _)) = genuine(self.read_version(&row).await)? {
                    versions.entry(set).or_default().push(version);
                }
            }
            for key in some {
                let of_set = versions.get(&key.material_set);
                key.versions = of_set.cloned().unwrap_or_default().into();
            }
        }
        Ok(keys)
    }
}

/// Every row of a table, a page at a time.
async fn pages(
    connection: &Connection,
    page: &'static str,
    id: &'static str,
    mut each: impl AsyncFnMut(&Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = Uuid::nil();
    loop {
        let rows = connection.query(page, &[&after, &PAGE]).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = column(last, id)?;
        for row in &rows {
            each(row).await?;
        }
    }
}

async fn key_uses(
    connection: &Connection,
) -> Result<BTreeMap<Uuid, (String, OffsetDateTime)>, Error> {
    let mut uses = BTreeMap::new();
    let each = async |row: &Row| {
        let used = (column(row, "operation")?, column(row, "used")?);
        uses.insert(column(row, "key")?, used);
        Ok(())
    };
    pages(connection, KEY_USES, "key", each).await?;
    Ok(uses)
}

async fn access_key_uses(connection: &Connection) -> Result<BTreeMap<Uuid, AccessKeyUse>, Error> {
    let mut uses = BTreeMap::new();
    let each = async |row: &Row| {
        // A text that means nothing was not written by a gateway, and is as good as none.
        if let Some(region) = Region::parse(column(row, "region")?) {
            let service: String = column(row, "service")?;
            let used = AccessKeyUse {
                at: column(row, "used")?,
                service: service.into(),
                region,
            };
            uses.insert(column(row, "access_key")?, used);
        }
        Ok(())
    };
    pages(connection, ACCESS_KEY_USES, "access_key", each).await?;
    Ok(uses)
}

impl Store {
    /// Reads all of it, in one snapshot.
    ///
    /// # Errors
    /// Those of the database and of the seal.
    pub async fn metadata(&self) -> Result<Metadata, Error> {
        let shared = &*self.shared;
        let connection = shared.connections.get().await?;
        // Only a transaction that has ended gives its connection back.
        connection.discard(true);
        connection.batch(BEGIN).await?;
        let c = &connection;
        let now = c.query_one(NOW, &[]).await?;
        let alias = async |row: &Row| shared.read_alias(row).await;
        let grant = async |row: &Row| shared.read_grant(row).await;
        let identity = async |row: &Row| shared.read_identity(row).await;
        let access_key = async |row: &Row| shared.read_access_key(row).await;
        let metadata = Metadata {
            at: column(&now, "now")?,
            usage_since: column(&now, "usage_since")?,
            keys: shared.keys_and_versions(c).await?,
            key_uses: key_uses(c).await?,
            aliases: shared.all(c, aliases::PAGE, alias).await?,
            grants: shared.all(c, grants::PAGE, grant).await?,
            identities: shared.all(c, identities::PAGE, identity).await?,
            access_keys: shared.all(c, access_keys::PAGE, access_key).await?,
            access_key_uses: access_key_uses(c).await?,
        };
        connection.batch(COMMIT).await?;
        connection.discard(false);
        Ok(metadata)
    }
}
