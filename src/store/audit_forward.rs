//! What is forwarded of the audit log, and how far it has come, by destination.

use super::audit_checkpoints::count;
use super::audit_reading::{EXTENT, number};
use super::pool::{Params, column};
use super::{AuditExtent, Checkpoint, Transaction};
use crate::Error;
use time::OffsetDateTime;

// One gateway at a time; no row is locked while the other end is waited for.
const LOCK: &str = "/* audit_forward::lock */ \
    select pg_try_advisory_xact_lock(hashtextextended('strongroom forward ' || $1, 0)) as locked";
const BEGIN: &str = "/* audit_forward::begin */ \
    insert into audit_forwarded (destination, leaf) \
    select $1, case when $2 then 0 when $3 \
        then coalesce((select size from audit_checkpoint order by size desc limit 1), 0) \
        else size end from audit_tree \
    on conflict (destination) do nothing";
const POSITION: &str =
    "/* audit_forward::position */ select leaf from audit_forwarded where destination = $1";
const RECORDS: &str = "/* audit_forward::records */ \
    select leaf, record, written_at from audit_leaves($1, $2) order by leaf";
const CHECKPOINTS: &str = "/* audit_forward::checkpoints */ \
    select size, made_at, note from audit_checkpoint where size > $1 order by size limit $2";
const ADVANCE: &str = "/* audit_forward::advance */ \
    update audit_forwarded set leaf = $2 where destination = $1 and leaf < $2";

/// A record in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafRecord {
    /// Which leaf.
    pub leaf: u64,
    /// When it was written, by the database's clock.
    pub written_at: OffsetDateTime,
    /// Its exact bytes.
    pub record: Vec<u8>,
}

impl Transaction<'_> {
    /// Where a destination is, for the one gateway that forwards to it until the transaction ends; `None`
    /// for the others. A new one begins with the log (`history`), or with what comes next.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lock_forward(
        &self,
        destination: &str,
        history: bool,
        checkpoints: bool,
    ) -> Result<Option<u64>, Error> {
        let locked = self.connection.query_one(LOCK, &[&destination]).await?;
        if !column(&locked, "locked")? {
            return Ok(None);
        }
        let mut row = self.connection.query_opt(POSITION, &[&destination]).await?;
        if row.is_none() {
            self.connection
                .execute(BEGIN, &[&destination, &history, &checkpoints])
                .await?;
            row = self.connection.query_opt(POSITION, &[&destination]).await?;
        }
        row.map(|row| count(column(&row, "leaf")?)).transpose()
    }

    /// The records from a leaf on; those that are in an archive are passed over.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn records_from(&self, leaf: u64, limit: i64) -> Result<Forward<LeafRecord>, Error> {
        let extent = AuditExtent::read(&self.connection.query_one(EXTENT, &[]).await?)?;
        let first = leaf.max(extent.pruned);
        let end = extent.size.min(first.saturating_add_signed(limit));
        let params: Params<'_> = &[&number(first), &number(end)];
        let rows = self.connection.query(RECORDS, params).await?;
        let next = leaf.max(end);
        let mut items = Vec::new();
        for row in &rows {
            let record: Option<Vec<u8>> = column(row, "record")?;
            if let Some((record, written_at)) = record.zip(column(row, "written_at")?) {
                items.push(LeafRecord {
                    leaf: count(column(row, "leaf")?)?,
                    written_at,
                    record,
                });
            }
        }
        Ok(Forward { items, next })
    }

    /// The checkpoints of more than so many leaves.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn checkpoints_from(
        &self,
        size: u64,
        limit: i64,
    ) -> Result<Forward<Checkpoint>, Error> {
        let first = i64::try_from(size).map_err(Error::internal)?;
        let rows = self
            .connection
            .query(CHECKPOINTS, &[&first, &limit])
            .await?;
        let items: Vec<_> = rows
            .iter()
            .map(Checkpoint::read)
            .collect::<Result<_, _>>()?;
        let next = items.last().map_or(size, |last| last.size);
        Ok(Forward { items, next })
    }

    /// Notes that a destination has all before `next`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forwarded(&self, destination: &str, next: u64) -> Result<(), Error> {
        let next = i64::try_from(next).map_err(Error::internal)?;
        self.connection
            .execute(ADVANCE, &[&destination, &next])
            .await?;
        Ok(())
    }
}

/// What is to be forwarded, and where it goes on after that.
#[derive(Debug)]
pub struct Forward<T> {
    /// In order.
    pub items: Vec<T>,
    /// What [`Transaction::forwarded`] takes.
    pub next: u64,
}
