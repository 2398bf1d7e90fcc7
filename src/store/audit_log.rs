//! The audit log's leaves, committed in groups.

use super::error::StoreError;
use super::pool::{Params, column, name};
use super::{Committed, Entry, RowVersion, Store, Transaction};
use crate::Error;
use std::collections::HashSet;
use uuid::Uuid;

const SEEN: &str = "/* audit_log::seen_group */ \
                    select commit_group_if($1, $2, $3) as written";
const GROUP: &str = "/* audit_log::group */ \
                     select stamp, stale from commit_group($1, $2, $3, $4, $5)";
const RECORD: &str = "/* audit_log::record */ insert into audit_group (request_ids, records) \
                      values (array[$1::uuid], array[$2::bytea])";
const HOLD: &str = "/* audit_log::hold */ \
                    lock table audit_record, audit_group in share row exclusive mode";
const EMPTY: &str = "/* audit_log::empty */ select not exists (select from audit_record) \
                     and not exists (select from audit_group) as empty";

impl Store {
    /// Writes a group of entries in one commit: each whose `uses` still hold, none of the others.
    /// Runs under the fence's shared half, so that once a change has been answered no group
    /// commits on what it replaced (`sql/V17__last_change.sql`). They are one row of the log's.
    ///
    /// # Errors
    /// For the whole group, of which nothing counts as written: `DependencyTimeoutException`
    /// where the database does not answer in time.
    pub async fn commit_group(&self, entries: &[Entry]) -> Result<Vec<Committed>, Error> {
        let mut committed = vec![Committed::Durable; entries.len()];
        let group = tokio::time::timeout(self.shared.deadline, async {
            loop {
                let remain = committed.iter().zip(entries);
                let remain = remain.filter(|(committed, _)| **committed == Committed::Durable);
                let mut remain: Vec<&Entry> = remain.map(|(_, entry)| entry).collect();
                remain.sort_unstable_by_key(|entry| entry.request_id);
                let changed = match remain.is_empty() {
                    true => HashSet::new(),
                    false => self.write_group(&remain).await?,
                };
                if changed.is_empty() {
                    return Ok::<_, Error>(());
                }
                for (entry, committed) in entries.iter().zip(&mut committed) {
                    if entry.uses.iter().any(|used| changed.contains(used)) {
                        *committed = Committed::Stale;
                    }
                }
                // What has not changed stays: whoever asks for it next need not wait for the database.
                for used in changed {
                    self.shared.cache.forget(columns(used).1);
                }
            }
        });
        group
            .await
            .map_err(|_| self.shared.late("audit_log::group"))??;
        Ok(committed)
    }

    /// Writes all of the entries, which are in order of their requests' ids, unless something that one of them uses has changed: then none, and
    /// answers what.
    async fn write_group(&self, entries: &[&Entry]) -> Result<HashSet<RowVersion>, Error> {
        let requests: Vec<Uuid> = entries.iter().map(|entry| entry.request_id).collect();
        let records: Vec<&[u8]> = entries.iter().map(|entry| &entry.record[..]).collect();
        // Most of a group uses the same few rows.
        let uses: HashSet<RowVersion> = entries
            .iter()
            .flat_map(|entry| entry.uses.iter().copied())
            .collect();
        let uses: Vec<RowVersion> = uses.into_iter().collect();
        let connection = self.shared.connections.get().await?;
        // Only a group that went through gives its connection back.
        connection.discard(true);
        if let Some(seen) = self.shared.seen.stamp(&uses) {
            let answer = connection
                .query_one(SEEN, &[&seen, &requests, &records])
                .await?;
            if column(&answer, "written")? {
                connection.discard(false);
                return Ok(HashSet::new());
            }
        }
        let (mut kinds, mut rows, mut versions) = (vec![], vec![], vec![]);
        for (kind, row, version) in uses.iter().copied().map(columns) {
            kinds.push(kind);
            rows.push(row);
            versions.push(version);
        }
        let params: Params<'_> = &[&requests, &records, &kinds, &rows, &versions];
        let answer = connection.query_one(GROUP, params).await?;
        connection.discard(false);
        let stamp: Uuid = column(&answer, "stamp")?;
        let stale: Vec<i64> = column(&answer, "stale")?;
        if stale.is_empty() {
            self.shared.seen.saw(stamp, &uses);
        }
        let stale = stale.into_iter().map(|ordinal| {
            let used = usize::try_from(ordinal - 1)
                .ok()
                .and_then(|at| uses.get(at));
            used.copied()
                .ok_or_else(|| StoreError::Changed(name(GROUP)).into())
        });
        stale.collect()
    }
}

/// The kind, id and version of a row, as the database is told them.
fn columns(used: RowVersion) -> (&'static str, Uuid, i64) {
    match used {
        RowVersion::Key(row, version) => ("key", row, version),
        RowVersion::Alias(row, version) => ("alias", row, version),
        RowVersion::Grant(row, version) => ("grant", row, version),
        RowVersion::AccessKey(row, version) => ("access_key", row, version),
        RowVersion::Identity(row, version) => ("identity", row, version),
        RowVersion::KeyStore(row, version) => ("key_store", row, version),
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
            .execute(RECORD, &[&request_id, &record])
            .await?;
        Ok(())
    }
}
