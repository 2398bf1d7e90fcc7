//! Keys: what is changed.

use super::error::StoreError;
use super::keys::{key_columns, version_columns};
use super::pool::column;
use super::related;
use super::row_mac::{self, micros};
use super::touched::Touched;
use super::{Intent, Key, Micros, RowVersion, Transaction};
use crate::Error;
use crate::model::key_id::MULTI_REGION;
use crate::model::{AccountId, Region, VersionState};
use uuid::Uuid;

// The versions are read by a statement of their own: one that waits for a lock goes on with the
// snapshot from before the wait, and would miss a version that the change before it made.
const LOCK: &str = concat!(
    "/* keys::lock */ select ",
    key_columns!(),
    " from kms_key k where account = $1 and region = $2 and key_id = $3 for update"
);
// The Regions of a multi-Region key change one after the other, and whoever changes several of them
// has locked what they share before the first: no two wait for each other.
const LOCK_SET_OF: &str = "/* keys::lock_set_of */ select s.id from kms_key k \
    join material_set s on s.id = k.material_set \
    where k.account = $1 and k.region = $2 and k.key_id = $3 and k.multi_region for update of s";
pub(super) const VERSIONS: &str = concat!(
    "/* keys::versions */ select ",
    version_columns!(),
    " from key_version v where material_set = $1 order by number"
);
const INSERT_SET: &str =
    "/* keys::insert_set */ insert into material_set (id, created) values ($1, $2)";
const LOCK_RELATED: &str = concat!(
    "/* keys::lock_related */ select ",
    key_columns!(),
    " from kms_key k where material_set = $1 order by region for update"
);
const INSERT: &str = "/* keys::insert */ insert into kms_key (id, account, region, key_id, spec, \
    key_usage, origin, multi_region, material_set, created, state, description, policy, tags, \
    deletion, current_version, key_store, primary_region, rotation_days, next_rotation, \
    pending_days, row_version, mac) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
    $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)";
const UPDATE: &str = "/* keys::update */ update kms_key set state = $3, description = $4, \
    policy = $5, tags = $6, deletion = $7, current_version = $8, primary_region = $9, \
    rotation_days = $10, next_rotation = $11, pending_days = $12, row_version = $2 + 1, mac = $13 \
    where id = $1 and row_version = $2";
const DELETE_ALIASES: &str = "/* keys::delete_aliases */ delete from alias \
    where account = $1 and region = $2 and key_id = $3 returning id";
// By the database's clock too, whatever the gateway's says.
const DELETE: &str = "/* keys::delete */ delete from kms_key where id = $1 and row_version = $2 \
    and state = 'PendingDeletion' and deletion <= strongroom_now()";
// Serializes those who delete the last keys of one set: each would see the other's still there.
pub(super) const LOCK_SET: &str =
    "/* keys::lock_set */ select id from material_set where id = $1 for update";
pub(super) const DELETE_VERSIONS: &str = "/* keys::delete_versions */ with gone as ( \
        delete from key_version where material_set = $1 \
        and not exists (select from kms_key k where k.material_set = $1) returning id \
    ), uncounted as (delete from gcm_reservation where version in (select id from gone)) \
    select id from gone";
pub(super) const DELETE_SET: &str = "/* keys::delete_set */ delete from material_set where id = $1 \
    and not exists (select from kms_key k where k.material_set = $1)";

