//! Postgres: the only user of `tokio_postgres`. What is known about the keys, never the keys.

mod record;

pub use record::*;

use crate::Error;
use crate::model::{AccountId, Region};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Where Postgres is.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// A libpq connection string or URL; may hold a password.
    pub url: secrecy::SecretString,
    /// Connections in the pool.
    pub connections: usize,
    /// How long anything may wait for Postgres: a connection, a statement, a commit.
    pub deadline: Duration,
    /// Keys, aliases and access keys kept in memory.
    pub cache_entries: usize,
}

/// Makes row MACs; the gateway implements it with a key on the token. `store` does not know `token`.
pub trait RowSeal: Send + Sync + 'static {
    /// The MAC of a row's canonical bytes.
    fn mac(&self, row: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>>;
    /// Whether `mac` is the MAC of the row, compared in constant time.
    fn verify(&self, row: Vec<u8>, mac: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>>;
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {}

/// A transaction in progress; made by [`Store::transaction`] alone. Its verbs lock what they read
/// `for update`, make and check row MACs, and raise row versions.
pub struct Transaction<'t> {
    _client: &'t (),
}

/// A record for the audit log, and the rows its result was computed from.
#[derive(Debug)]
pub struct Entry {
    /// Identifies the record; the request id.
    pub request_id: Uuid,
    /// The record's exact bytes.
    pub record: Vec<u8>,
    /// Rows that must still have these versions: else the record is not written.
    pub uses: Vec<RowVersion>,
}

/// Whether an [`Entry`] is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is.
    Durable,
    /// A row that it used has changed since: nothing was written; the rows are out of the cache.
    Stale,
}

impl Store {
    /// Brings the schema up to date (refinery, `sql/`), under an advisory lock; makes the
    /// deployment row. Answers the deployment's id. Needs no row seal.
    pub async fn migrate(_config: &StoreConfig) -> Result<Uuid, Error> {
        todo!()
    }
    /// Opens the pool on the current tokio runtime, starts the listener that keeps the cache fresh;
    /// refuses a schema that is not exactly this build's.
    pub async fn open(_config: StoreConfig) -> Result<Self, Error> {
        todo!()
    }
    /// The deployment's id, from its row.
    pub fn deployment(&self) -> Uuid {
        todo!()
    }
    /// Gives the store the key it checks rows with: once, before any row is read.
    pub fn set_seal(&self, _seal: Arc<dyn RowSeal>) {
        todo!()
    }
    /// `SELECT 1`, for readiness.
    pub async fn ping(&self) -> Result<(), Error> {
        todo!()
    }
    /// Server version and schema version, for doctor.
    pub async fn versions(&self) -> Result<(String, i32), Error> {
        todo!()
    }

    /// Runs `work` in a transaction (serializable rows by lock, READ COMMITTED), retried on
    /// SQLSTATE 40001 and 40P01 a bounded number of times. What `work` returns as `Err` rolls back.
    /// A change of rows that decide is committed under the fence (see `commit_group`).
    pub async fn transaction<T: Send>(
        &self,
        _name: &'static str,
        _work: impl for<'t> Fn(&'t Transaction<'t>) -> BoxFuture<'t, Result<T, Error>> + Send + Sync,
    ) -> Result<T, Error> {
        todo!()
    }

    /// Writes a group of entries in one commit: each whose `uses` still hold, none of the others.
    /// Runs under the fence's shared half, so that once a change has been answered no group
    /// commits on what it replaced.
    pub async fn commit_group(&self, _entries: &[Entry]) -> Result<Vec<Committed>, Error> {
        todo!()
    }

    /// A key by its id; cached; row MACs verified. `Ok(None)` if there is no such row.
    pub async fn key(
        &self,
        _account: &AccountId,
        _region: &Region,
        _key_id: &str,
    ) -> Result<Option<Arc<Key>>, Error> {
        todo!()
    }
    /// An alias (name with its `alias/`); cached.
    pub async fn alias(
        &self,
        _account: &AccountId,
        _region: &Region,
        _name: &str,
    ) -> Result<Option<Arc<Alias>>, Error> {
        todo!()
    }
    /// The key in `region` that a key version belongs to; cached.
    pub async fn key_of_version(
        &self,
        _region: &Region,
        _version: Uuid,
    ) -> Result<Option<Arc<Key>>, Error> {
        todo!()
    }
    /// An access key; cached, and so (bounded, briefly) is the absence of one.
    pub async fn access_key(&self, _id: &str) -> Result<Option<Arc<AccessKey>>, Error> {
        todo!()
    }
    /// Keys after `after` in the order of their ids, at most `limit`.
    pub async fn list_keys(
        &self,
        _account: &AccountId,
        _region: &Region,
        _after: Option<&str>,
        _limit: i64,
    ) -> Result<Vec<String>, Error> {
        todo!()
    }
    /// Aliases after `after` in the order of their names, at most `limit`; of one key if given.
    pub async fn list_aliases(
        &self,
        _account: &AccountId,
        _region: &Region,
        _key_id: Option<&str>,
        _after: Option<&str>,
        _limit: i64,
    ) -> Result<Vec<Alias>, Error> {
        todo!()
    }

