//! Transactions: changes, and the fence between them and the groups of the audit log.
//!
//! A group of records is committed under the shared half of an advisory lock, and a change of a row
//! that decides takes the exclusive half as the last thing before its commit. So a change waits for
//! the groups in flight, every later group sees it, and once the change has been answered no group
//! commits on what it replaced. The database sees to it by itself, also for changes that do not pass
//! here (`sql/V17__last_change.sql`).

use super::error::StoreError;
use super::pool::{Connection, column};
use super::touched::Touched;
use super::{Intent, RowVersion, Shared, Store};
use crate::Error;
use futures_util::future::{BoxFuture, FutureExt, join};
use std::sync::Mutex;
use std::time::Duration;
use time::OffsetDateTime;

/// How often a transaction is run before its contention is reported.
const ATTEMPTS: u32 = 5;
const BACKOFF: Duration = Duration::from_millis(5);

// READ COMMITTED whatever the server's default: rows are serialized by their locks, and the fence
// needs a statement's snapshot to be taken after the lock before it.
const BEGIN: &str = "/* transaction::begin */ begin isolation level read committed";
const ROLLBACK: &str = "/* transaction::rollback */ rollback";
const COMMIT: &str = "/* transaction::commit */ commit";
const NOTIFY: &str =
    "/* transaction::notify */ select pg_notify('strongroom', t) from unnest($1::text[]) as t";
const NOW: &str = "/* transaction::now */ select strongroom_now() as now";

/// A transaction in progress; made by [`Store::transaction`] alone. Its verbs lock what they read
/// `for update`, make and check row MACs, and raise row versions.
pub struct Transaction<'t> {
    pub(super) connection: &'t Connection,
    pub(super) shared: &'t Shared,
    touched: Mutex<Vec<Touched>>,
    left: Mutex<Vec<Intent>>,
}

impl Store {
    /// Runs `work` in a transaction (serializable rows by lock, READ COMMITTED), retried on
    /// SQLSTATE 40001 and 40P01 a bounded number of times. What `work` returns as `Err` rolls back.
    /// A change of rows that decide is committed under the fence (see [`Store::commit_group`]).
    ///
    /// # Errors
    /// What `work` returns; `DependencyTimeoutException` where the database does not answer in
    /// time, in which case the commit may have happened or not.
    pub async fn transaction<T: Send>(
        &self,
        name: &'static str,
        work: impl for<'t> Fn(&'t Transaction<'t>) -> BoxFuture<'t, Result<T, Error>> + Send + Sync,
    ) -> Result<T, Error> {
        let mut attempt = 1;
        loop {
            let result = self.attempt(name, &work).await;
            match &result {
                Err(error) if attempt < ATTEMPTS && is_retriable(error) => {
                    log::debug!("{name}: attempt {attempt}: {error}");
                }
                _ => return result,
            }
            tokio::time::sleep(BACKOFF * attempt).await;
            attempt += 1;
        }
    }

    async fn attempt<T: Send>(
        &self,
        name: &'static str,
        work: &(impl for<'t> Fn(&'t Transaction<'t>) -> BoxFuture<'t, Result<T, Error>> + Send + Sync),
    ) -> Result<T, Error> {
        let connection = self.shared.connections.get().await?;
        // Until the transaction has ended: we may be dropped at any await.
        connection.discard(true);
        connection.batch(BEGIN).await?;
        let transaction = Transaction {
            connection: &connection,
            shared: &self.shared,
            touched: Mutex::default(),
            left: Mutex::default(),
        };
        let result = match work(&transaction).await {
            // COMMIT answers an aborted transaction with a quiet ROLLBACK.
            Ok(_) if connection.has_failed() => Err(StoreError::Aborted(name).into()),
            other => other,
        };
        match result {
            Ok(value) => {
                transaction.commit().await?;
                connection.discard(false);
                Ok(value)
            }
            Err(error) => {
                // Whoever does not answer is not asked again: closing the connection rolls back.
                let silent = matches!(error.cause(), Some(StoreError::Deadline(_)));
                if !silent && connection.batch(ROLLBACK).await.is_ok() {
                    connection.discard(false);
                }
                Err(error)
            }
        }
    }
}

fn is_retriable(error: &Error) -> bool {
    error
        .cause::<StoreError>()
        .is_some_and(StoreError::is_retriable)
}

impl Transaction<'_> {
    /// Notes what every gateway has to forget.
    pub(super) fn touch(&self, touched: Touched) {
        let mut list = self
            .touched
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        list.push(touched);
    }

    /// The database's clock.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn now(&self) -> Result<OffsetDateTime, Error> {
        column(&self.connection.query_one(NOW, &[]).await?, "now")
    }

    /// Notes that a row that decides has changed.
    pub(super) fn changed(&self, row: RowVersion) {
        self.touch(Touched::Row(row.row()));
    }

    /// Notes an intent to destroy what the transaction has left behind on the token.
    pub(super) fn note_left(&self, intent: Intent) {
        let mut list = self
            .left
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        list.push(intent);
    }

    /// The intents to destroy what nothing uses any more, once the transaction has committed.
    pub fn left(&self) -> Vec<Intent> {
        let list = self.left.lock();
        list.unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    async fn commit(self) -> Result<(), StoreError> {
        let touched = self
            .touched
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let payloads: Vec<String> = touched.iter().map(Touched::payload).collect();
        let notify = self.connection.prepare(NOTIFY).await?;
        let client = self.connection.client();
        // Pipelined: polled in order, so sent in order, in one flush. Where the first
        // fails the COMMIT rolls back, and its own success counts for nothing.
        let done = async {
            let (notified, committed) = join(
                client.execute(&notify, &[&payloads]),
                client.batch_execute(COMMIT),
            )
            .await;
            notified?;
            committed
        };
        let result = self.connection.bounded(COMMIT, done.boxed()).await;
        // Also where the outcome is unknown.
        self.shared.forget(&touched);
        result
    }

    /// Holds the deployment's advisory lock until the transaction ends: `init` runs once at a time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lock_deployment(&self) -> Result<(), Error> {
        self.connection
            .batch(
                "/* transaction::lock_deployment */ select pg_advisory_xact_lock(91621623287368)",
            )
            .await?;
        Ok(())
    }
}

impl Shared {
    pub(super) fn forget(&self, touched: &[Touched]) {
        for touched in touched {
            self.cache.forget_touched(touched);
        }
    }
}
