//! The audit log read in the order of its leaves, and pruned.

use super::audit_checkpoints::{Checkpoint, count};
use super::pool::{Params, column};
use super::{Store, Transaction};
use crate::Error;
use crate::model::AccountId;
use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;
use uuid::Uuid;

pub(super) const EXTENT: &str = "/* audit_reading::extent */ select size, pruned from audit_tree";
const LEAVES: &str = "/* audit_reading::leaves */ \
    select leaf, request_id, record from audit_leaves($1, $2) order by leaf";
// Of the groups whose last id is between $1 and $2.
const LEAVES_OF: &str = "/* audit_reading::leaves_of */ \
    select l.leaf, l.request_id, \
        (select r.record from audit_record r where r.position = l.position) as record \
    from audit_leaf l where l.request_id = $1 \
    union all \
    select l.leaf + u.nth - 1, u.request_id, \
        (select g.records[u.nth::int] from audit_group g where g.position = l.position) as record \
    from audit_group_leaf l, unnest(l.request_ids) with ordinality as u (request_id, nth) \
    where l.request_ids[cardinality(l.request_ids)] between $1 and $2 and l.request_ids[1] <= $1 \
        and u.request_id = $1 \
    order by leaf";
const WRITTEN: &str = "/* audit_reading::written */ \
    select w.leaf, w.written_at from ( \
        (select l.leaf, r.written_at from audit_leaf l join audit_record r on r.position = l.position \
            where l.leaf >= $1 order by l.leaf limit 1) \
        union all \
        (select l.leaf, g.written_at from audit_group_leaf l join audit_group g on g.position = l.position \
            where l.leaf > $1 order by l.leaf limit 1) \
        union all \
        (select $1, (select g.written_at from audit_group g where g.position = l.position) \
            from (select * from audit_group_leaf where leaf <= $1 order by leaf desc limit 1) l \
            where l.leaf + cardinality(l.request_ids) > $1) \
    ) w where w.written_at is not null order by w.leaf limit 1";
const CHECKPOINTS: &str = "/* audit_reading::checkpoints */ \
    select size, made_at, note from audit_checkpoint where size >= $1 and size <= $2 \
    order by size limit $3";
const CHECKPOINT_AT: &str = "/* audit_reading::checkpoint_at */ \
    select size, made_at, note from audit_checkpoint where made_at <= $1 order by size desc limit 1";
const MANAGEMENT: &str = "/* audit_reading::management */ \
    select account from principal where management";
const PERMIT: &str = "/* audit_reading::permit */ \
    select set_config('strongroom.prune', 'on', true), set_config('enable_seqscan', 'off', true)";
const PRUNE: &str = "/* audit_reading::prune */ \
    with pruned as ( \
        update audit_tree set pruned = $2 where pruned = $1 and size >= $2 returning pruned \
    ), gone as ( \
        delete from audit_leaf where leaf >= $1 and leaf < (select pruned from pruned) \
        returning position \
    ), records as ( \
        delete from audit_record where position in (select position from gone) \
    ), gone_groups as ( \
        delete from audit_group_leaf l where l.leaf < (select pruned from pruned) \
            and l.leaf >= coalesce((select b.leaf from audit_group_leaf b where b.leaf <= $1 \
                order by b.leaf desc limit 1), 0) \
            and l.leaf + cardinality(l.request_ids) <= (select pruned from pruned) \
        returning position \
    ), groups as ( \
        delete from audit_group where position in (select position from gone_groups) \
    ) \
    select pruned from pruned";

/// How far the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditExtent {
    /// Leaves.
    pub size: u64,
    /// The first leaf whose record is still here.
    pub pruned: u64,
}

impl AuditExtent {
    /// From what [`EXTENT`] answers.
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            size: count(column(row, "size")?)?,
            pruned: count(column(row, "pruned")?)?,
        })
    }
}

/// A leaf, and its record.
#[derive(Debug, Clone)]
pub struct AuditLeaf {
    /// Its index.
    pub leaf: u64,
    /// The request that it is of.
    pub request_id: Uuid,
    /// Its exact bytes; none if the row is gone.
    pub record: Option<Vec<u8>>,
}