impl Transaction<'_> {
    /// A key, locked for update; of a multi-Region key what its Regions share is locked first.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn lock_key(
        &self,
        account: &AccountId,
        region: &Region,
        key_id: &str,
    ) -> Result<Option<Key>, Error> {
        let params: super::pool::Params<'_> = &[&account.as_str(), &region.as_str(), &key_id];
        if key_id.starts_with(MULTI_REGION) {
            self.connection.query(LOCK_SET_OF, params).await?;
        }
        let Some(row) = self.connection.query_opt(LOCK, params).await? else {
            return Ok(None);
        };
        let mut key = self.shared.read_key(&row).await?;
        let versions = self
            .connection
            .query(VERSIONS, &[&key.material_set])
            .await?;
        self.shared.read_versions(&mut key, &versions).await?;
        Ok(Some(key))
    }

    /// Inserts a key, its material set and its first version, and removes the version's intent.
    ///
    /// # Errors
    /// [`StoreError::IntentLost`] if the intent is gone or was taken over: the object on the token
    /// may be gone as well. `LimitExceededException`; those of the database.
    pub async fn insert_key(&self, key: &Key) -> Result<(), Error> {
        self.connection
            .execute(INSERT_SET, &[&key.material_set, &key.created.time()])
            .await?;
        for version in &key.versions {
            match version.state {
                // Nothing was made of it on the token.
                _ if version.is_adopted() => self.insert_adopted(key, version).await?,
                VersionState::PendingImport => self.insert_version(key, version).await?,
                _ => self.add_version(key, version).await?,
            }
        }
        self.insert_row(key).await
    }

    /// Inserts a key whose material is there already, unless its account has as many as it may have.
    pub(super) async fn insert_row(&self, key: &Key) -> Result<(), Error> {
        let mac = self.shared.mac(row_mac::key(key)).await?;
        self.connection
            .execute(
                INSERT,
                &[
                    &key.row,
                    &key.account.as_str(),
                    &key.region.as_str(),
                    &key.key_id.as_str(),
                    &key.spec.as_str(),
                    &key.usage.as_str(),
                    &key.origin.as_str(),
                    &key.multi_region,
                    &key.material_set,
                    &key.created.time(),
                    &key.state.as_str(),
                    &key.description,
                    &&*key.policy,
                    &tags(key),
                    &key.deletion.map(micros),
                    &key.current_version,
                    &key.key_store,
                    &key.primary_region.as_ref().map(Region::as_str),
                    &key.rotation_days,
                    &key.next_rotation.map(Micros::time),
                    &key.pending_days,
                    &key.row_version,
                    &mac,
                ],
            )
            .await?;
        self.check_keys(&key.account, &key.region).await
    }

    /// Every key that has this key's material, in the order of their Regions, itself included;
    /// locked for update, as it must be before a version of theirs is added or changed.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn lock_related(&self, key: &Key) -> Result<Vec<Key>, Error> {
        let connection = self.connection;
        connection.query(LOCK_SET, &[&key.material_set]).await?;
        let rows = connection.query(LOCK_RELATED, &[&key.material_set]).await?;
        let versions = connection.query(VERSIONS, &[&key.material_set]).await?;
        let mut related = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut key = self.shared.read_key(row).await?;
            self.shared.read_versions(&mut key, &versions).await?;
            related.push(key);
        }
        related::agree(&related)?;
        Ok(related)
    }

    /// Writes a changed key; raises its version; NOTIFYs; the change is fenced. Its versions
    /// are written by [`Transaction::update_version`].
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the row no longer has `key.row_version`; those of the database.
    pub async fn update_key(&self, key: &Key) -> Result<(), Error> {
        let raised = Key {
            row_version: key.row_version + 1,
            ..key.clone()
        };
        let mac = self.shared.mac(row_mac::key(&raised)).await?;
        let updated = self
            .connection
            .execute(
                UPDATE,
                &[
                    &key.row,
                    &key.row_version,
                    &key.state.as_str(),
                    &key.description,
                    &&*key.policy,
                    &tags(key),
                    &key.deletion.map(micros),
                    &key.current_version,
                    &key.primary_region.as_ref().map(Region::as_str),
                    &key.rotation_days,
                    &key.next_rotation.map(Micros::time),
                    &key.pending_days,
                    &mac,
                ],
            )
            .await?;
        if updated != 1 {
            return Err(StoreError::Changed("keys::update").into());
        }
        self.changed(RowVersion::Key(key.row, key.row_version));
        Ok(())
    }

    /// Removes a key that is pending deletion and due by the database's clock, with its aliases,
    /// and leaves a `destroy` intent for each version, unless a key in another Region still has
    /// them. Fenced. The intents are nobody's; their lease gives the caller time to do the work
    /// before a worker does.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the key is not as it was read, not pending deletion or not due;
    /// those of the database.
    pub async fn delete_key(&self, key: &Key) -> Result<Vec<Intent>, Error> {
        let (account, region) = (key.account.as_str(), key.region.as_str());
        let aliases = self
            .connection
            .query(DELETE_ALIASES, &[&account, &region, &key.key_id.as_str()])
            .await?;
        for alias in &aliases {
            self.touch(Touched::Row(column(alias, "id")?));
        }
        self.connection
            .query(LOCK_SET, &[&key.material_set])
            .await?;
        let deleted = self
            .connection
            .execute(DELETE, &[&key.row, &key.row_version])
            .await?;
        if deleted != 1 {
            return Err(StoreError::Changed("keys::delete").into());
        }
        self.changed(RowVersion::Key(key.row, key.row_version));
        let versions = self
            .connection
            .query(DELETE_VERSIONS, &[&key.material_set])
            .await?;
        self.connection
            .execute(DELETE_SET, &[&key.material_set])
            .await?;
        for row in &versions {
            let id: Uuid = column(row, "id")?;
            // As it was read: an intent has a MAC, and must not get it for what has none.
            let version = key.version(id);
            let version = version.ok_or(StoreError::Changed("keys::delete_versions"))?;
            // A version that has yet to be imported is on no token.
            if version.state != VersionState::PendingImport {
                self.leave(version).await?;
            }
        }
        Ok(self.left())
    }
}

fn tags(key: &Key) -> serde_json::Value {
    let tags = key.tags.iter();
    tags.map(|(name, value)| (name.clone(), value.clone().into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
