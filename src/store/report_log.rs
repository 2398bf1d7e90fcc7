//! What `strongroom report` reads of the audit log: a period of it, a page at a time, and how far the
//! tree over it has come.

use super::pool::{Connection, column};
use super::{Checkpoint, Store};
use crate::Error;
use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;

/// Records read in one statement.
const PAGE: i64 = 2000;
/// Checkpoints that are handed out.
const CHECKPOINTS: i64 = 200;
/// How much earlier than a record one at a higher position may have been written: they are by
/// transactions that go on at once.
const SKEW: Duration = Duration::hours(1);

const BOUNDS: &str = "/* report_log::bounds */ \
    select min(position) as first, max(position) as last from audit_record";
const AT: &str = "/* report_log::at */ \
    select position, written_at from audit_record where position >= $1 order by position limit 1";
const RECORDS: &str = "/* report_log::records */ select r.position, r.written_at, r.record, \
    exists (select from audit_leaf l where l.position = r.position) as has_leaf \
    from audit_record r where r.position > $1 and r.position <= $2 \
    and r.written_at >= $3 and r.written_at < $4 order by r.position limit $5";
const TREE: &str = "/* report_log::tree */ select size, pruned, \
    (select count(*) from audit_record r \
        where r.position > t.settled and r.written_at < strongroom_now() - interval '10 minutes' \
        and not exists (select from audit_leaf l where l.position = r.position)) as late \
    from audit_tree t";
const SUMMARY: &str = "/* report_log::summary */ \
    select count(*) as many, count(*) filter (where made_at < earlier) as disordered, \
        max(extract(epoch from made_at - earlier))::int8 as longest \
    from (select made_at, lag(made_at) over (order by size) as earlier from audit_checkpoint \
        where made_at >= $1 and made_at < $2) as c";
const FIRST: &str = "/* report_log::first */ select size, made_at, note from audit_checkpoint \
    where made_at >= $1 and made_at < $2 order by size limit 1";
const LAST: &str = "/* report_log::last */ select size, made_at, note from audit_checkpoint \
    where made_at >= $1 and made_at < $2 order by size desc limit $3";

/// A record of the audit log.
#[derive(Debug)]
pub struct LoggedRecord {
    /// When it was written, by the database's clock.
    pub written: OffsetDateTime,
    /// Its exact bytes.
    pub record: Vec<u8>,
    /// Whether it is in the tree.
    pub has_leaf: bool,
}

/// A period of the log, read from its beginning.
#[derive(Debug)]
pub struct LogReader {
    store: Store,
    from: OffsetDateTime,
    to: OffsetDateTime,
    after: i64,
    last: i64,
}

/// How far the tree over the log has come.
#[derive(Debug, Clone, Copy)]
pub struct TreeState {
    /// Leaves.
    pub size: i64,
    /// Of those, the first that are in an archive and no longer in the database.
    pub pruned: i64,
    /// Records that have had no leaf for ten minutes.
    pub late: i64,
}

/// The checkpoints of a period.
#[derive(Debug)]
pub struct CheckpointsMade {
    /// How many.
    pub many: i64,
    /// How many are larger than one that was made after them.
    pub disordered: i64,
    /// The longest time from one to the next, in seconds; `None` where there is one at most.
    pub longest_seconds: Option<i64>,
    /// The first.
    pub first: Option<Checkpoint>,
    /// The last ones, the newest first.
    pub last: Vec<Checkpoint>,
}

/// The first position in `first..=last` from which on nothing was written before `time`, as nearly as
/// positions are in the order of time.
async fn position_at(
    connection: &Connection,
    (first, last): (i64, i64),
    time: OffsetDateTime,
) -> Result<i64, Error> {
    let (mut low, mut high) = (first, last.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let row = connection.query_opt(AT, &[&middle]).await?;
        let written: Option<OffsetDateTime> = match &row {
            Some(row) => Some(column(row, "written_at")?),
            None => None,
        };
        match (row, written) {
            (Some(row), Some(written)) if written < time => {
                low = column::<i64>(&row, "position")?.saturating_add(1);
            }
            _ => high = middle,
        }
    }
    Ok(low)
}

impl Store {
    /// The records that were written from `from` on and before `to`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn read_log(
        &self,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<LogReader, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(BOUNDS, &[]).await?;
        let bounds: (Option<i64>, Option<i64>) = (column(&row, "first")?, column(&row, "last")?);
        let (mut after, mut last) = (0, 0);
        if let (Some(first), Some(end)) = bounds {
            let bounds = (first, end);
            after = position_at(&connection, bounds, from.saturating_sub(SKEW)).await? - 1;
            last = position_at(&connection, bounds, to.saturating_add(SKEW)).await?;
        }
        Ok(LogReader {
            store: self.clone(),
            from,
            to,
            after,
            last,
        })
    }

    /// How far the tree has come.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn tree_state(&self) -> Result<TreeState, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(TREE, &[]).await?;
        Ok(TreeState {
            size: column(&row, "size")?,
            pruned: column(&row, "pruned")?,
            late: column(&row, "late")?,
        })
    }

    /// The checkpoints that were made from `from` on and before `to`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn checkpoints_made(
        &self,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<CheckpointsMade, Error> {
        let connection = self.shared.connections.get().await?;
        let summary = connection.query_one(SUMMARY, &[&from, &to]).await?;
        let first = connection.query_opt(FIRST, &[&from, &to]).await?;
        let last = connection.query(LAST, &[&from, &to, &CHECKPOINTS]).await?;
        Ok(CheckpointsMade {
            many: column(&summary, "many")?,
            disordered: column(&summary, "disordered")?,
            longest_seconds: column(&summary, "longest")?,
            first: first.as_ref().map(Checkpoint::read).transpose()?,
            last: last
                .iter()
                .map(Checkpoint::read)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl LogReader {
    /// The next records, in the order of their positions; none once all have been read.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn page(&mut self) -> Result<Vec<LoggedRecord>, Error> {
        let connection = self.store.shared.connections.get().await?;
        let params: super::pool::Params<'_> =
            &[&self.after, &self.last, &self.from, &self.to, &PAGE];
        let rows = connection.query(RECORDS, params).await?;
        if let Some(last) = rows.last() {
            self.after = column(last, "position")?;
        }
        let read = |row: &Row| -> Result<LoggedRecord, Error> {
            Ok(LoggedRecord {
                written: column(row, "written_at")?,
                record: column(row, "record")?,
                has_leaf: column(row, "has_leaf")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
