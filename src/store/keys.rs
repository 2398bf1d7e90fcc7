//! Keys and their versions: what is read.

use super::cache::Address;
use super::key_at::KeyAt;
use super::pool::column;
use super::row_mac::{self, refused};
use super::{Key, KeyProfile, KeyVersion, Micros, Shared, Store, VersionProfile};
use crate::Error;
use crate::model::{AccountId, BareKeyId, KeySpec, Region};
use futures_util::FutureExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

macro_rules! key_columns {
    () => {
        "k.id, k.row_version, k.account, k.region, k.key_id, k.spec, k.key_usage, k.origin, \
         k.multi_region, k.material_set, k.created, k.state, k.description, k.policy, k.tags, \
         k.deletion, k.current_version, k.key_store, k.primary_region, k.rotation_days, \
         k.next_rotation, k.pending_days, k.mac"
    };
}
macro_rules! version_columns {
    () => {
        "v.id as v_id, v.row_version as v_row_version, v.material_set as v_material_set, \
         v.number as v_number, v.spec as v_spec, v.token_serial as v_token_serial, \
         v.object_id as v_object_id, \
         v.public_key as v_public_key, v.birth as v_birth, v.created as v_created, \
         v.state as v_state, v.valid_to as v_valid_to, v.description as v_description, \
         v.rotation as v_rotation, v.rotated as v_rotated, v.verifier as v_verifier, \
         v.mac as v_mac"
    };
}
pub(super) use {key_columns, version_columns};

// Key and versions in one statement, and so in one snapshot.
const GET: &str = concat!(
    "/* keys::get */ select ",
    key_columns!(),
    ", ",
    version_columns!(),
    " from kms_key k join key_version v on v.material_set = k.material_set \
     where k.account = $1 and k.region = $2 and k.key_id = $3 order by v.number"
);
const OF_VERSION: &str = concat!(
    "/* keys::of_version */ select ",
    key_columns!(),
    ", ",
    version_columns!(),
    " from key_version w join kms_key k on k.material_set = w.material_set and k.region = $1 \
     join key_version v on v.material_set = k.material_set where w.id = $2 order by v.number"
);
const LIST: &str = "/* keys::list */ select key_id from kms_key \
    where account = $1 and region = $2 and key_id > $3 \
    order by key_id limit $4";
// Those that wait for their custom key store are left out, or so many of them would keep all the
// others waiting as well.
const DUE: &str = "/* keys::due */ select account, region, key_id from kms_key k \
    where state = 'PendingDeletion' and deletion <= (select strongroom_now()) \
    and (key_store is null or exists (select from key_store s \
        where s.id = k.key_store and s.state = 'CONNECTED')) \
    order by deletion limit $1";

/// Account and Region as columns, which are what these were written as.
pub(super) fn place(
    row: &Row,
    table: &'static str,
    id: &str,
) -> Result<(AccountId, Region), Error> {
    Ok((
        AccountId::parse(column(row, "account")?).ok_or_else(|| refused(table, id))?,
        Region::parse(column(row, "region")?).ok_or_else(|| refused(table, id))?,
    ))
}

/// A key's account, Region and id.
pub(super) fn address(row: &Row) -> Result<(AccountId, Region, String), Error> {
    let key_id: String = column(row, "key_id")?;
    let (account, region) = place(row, "kms_key", &key_id)?;
    Ok((account, region, key_id))
}

/// What the text of a column means; a text that means nothing was not written by a gateway.
pub(super) fn parsed<T: FromStr>(
    row: &Row,
    name: &'static str,
    table: &'static str,
    id: &str,
) -> Result<T, Error> {
    let text: &str = column(row, name)?;
    text.parse().map_err(|_| refused(table, id))
}