    /// Counts one GCM encryption under `version` against the block reserved by this gateway,
    /// reserving the next block where it is used up.
    /// # Errors: `LimitExceeded` once 2^32 would be passed.
    pub async fn count_gcm_invocation(&self, _version: Uuid) -> Result<(), Error> {
        todo!()
    }

    /// Records what is about to be done to the token: own transaction, durable when it returns.
    pub async fn begin_intent(&self, _intent: &Intent) -> Result<(), Error> {
        todo!()
    }
    /// Removes an intent whose work was undone.
    pub async fn drop_intent(&self, _version: Uuid) -> Result<(), Error> {
        todo!()
    }
    /// Takes over intents whose lease is past by the database's clock (and extends their lease).
    pub async fn claim_intents(
        &self,
        _owner: Uuid,
        _lease: Duration,
        _limit: i64,
    ) -> Result<Vec<Intent>, Error> {
        todo!()
    }
    /// Every intent, for doctor.
    pub async fn intents(&self) -> Result<Vec<Intent>, Error> {
        todo!()
    }
    /// Keys in PendingDeletion whose date is past by the database's clock.
    pub async fn due_deletions(
        &self,
        _limit: i64,
    ) -> Result<Vec<(AccountId, Region, String)>, Error> {
        todo!()
    }
    /// The database's clock.
    pub async fn now(&self) -> Result<time::OffsetDateTime, Error> {
        todo!()
    }
    /// Which of these key versions no row (version or intent) knows, for doctor.
    pub async fn unknown_versions(&self, _ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
        todo!()
    }
    /// Every key version with the serial of its token, for doctor; at most `limit` after `after`.
    pub async fn versions_on_tokens(
        &self,
        _after: Option<Uuid>,
        _limit: i64,
    ) -> Result<Vec<(Uuid, String)>, Error> {
        todo!()
    }
}

impl<'t> Transaction<'t> {
    /// Inserts the audit record of the change, in the same transaction.
    pub async fn record(&self, _request_id: Uuid, _record: &[u8]) -> Result<(), Error> {
        todo!()
    }
    /// A key, locked for update.
    pub async fn lock_key(
        &self,
        _account: &AccountId,
        _region: &Region,
        _key_id: &str,
    ) -> Result<Option<Key>, Error> {
        todo!()
    }
    /// An access key as it is now, so that a change by a disabled one is refused.
    pub async fn lock_access_key(&self, _id: &str) -> Result<Option<AccessKey>, Error> {
        todo!()
    }
    /// Inserts a key, its material set and its first version, and removes the version's intent.
    pub async fn insert_key(&self, _key: &Key) -> Result<(), Error> {
        todo!()
    }
    /// Writes a changed key; raises its version; NOTIFYs; the change is fenced.
    pub async fn update_key(&self, _key: &Key) -> Result<(), Error> {
        todo!()
    }
    /// Removes a key that is pending deletion and leaves a `destroy` intent for each version.
    pub async fn delete_key(&self, _key: &Key) -> Result<Vec<Intent>, Error> {
        todo!()
    }
    /// An alias, locked for update.
    pub async fn lock_alias(
        &self,
        _account: &AccountId,
        _region: &Region,
        _name: &str,
    ) -> Result<Option<Alias>, Error> {
        todo!()
    }
    /// Inserts an alias; `AlreadyExistsException` in AWS's words if there is one.
    pub async fn insert_alias(&self, _alias: &Alias) -> Result<(), Error> {
        todo!()
    }
    /// Points an alias at another key; fenced.
    pub async fn update_alias(&self, _alias: &Alias) -> Result<(), Error> {
        todo!()
    }
    /// Removes an alias; fenced.
    pub async fn delete_alias(&self, _alias: &Alias) -> Result<(), Error> {
        todo!()
    }
    /// Inserts an account with its root principal unless it exists. Answers whether it was made.
    pub async fn ensure_account(&self, _account: &AccountId) -> Result<bool, Error> {
        todo!()
    }
    /// Inserts an access key (the root's first one at `init`).
    pub async fn insert_access_key(&self, _key: &AccessKey) -> Result<(), Error> {
        todo!()
    }
    /// Replaces the wrapped secret of an access key, or its status; fenced.
    pub async fn update_access_key(&self, _key: &AccessKey) -> Result<(), Error> {
        todo!()
    }
    /// The access keys of an account, for `init`.
    pub async fn access_keys(&self, _account: &AccountId) -> Result<Vec<AccessKey>, Error> {
        todo!()
    }
    /// Holds the deployment's advisory lock until the transaction ends: `init` runs once at a time.
    pub async fn lock_deployment(&self) -> Result<(), Error> {
        todo!()
    }
    /// Removes the intent of a version, its work being done.
    pub async fn finish_intent(&self, _version: Uuid) -> Result<(), Error> {
        todo!()
    }
}