impl AuditLeaf {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            leaf: count(column(row, "leaf")?)?,
            request_id: column(row, "request_id")?,
            record: column(row, "record")?,
        })
    }
}

impl Store {
    /// How far the log goes.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_extent(&self) -> Result<AuditExtent, Error> {
        let connection = self.shared.connections.get().await?;
        AuditExtent::read(&connection.query_one(EXTENT, &[]).await?)
    }

    /// The leaves `[from, to)`, in order; all of them at once. Leaves whose rows are gone are not among
    /// them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_leaves(&self, from: u64, to: u64) -> Result<Vec<AuditLeaf>, Error> {
        let connection = self.shared.connections.get().await?;
        let (from, to) = (number(from), number(to));
        let rows = connection.query(LEAVES, &[&from, &to]).await?;
        rows.iter().map(AuditLeaf::read).collect()
    }

    /// The leaves of a request.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_leaves_of(&self, request_id: Uuid) -> Result<Vec<AuditLeaf>, Error> {
        let connection = self.shared.connections.get().await?;
        // Most are committed at once.
        for together in [Duration::seconds(10), Duration::hours(1)] {
            let last = last_id(request_id, together);
            let params: Params<'_> = &[&request_id, &last];
            let rows = connection.query(LEAVES_OF, params).await?;
            if !rows.is_empty() {
                return rows.iter().map(AuditLeaf::read).collect();
            }
        }
        Ok(Vec::new())
    }

    /// When the first record that is left at a leaf or after it was written, by the database's clock.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_written_at(&self, leaf: u64) -> Result<Option<OffsetDateTime>, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_opt(WRITTEN, &[&number(leaf)]).await?;
        row.map(|row| column(&row, "written_at")).transpose()
    }

    /// The checkpoints of the sizes `[from, to]`, by size, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn checkpoints(
        &self,
        from: u64,
        to: u64,
        limit: u32,
    ) -> Result<Vec<Checkpoint>, Error> {
        let connection = self.shared.connections.get().await?;
        let (from, to, limit) = (number(from), number(to), i64::from(limit));
        let rows = connection.query(CHECKPOINTS, &[&from, &to, &limit]).await?;
        rows.iter().map(Checkpoint::read).collect()
    }

    /// The largest checkpoint that was made at a time, or before it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn checkpoint_at(&self, time: OffsetDateTime) -> Result<Option<Checkpoint>, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_opt(CHECKPOINT_AT, &[&time]).await?;
        row.as_ref().map(Checkpoint::read).transpose()
    }

    /// The account that administers the deployment, for a record to name. The row is not verified,
    /// which takes a token: nothing may be decided by it.
    ///
    /// # Errors
    /// Those of the database; internal where there is none.
    pub async fn unverified_management_account(&self) -> Result<AccountId, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(MANAGEMENT, &[]).await?;
        let id: String = column(&row, "account")?;
        AccountId::parse(&id).ok_or_else(|| Error::internal("the management account has no number"))
    }
}

impl Transaction<'_> {
    /// Deletes the records of the leaves `[from, to)` and their places, but for a group that goes on
    /// after them, which goes with the last of its own. The tree's hashes stay, so that what is left
    /// goes on to be verified. Answers whether it did: not if the log begins elsewhere.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn prune_audit(&self, from: u64, to: u64) -> Result<bool, Error> {
        self.connection.query(PERMIT, &[]).await?;
        let (from, to) = (number(from), number(to));
        let pruned = self.connection.query_opt(PRUNE, &[&from, &to]).await?;
        Ok(pruned.is_some())
    }
}

/// The greatest id that a request can have had that began no later than so long after this one, as ids begin with
/// a time (RFC 9562 section 5.7). One that does not may be anywhere.
fn last_id(request_id: Uuid, after: Duration) -> Uuid {
    let milliseconds = request_id.as_u128() >> 80;
    match request_id.get_version_num() {
        7 => Uuid::from_u128((milliseconds + after.whole_milliseconds() as u128) << 80),
        _ => Uuid::max(),
    }
}

/// What is no leaf's number is after all of them.
pub(super) fn number(leaf: u64) -> i64 {
    i64::try_from(leaf).unwrap_or(i64::MAX)
}