/// The same, of a column that may be null; `Err` for a text that means nothing.
pub(super) fn optional<T>(
    row: &Row,
    name: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, ()> {
    let text: Option<&str> = column(row, name).map_err(drop)?;
    text.map(|text| parse(text).ok_or(())).transpose()
}

impl Shared {
    /// A key without its versions.
    pub(super) async fn read_key(&self, row: &Row) -> Result<Key, Error> {
        const TABLE: &str = "kms_key";
        let id: Uuid = column(row, "id")?;
        let named = id.to_string();
        let (account, region) = place(row, TABLE, &named)?;
        let tags: serde_json::Value = column(row, "tags")?;
        let tags: BTreeMap<String, String> =
            serde_json::from_value(tags).map_err(|_| refused(TABLE, &named))?;
        let key_id = BareKeyId::parse(column(row, "key_id")?);
        let policy: &str = column(row, "policy")?;
        let profile = KeyProfile {
            account,
            region,
            spec: parsed(row, "spec", TABLE, &named)?,
            usage: parsed(row, "key_usage", TABLE, &named)?,
            origin: parsed(row, "origin", TABLE, &named)?,
            description: column(row, "description")?,
            policy: policy.into(),
            tags,
            deletion: column(row, "deletion")?,
            key_store: column(row, "key_store")?,
            multi_region: column(row, "multi_region")?,
            primary_region: optional(row, "primary_region", Region::parse)
                .map_err(|()| refused(TABLE, &named))?,
            rotation_days: column(row, "rotation_days")?,
            pending_days: column(row, "pending_days")?,
        };
        let next_rotation: Option<OffsetDateTime> = column(row, "next_rotation")?;
        let mut key = Key {
            row: id,
            row_version: column(row, "row_version")?,
            key_id: key_id.ok_or_else(|| refused(TABLE, &named))?,
            state: parsed(row, "state", TABLE, &named)?,
            created: column::<OffsetDateTime>(row, "created")?.into(),
            next_rotation: next_rotation.map(Micros::from),
            material_set: column(row, "material_set")?,
            current_version: column(row, "current_version")?,
            versions: Vec::new().into(),
            profile: Arc::new(profile),
        };
        let mac = column(row, "mac")?;
        self.verify(TABLE, &named, row_mac::key(&key), mac).await?;
        self.alike.share(&mut key);
        Ok(key)
    }

    /// A version, with its material set and its spec, which are its key's too.
    pub(super) async fn read_version(
        &self,
        row: &Row,
    ) -> Result<(KeyVersion, Uuid, KeySpec), Error> {
        const TABLE: &str = "key_version";
        let id: Uuid = column(row, "v_id")?;
        let birth: &str = column(row, "v_birth")?;
        let public_key: Option<&[u8]> = column(row, "v_public_key")?;
        let object_id: Option<&[u8]> = column(row, "v_object_id")?;
        let spec: KeySpec = parsed(row, "v_spec", TABLE, &id.to_string())?;
        let unreadable = |()| refused(TABLE, id);
        let rotation = optional(row, "v_rotation", |text| text.parse().ok());
        let rotated: Option<OffsetDateTime> = column(row, "v_rotated")?;
        let profile = VersionProfile {
            token_serial: column(row, "v_token_serial")?,
            object_id: object_id.map(Arc::from),
            public_key: public_key.map(Arc::from),
            valid_to: column(row, "v_valid_to")?,
            description: column(row, "v_description")?,
            rotation: rotation.map_err(unreadable)?.zip(rotated),
            verifier: column(row, "v_verifier")?,
        };
        let read: Value = serde_json::from_str(birth).map_err(|_| refused(TABLE, id))?;
        let mut version = KeyVersion {
            id,
            row_version: column(row, "v_row_version")?,
            number: column(row, "v_number")?,
            state: parsed(row, "v_state", TABLE, &id.to_string())?,
            created: column::<OffsetDateTime>(row, "v_created")?.into(),
            birth: read.into(),
            profile: Arc::new(profile),
        };
        let set: Uuid = column(row, "v_material_set")?;
        let bytes = row_mac::key_version(set, spec, &version, birth);
        self.verify(TABLE, &id, bytes, column(row, "v_mac")?)
            .await?;
        self.alike.share_version(&mut version);
        Ok((version, set, spec))
    }

    /// Adds the versions to their key.
    pub(super) async fn read_versions(&self, key: &mut Key, rows: &[Row]) -> Result<(), Error> {
        let mut versions = Vec::with_capacity(rows.len());
        for row in rows {
            let (version, set, spec) = self.read_version(row).await?;
            // Genuine, but not this key's.
            if set != key.material_set || spec != key.spec {
                return Err(refused("key_version", version.id));
            }
            versions.push(version);
        }
        key.versions = versions.into();
        // The key's own MAC says which version is current; the version has to be there.
        match key.versions.iter().any(|v| v.id == key.current_version) {
            true => Ok(()),
            false => Err(refused("kms_key", key.row)),
        }
    }

    async fn read_whole_key(&self, rows: &[Row]) -> Result<Option<Key>, Error> {
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let mut key = self.read_key(first).await?;
        self.read_versions(&mut key, rows).await?;
        Ok(Some(key))
    }

    fn keep_key(&self, generation: u64, at: KeyAt<'_>, key: Option<Key>) -> Option<Arc<Key>> {
        let key = Arc::new(key?);
        self.cache.put_key(generation, at, &key);
        Some(key)
    }
}

impl Store {
    /// A key by its id; cached; row MACs verified. `Ok(None)` if there is no such row.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn key(
        &self,
        account: &AccountId,
        region: &Region,
        key_id: &str,
    ) -> Result<Option<Arc<Key>>, Error> {
        let shared = &self.shared;
        let at = KeyAt::Id(account, region, key_id);
        if let Some(key) = shared.cache.key(at) {
            return Ok(Some(key));
        }
        let generation = shared.cache.generation();
        let connection = shared.connections.get().await?;
        let params: super::pool::Params<'_> = &[&account.as_str(), &region.as_str(), &key_id];
        let rows = connection.query(GET, params).await?;
        drop(connection);
        let key = shared.read_whole_key(&rows).boxed().await?;
        Ok(shared.keep_key(generation, at, key))
    }

    /// The key in `region` that a key version belongs to; cached, and so is that there is none
    /// (`Cache::or_absent`).
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn key_of_version(
        &self,
        region: &Region,
        version: Uuid,
    ) -> Result<Option<Arc<Key>>, Error> {
        let shared = &self.shared;
        let at = KeyAt::Version(region, version);
        if let Some(key) = shared.cache.key(at) {
            return Ok(Some(key));
        }
        let read = async {
            let generation = shared.cache.generation();
            let connection = shared.connections.get().await?;
            let rows = connection
                .query(OF_VERSION, &[&region.as_str(), &version])
                .await?;
            drop(connection);
            let key = shared.read_whole_key(&rows).await?;
            Ok(shared.keep_key(generation, at, key))
        };
        let address = Address::Version(region.clone(), version);
        shared.cache.or_absent(address, read.boxed()).await
    }

    /// As [`Store::key`], for who is not its owner: that there is none is remembered
    /// (`Cache::or_absent`).
    ///
    /// # Errors
    /// As [`Store::key`].
    pub async fn foreign_key(
        &self,
        account: &AccountId,
        region: &Region,
        key_id: &str,
    ) -> Result<Option<Arc<Key>>, Error> {
        let cache = &self.shared.cache;
        let address = Address::Key(account.clone(), region.clone(), key_id.into());
        let read = self.key(account, region, key_id);
        cache.or_absent(address, read.boxed()).await
    }

    /// Keys after `after` in the order of their ids, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list_keys(
        &self,
        account: &AccountId,
        region: &Region,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<String>, Error> {
        let after = after.unwrap_or_default();
        let connection = self.shared.connections.get().await?;
        let params: super::pool::Params<'_> =
            &[&account.as_str(), &region.as_str(), &after, &limit];
        let rows = connection.query(LIST, params).await?;
        rows.iter().map(|row| column(row, "key_id")).collect()
    }

    /// Keys in PendingDeletion whose date is past by the database's clock. A hint where to look:
    /// whoever deletes one locks it first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn due_deletions(
        &self,
        limit: i64,
    ) -> Result<Vec<(AccountId, Region, String)>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(DUE, &[&limit]).await?;
        rows.iter().map(address).collect()
    }
}
