//! The audit log's leaves, committed in groups.

use super::error::StoreError;
use super::pool::column;
use super::{Committed, Entry, RowVersion, Store, Transaction};
use crate::Error;
use futures_util::future::join3;
use uuid::Uuid;

// The exclusive half is in transaction.rs. The lock is taken by a statement before the one that
// reads the versions, whose snapshot is then later than every change that the lock waited for.
const BEGIN: &str = "/* audit_log::begin_group */ begin isolation level read committed; \
                     select pg_advisory_xact_lock_shared(91621623287367)";
const COMMIT: &str = "/* audit_log::commit_group */ commit";

// Each used row is looked up by its primary key in a scalar subquery, which no plan turns into a
// scan of the table: a group costs the same with ten keys as with a hundred thousand.
const GROUP: &str = "/* audit_log::group */
    with used as (
        select * from unnest($4::int4[], $5::text[], $6::uuid[], $7::int8[])
            as u (ordinal, kind, id, row_version)
    ), stale as materialized (
        select ordinal, id from used u
        where row_version is distinct from case kind
            when 'key' then (select k.row_version from kms_key k where k.id = u.id)
            when 'alias' then (select a.row_version from alias a where a.id = u.id)
            when 'grant' then (select g.row_version from kms_grant g where g.id = u.id)
            when 'key_store' then (select s.row_version from key_store s where s.id = u.id)
            when 'access_key' then (select c.row_version from access_key c where c.id = u.id)
            when 'identity' then (select p.row_version from principal p where p.id = u.id)
        end
    ), written as (
        insert into audit_record (request_id, record)
        select e.request_id, e.record
        from unnest($1::int4[], $2::uuid[], $3::bytea[]) as e (ordinal, request_id, record)
        where e.ordinal not in (select ordinal from stale)
        order by e.ordinal
    )
    select ordinal, id from stale";

const HOLD: &str = "/* audit_log::hold */ lock table audit_record in share row exclusive mode";
const EMPTY: &str = "/* audit_log::empty */ \
                     select not exists (select from audit_record) as empty";

impl Store {
    /// Writes a group of entries in one commit: each whose `uses` still hold, none of the others.
    /// Runs under the fence's shared half, so that once a change has been answered no group
    /// commits on what it replaced.
    ///
    /// # Errors
    /// For the whole group, of which nothing counts as written: `DependencyTimeoutException`
    /// where the database does not answer in time.
    pub async fn commit_group(&self, entries: &[Entry]) -> Result<Vec<Committed>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let group = tokio::time::timeout(self.shared.deadline, self.write_group(entries));
        let stale = group
            .await
            .map_err(|_| self.shared.late("audit_log::group"))??;
        let mut committed = vec![Committed::Durable; entries.len()];
        for (ordinal, row) in stale {
            // What has not changed stays: whoever asks for it next need not wait for the database.
            self.shared.cache.forget(row);
            if let Some(committed) = committed.get_mut(ordinal) {
                *committed = Committed::Stale;
            }
        }
        Ok(committed)
    }

    /// Answers the ordinals of the stale, each with a row that has changed.
    async fn write_group(&self, entries: &[Entry]) -> Result<Vec<(usize, Uuid)>, StoreError> {
        let ordinals: Vec<i32> = (0i32..).take(entries.len()).collect();
        let requests: Vec<Uuid> = entries.iter().map(|entry| entry.request_id).collect();
        let records: Vec<&[u8]> = entries.iter().map(|entry| &entry.record[..]).collect();
        let (mut users, mut kinds, mut rows, mut versions) = (vec![], vec![], vec![], vec![]);
        for (ordinal, entry) in (0i32..).zip(entries) {
            for used in &entry.uses {
                let (kind, row, version) = match *used {
                    RowVersion::Key(row, version) => ("key", row, version),
                    RowVersion::Alias(row, version) => ("alias", row, version),
                    RowVersion::Grant(row, version) => ("grant", row, version),
                    RowVersion::AccessKey(row, version) => ("access_key", row, version),
                    RowVersion::Identity(row, version) => ("identity", row, version),
                    RowVersion::KeyStore(row, version) => ("key_store", row, version),
                };
                users.push(ordinal);
                kinds.push(kind);
                rows.push(row);
                versions.push(version);
            }
        }

        let connection = self.shared.connections.get().await?;
        let group = connection.prepare(GROUP).await?;
        // Only a group that went through gives its connection back.
        connection.discard(true);
        let client = connection.client();
        let stale = connection
            .bounded(GROUP, async {
                // Pipelined: polled in order, so sent in order, in one flush. COMMIT answers an
                // aborted transaction with a quiet ROLLBACK, so all three have to succeed.
                let (begun, stale, committed) = join3(
                    client.batch_execute(BEGIN),
                    client.query(
                        &group,
                        &[
                            &ordinals, &requests, &records, &users, &kinds, &rows, &versions,
                        ],
                    ),
                    client.batch_execute(COMMIT),
                )
                .await;
                begun?;
                let stale = stale?;
                committed?;
                let stale = stale.iter();
                stale
                    .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                    .collect()
            })
            .await;
        let stale: Vec<(i32, Uuid)> = stale?;
        connection.discard(false);
        // What came from a `usize` fits one.
        let stale = stale.into_iter();
        Ok(stale
            .map(|(ordinal, row)| (ordinal as usize, row))
            .collect())
    }
}

impl Transaction<'_> {
    /// Keeps everybody else from writing records until the transaction ends; answers whether there is
    /// none yet.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn hold_empty_log(&self) -> Result<bool, Error> {
        self.connection.batch(HOLD).await?;
        column(&self.connection.query_one(EMPTY, &[]).await?, "empty")
    }

    /// Inserts the audit record of the change, in the same transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn record(&self, request_id: Uuid, record: &[u8]) -> Result<(), Error> {
        self.connection
            .execute(
                "/* audit_log::record */ insert into audit_record (request_id, record) \
                 values ($1, $2)",
                &[&request_id, &record],
            )
            .await?;
        Ok(())
    }
}
