//! Connections: made on one thread, lent to all.

use super::StoreConfig;
use super::connect::{OnRuntime, bound, parse};
use super::error::{StoreError, describe};
use super::metrics::StoreMetrics;
use crate::Error;
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime, Status,
    Timeouts,
};
use futures_util::future::{BoxFuture, FutureExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

/// A statement's parameters.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The pool and how long to wait for it.
pub(super) struct Connections {
    pool: Pool,
    deadline: Duration,
    metrics: Arc<StoreMetrics>,
}

impl Connections {
    pub(super) fn new(
        config: &StoreConfig,
        runtime: Handle,
        metrics: Arc<StoreMetrics>,
    ) -> Result<Self, StoreError> {
        let mut postgres = parse(config)?;
        bound(&mut postgres, config.deadline);
        let manager = Manager::from_connect(
            postgres,
            OnRuntime(runtime, metrics.connects.clone()),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(config.connections.max(1))
            // Who was used last has its caches warm.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Setup(error.to_string()))?;
        Ok(Self {
            pool,
            deadline: config.deadline,
            metrics,
        })
    }

    pub(super) fn status(&self) -> Status {
        self.pool.status()
    }

    pub(super) async fn get(&self) -> Result<Connection, StoreError> {
        let timeouts = Timeouts {
            wait: Some(self.deadline),
            create: Some(self.deadline),
            recycle: Some(self.deadline),
        };
        let begun = Instant::now();
        let object = self.pool.timeout_get(&timeouts).boxed().await;
        self.metrics.waited.observe(begun.elapsed().as_secs_f64());
        let object = object.map_err(|error| {
            let error = match error {
                PoolError::Backend(error) => StoreError::Connect(describe(&error)),
                other => StoreError::Connect(other.to_string()),
            };
            self.metrics.error(&error);
            error
        })?;
        Ok(Connection {
            object: Some(object),
            deadline: self.deadline,
            metrics: self.metrics.clone(),
            discard: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        })
    }
}

/// A connection on loan. Its statements are bounded by the deadline.
pub(super) struct Connection {
    object: Option<Object>,
    deadline: Duration,
    metrics: Arc<StoreMetrics>,
    /// Set while the connection is in a state that nobody else may inherit.
    discard: AtomicBool,
    /// A statement has failed since the loan began: its transaction is aborted.
    failed: AtomicBool,
}

impl Connection {
    /// The client itself, for what is pipelined.
    pub(super) fn client(&self) -> &Object {
        // Unwrap safety: only `drop` takes the object out.
        #[allow(clippy::expect_used)]
        self.object.as_ref().expect("a connection on loan")
    }

    /// From now on, and until told otherwise, closes the connection instead of giving it back:
    /// whoever is dropped half-way leaves no transaction, and no lock, to the next user.
    pub(super) fn discard(&self, discard: bool) {
        self.discard.store(discard, Ordering::Relaxed);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) async fn prepare(&self, sql: &'static str) -> Result<Statement, StoreError> {
        let prepared = self.client().prepare_cached(sql);
        self.bounded(sql, prepared.boxed()).await
    }

    pub(super) async fn query(
        &self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let answered = async {
            let statement = self.client().prepare_cached(sql).await?;
            self.client().query(&statement, params).await
        };
        self.bounded(sql, answered.boxed()).await
    }

    pub(super) async fn query_opt(
        &self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    pub(super) async fn query_one(
        &self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Row, StoreError> {
        let row = self.query_opt(sql, params).await?;
        row.ok_or(StoreError::Changed(name(sql)))
    }

    pub(super) async fn execute(
        &self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<u64, StoreError> {
        let answered = async {
            let statement = self.client().prepare_cached(sql).await?;
            self.client().execute(&statement, params).await
        };
        self.bounded(sql, answered.boxed()).await
    }

    pub(super) async fn batch(&self, sql: &'static str) -> Result<(), StoreError> {
        let done = self.client().batch_execute(sql);
        self.bounded(sql, done.boxed()).await
    }

    /// Waits for Postgres until the deadline, and not longer. On the heap: a request that the cache answers
    /// has a future with room for this all the same, and futures are copied at every call.
    pub(super) async fn bounded<T>(
        &self,
        sql: &'static str,
        work: BoxFuture<'_, Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        let error = match tokio::time::timeout(self.deadline, work).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => StoreError::Statement {
                statement: name(sql).into(),
                error,
            },
            Err(_) => {
                self.discard(true);
                StoreError::Deadline(name(sql).into())
            }
        };
        self.failed.store(true, Ordering::Relaxed);
        self.metrics.error(&error);
        Err(error)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.discard.load(Ordering::Relaxed)
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// Which function a statement belongs to: what its leading comment says.
pub(super) fn name(sql: &'static str) -> &'static str {
    sql.strip_prefix("/* ")
        .and_then(|rest| rest.split_once(" */"))
        .map_or("statement", |(name, _)| name)
}

/// A column of a row.
///
/// # Errors
/// If the column is not there or has another type: the schema is not this build's.
pub(super) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    column: &'static str,
) -> Result<T, Error> {
    row.try_get(column).map_err(|error| {
        StoreError::Statement {
            statement: column.into(),
            error,
        }
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_its_comment() {
        assert_eq!(name("/* keys::lock */ select 1"), "keys::lock");
    }
}
