//! Postgres: the only user of `tokio_postgres`. What is known about the keys, never the keys.
//!
//! Reads go through a cache that may lag; the rows that a result was computed from are checked
//! again, in the same commit as its record ([`Store::commit_group`]). Changes run in a
//! [`Transaction`]. Rows that decide carry a MAC ([`RowSeal`]) and are refused without it.

mod access_key_usage;
mod access_keys;
mod accounts;
mod aliases;
mod alike;
mod approval_changes;
mod approvals;
mod audit_checkpoints;
mod audit_forward;
mod audit_log;
mod audit_reading;
mod audit_settled;
mod audit_tree;
mod cache;
mod connect;
mod error;
mod figures;
mod gcm;
mod grants;
mod grants_of;
mod identities;
mod imports;
mod intents;
mod key_at;
mod key_changes;
mod key_scan;
mod key_store_changes;
mod key_stores;
mod key_versions;
mod keys;
mod listener;
mod lists;
mod metrics;
mod migrate;
mod own_thread;
mod pool;
mod quotas;
mod reconcile;
mod record;
mod related;
mod report;
mod report_log;
mod rotations;
mod row_mac;
mod seen;
mod touched;
mod transaction;
mod usage;

pub use approval_changes::OpenRequests;
pub use approvals::Call;
pub use audit_checkpoints::{AuditFigures, Checkpoint};
pub use audit_forward::{Forward, LeafRecord};
pub use audit_reading::{AuditExtent, AuditLeaf};
pub use audit_tree::{AuditTile, Placed};
pub use error::StoreError;
pub use grants_of::Candidate;
pub use key_scan::{KeyDrift, KeyScan};
pub use quotas::{ResourceQuota, ResourceQuotas};
pub use reconcile::{IntentRow, RefusedRow, VersionRow};
pub use record::*;
pub use report::Metadata;
pub use report_log::{CheckpointsMade, LogReader, LoggedRecord, TreeState};
pub use rotations::Rotation;
pub use transaction::Transaction;

use crate::Error;
use crate::metrics::MetricFamily;
use alike::Alike;
use cache::Cache;
use futures_util::future::BoxFuture;
use listener::Listener;
use metrics::StoreMetrics;
use own_thread::OwnThread;
use pool::{Connections, column};
use std::sync::{Arc, OnceLock, RwLock};
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
    /// Keys, aliases and access keys kept in memory; and as many rows of lists, of grants and of
    /// aliases.
    pub cache_entries: usize,
    /// How much accounts may have.
    pub quotas: ResourceQuotas,
}

/// Makes row MACs; the gateway implements it with a key on the token. `store` does not know `token`.
pub trait RowSeal: Send + Sync + 'static {
    /// The MAC of a row's canonical bytes.
    fn mac(&self, row: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>>;
    /// Whether `mac` is the MAC of the row, compared in constant time.
    fn verify(&self, row: Vec<u8>, mac: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>>;
}

/// Access keys looked up in the database at once.
const ACCESS_KEY_MISSES: usize = 2;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// What the clones of a [`Store`] share.
struct Shared {
    connections: Connections,
    thread: OwnThread,
    deadline: Duration,
    deployment: Uuid,
    quotas: RwLock<ResourceQuotas>,
    seal: OnceLock<Arc<dyn RowSeal>>,
    cache: Arc<Cache>,
    seen: seen::Seen,
    alike: Alike,
    metrics: Arc<StoreMetrics>,
    gcm: gcm::Blocks,
    uses: usage::Uses<Uuid, KeyUse>,
    access_key_uses: usage::Uses<String, AccessKeyUse>,
    access_key_misses: tokio::sync::Semaphore,
    _listener: Listener,
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
    /// A row that it used has changed since: nothing was written; the row is out of the cache.
    Stale,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("deployment", &self.shared.deployment)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// What took longer than the deadline.
    fn late(&self, what: &str) -> StoreError {
        let error = StoreError::Deadline(what.into());
        self.metrics.error(&error);
        error
    }
}

impl Store {
    /// Opens the pool, starts the listener that keeps the cache fresh on the current tokio runtime;
    /// refuses a schema that is not exactly this build's.
    ///
    /// # Errors
    /// A message for the operator where the connection string or the schema is not right; those of
    /// the database.
    pub async fn open(config: StoreConfig) -> Result<Self, Error> {
        let metrics = Arc::new(StoreMetrics::new());
        let thread = OwnThread::start()?;
        let connections = Connections::new(&config, thread.handle().clone(), metrics.clone())?;
        let deployment = migrate::check(&connections.get().await?).await?;
        let cache = Arc::new(Cache::new(config.cache_entries, metrics.clone()));
        let mut listening = connect::parse(&config)?;
        connect::bound(&mut listening, config.deadline);
        let heard = metrics.listening.clone();
        let listener = Listener::start(listening, config.deadline, Arc::clone(&cache), heard);
        Ok(Self {
            shared: Arc::new(Shared {
                connections,
                thread,
                deadline: config.deadline,
                deployment,
                quotas: RwLock::new(config.quotas),
                seal: OnceLock::new(),
                cache,
                seen: seen::Seen::default(),
                alike: Alike::default(),
                metrics,
                gcm: gcm::Blocks::new(config.cache_entries),
                uses: usage::Uses::default(),
                access_key_uses: usage::Uses::default(),
                access_key_misses: tokio::sync::Semaphore::new(ACCESS_KEY_MISSES),
                _listener: listener,
            }),
        })
    }

    /// Has this done on the thread of the connections: what asks the database, answers, and has little to
    /// work out.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.shared.thread.handle().spawn(work);
    }

    /// The deployment's id, from its row.
    pub fn deployment(&self) -> Uuid {
        self.shared.deployment
    }

    /// Gives the store the key it checks rows with: once, before any row is read.
    pub fn set_seal(&self, seal: Arc<dyn RowSeal>) {
        if self.shared.seal.set(seal).is_err() {
            log::error!("the row seal was set already; the first one stays");
        }
    }

    /// Gives the store whom to tell, once, of every row that it forgets because it has changed or gone,
    /// here or through another gateway; `None` for all rows.
    pub fn set_follower(&self, follower: impl Fn(Option<Uuid>) + Send + Sync + 'static) {
        if self.shared.cache.set_follower(Box::new(follower)).is_err() {
            log::error!("somebody follows the rows already, and goes on alone");
        }
    }

    /// Its metrics, as they stand.
    pub fn metrics(&self) -> Vec<MetricFamily> {
        let metrics = &self.shared.metrics;
        metrics.pool(&self.shared.connections.status());
        metrics.cached.set(self.shared.cache.rows() as f64);
        metrics.set.gather()
    }

    /// `SELECT 1`, for readiness.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ping(&self) -> Result<(), Error> {
        let connection = self.shared.connections.get().await?;
        connection.batch("/* store::ping */ select 1").await?;
        Ok(())
    }

    /// Server version and schema version, for doctor.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn versions(&self) -> Result<(String, i32), Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection
            .query_one("/* store::versions */ show server_version", &[])
            .await?;
        let server = column(&row, "server_version")?;
        Ok((server, migrate::version(&connection).await?))
    }

    /// The database's clock.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn now(&self) -> Result<time::OffsetDateTime, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection
            .query_one("/* store::now */ select strongroom_now() as now", &[])
            .await?;
        column(&row, "now")
    }
}
