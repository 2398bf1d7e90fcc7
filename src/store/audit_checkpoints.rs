//! Signed checkpoints of the tree, and how far it is behind the records.

use super::Store;
use super::pool::column;
use crate::Error;
use time::OffsetDateTime;
use tokio_postgres::Row;

const LAST: &str = "/* audit_checkpoints::last */ select size, made_at, note from audit_checkpoint \
                    order by size desc limit 1";
// Where two gateways make one at once, the second is none.
const INSERT: &str = "/* audit_checkpoints::insert */ \
    insert into audit_checkpoint (size, note) select $1, $2 \
    where not exists (select from audit_checkpoint where size > $3) \
    on conflict (size) do nothing";
// What has a leaf is in order of position but for the last few. Each part is one step into an index, or a few
// for the size of a group.
const FIGURES: &str = "/* audit_checkpoints::figures */ \
    with tree as materialized ( \
        select size, settled, groups_settled, \
            coalesce((select position from audit_record order by position desc limit 1), 0) as newest, \
            coalesce((select position from audit_leaf order by position desc limit 1), 0) as placed, \
            coalesce((select position from audit_group order by position desc limit 1), 0) \
                as newest_group, \
            coalesce((select position from audit_group_leaf order by position desc limit 1), 0) \
                as placed_group, \
            coalesce((select c.size from audit_checkpoint c order by c.size desc limit 1), 0) \
                as signed \
        from audit_tree limit 1 \
    ), waiting as materialized ( \
        select (select written_at from audit_record where position > placed \
                order by position limit 1) as since, \
            (select written_at from audit_group where position > placed_group \
                order by position limit 1) as group_since, \
            (select avg(cardinality(g.request_ids)) from (select request_ids from audit_group \
                where position > placed_group order by position limit 32) g) as of_group \
        from tree \
    ) \
    select size, signed, \
        newest > settled or newest_group > groups_settled as unsettled, \
        greatest(0, newest - placed) \
            + (greatest(0, newest_group - placed_group) * coalesce(of_group, 0))::int8 as waiting, \
        extract(epoch from strongroom_now() - least(since, group_since))::float8 as waiting_seconds, \
        extract(epoch from strongroom_now() - (select made_at from audit_checkpoint c \
            where c.size = signed))::float8 as signed_seconds, \
        extract(epoch from strongroom_now() - (select written_at from audit_leaves(signed, signed + 1) \
            limit 1))::float8 as unsigned_seconds \
    from tree, waiting";

/// A signed checkpoint of the tree (C2SP tlog-checkpoint).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Leaves.
    pub size: u64,
    /// By the database's clock.
    pub made_at: OffsetDateTime,
    /// The signed note.
    pub note: String,
}

impl Checkpoint {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            size: count(column(row, "size")?)?,
            made_at: column(row, "made_at")?,
            note: column(row, "note")?,
        })
    }
}

/// How the log stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuditFigures {
    /// Leaves.
    pub size: u64,
    /// Whether there is anything for a sequencer to do.
    pub unsettled: bool,
    /// Records that have no leaf yet, about.
    pub waiting: u64,
    /// The age of the oldest of them, about.
    pub waiting_seconds: Option<f64>,
    /// Leaves of the newest checkpoint; 0 without any.
    pub signed: u64,
    /// Its age.
    pub signed_seconds: Option<f64>,
    /// The age of the first leaf's record that no checkpoint covers.
    pub unsigned_seconds: Option<f64>,
}

impl Store {
    /// The newest checkpoint.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_opt(LAST, &[]).await?;
        row.as_ref().map(Checkpoint::read).transpose()
    }

    /// Writes a checkpoint that was made when `last` was the newest one's size. Answers whether it is
    /// there now: another gateway may have been first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn insert_checkpoint(&self, size: u64, note: &str, last: u64) -> Result<bool, Error> {
        let number = |size| i64::try_from(size).map_err(Error::internal);
        let (size, last) = (number(size)?, number(last)?);
        let connection = self.shared.connections.get().await?;
        let inserted = connection.execute(INSERT, &[&size, &note, &last]).await?;
        Ok(inserted > 0)
    }

    /// How the log stands, for metrics and readiness. What it costs does not grow with the log.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_figures(&self) -> Result<AuditFigures, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(FIGURES, &[]).await?;
        Ok(AuditFigures {
            size: count(column(&row, "size")?)?,
            unsettled: column(&row, "unsettled")?,
            waiting: count(column(&row, "waiting")?)?,
            waiting_seconds: column(&row, "waiting_seconds")?,
            signed: count(column(&row, "signed")?)?,
            signed_seconds: column(&row, "signed_seconds")?,
            unsigned_seconds: column(&row, "unsigned_seconds")?,
        })
    }
}

/// A number that is never negative.
pub(super) fn count(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(Error::internal)
}
