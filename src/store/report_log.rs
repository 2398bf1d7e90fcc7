//! What `strongroom report` reads of the audit log: a period of it, a page at a time, and how far the
//! tree over it has come.

use super::pool::{Connection, Params, column};
use super::{Checkpoint, Store};
use crate::Error;
use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;

/// Rows read in one statement, of one record each and of a group's.
const PAGE: i64 = 2000;
const PAGE_OF_GROUPS: i64 = 16;
/// Checkpoints that are handed out.
const CHECKPOINTS: i64 = 200;
/// How much earlier than a record one at a higher position may have been written: they are by
/// transactions that go on at once.
const SKEW: Duration = Duration::hours(1);

/// The statements that read one table's rows.
#[derive(Debug)]
struct Table {
    bounds: &'static str,
    at: &'static str,
    records: &'static str,
    page: i64,
}

/// What earlier versions wrote, and what this one does.
const TABLES: [Table; 2] = [
    Table {
        bounds: "/* report_log::bounds */ \
            select min(position) as first, max(position) as last from audit_record",
        at: "/* report_log::at */ \
            select position, written_at from audit_record where position >= $1 order by position limit 1",
        records: "/* report_log::records */ select r.position, r.written_at, array[r.record] as records, \
            exists (select from audit_leaf l where l.position = r.position) as has_leaf \
            from audit_record r where r.position > $1 and r.position <= $2 \
            and r.written_at >= $3 and r.written_at < $4 order by r.position limit $5",
        page: PAGE,
    },
    Table {
        bounds: "/* report_log::bounds_of_groups */ \
            select min(position) as first, max(position) as last from audit_group",
        at: "/* report_log::group_at */ \
            select position, written_at from audit_group where position >= $1 order by position limit 1",
        records: "/* report_log::groups */ select g.position, g.written_at, g.records, \
            exists (select from audit_group_leaf l where l.position = g.position) as has_leaf \
            from audit_group g where g.position > $1 and g.position <= $2 \
            and g.written_at >= $3 and g.written_at < $4 order by g.position limit $5",
        page: PAGE_OF_GROUPS,
    },
];
const TREE: &str = "/* report_log::tree */ select size, pruned, \
    (select count(*) from audit_record r \
        where r.position > t.settled and r.written_at < strongroom_now() - interval '10 minutes' \
        and (select l.leaf from audit_leaf l where l.position = r.position) is null) \
    + (select coalesce(sum(cardinality(g.request_ids)), 0)::int8 from audit_group g \
        where g.position > t.groups_settled and g.written_at < strongroom_now() - interval '10 minutes' \
        and (select l.leaf from audit_group_leaf l where l.position = g.position) is null) as late \
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
    parts: Vec<Part>,
}

/// What of a table is still to be read.
#[derive(Debug)]
struct Part {
    table: &'static Table,
    /// From the position after this one.
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
    table: &Table,
    (first, last): (i64, i64),
    time: OffsetDateTime,
) -> Result<i64, Error> {
    let (mut low, mut high) = (first, last.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let row = connection.query_opt(table.at, &[&middle]).await?;
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
        let mut parts = Vec::new();
        // Taken from the end.
        for table in TABLES.iter().rev() {
            let row = connection.query_one(table.bounds, &[]).await?;
            let (first, end) = (column(&row, "first")?, column(&row, "last")?);
            let Some(bounds) = Option::zip(first, end) else {
                continue;
            };
            let (begin, end) = (from.saturating_sub(SKEW), to.saturating_add(SKEW));
            parts.push(Part {
                table,
                after: position_at(&connection, table, bounds, begin).await? - 1,
                last: position_at(&connection, table, bounds, end).await?,
            });
        }
        Ok(LogReader {
            store: self.clone(),
            from,
            to,
            parts,
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
    /// The next records, nearly in the order of time, those of earlier versions first; none once all have
    /// been read.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn page(&mut self) -> Result<Vec<LoggedRecord>, Error> {
        let connection = self.store.shared.connections.get().await?;
        while let Some(Part { table, after, last }) = self.parts.last_mut() {
            let params: Params<'_> = &[after, last, &self.from, &self.to, &table.page];
            let rows = connection.query(table.records, params).await?;
            let Some(end) = rows.last() else {
                self.parts.pop();
                continue;
            };
            *after = column(end, "position")?;
            let read = rows.iter().map(read).collect::<Result<Vec<_>, Error>>();
            return Ok(read?.into_iter().flatten().collect());
        }
        Ok(Vec::new())
    }
}

fn read(row: &Row) -> Result<Vec<LoggedRecord>, Error> {
    let (written, has_leaf) = (column(row, "written_at")?, column(row, "has_leaf")?);
    let records: Vec<Vec<u8>> = column(row, "records")?;
    let records = records.into_iter().map(|record| LoggedRecord {
        written,
        record,
        has_leaf,
    });
    Ok(records.collect())
}
