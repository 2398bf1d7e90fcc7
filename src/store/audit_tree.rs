//! Records get their places in the tree: leaves without gaps, each record one.
//!
//! Positions are not in the order of commits, so a record may come to light behind one that has its
//! leaf. `settled` is behind all of those: it moves to a position once every transaction that may
//! have been given one up to there has ended. For that a transaction has its id before its record
//! gets a position (`sql/V13__audit_tree.sql`).

use super::pool::column;
use super::{Store, Transaction};
use crate::Error;
use tokio_postgres::Row;

/// Records that are looked at in one transaction.
const LOOK: i64 = 8192;
/// While an old transaction keeps `settled` back, how far behind the newest leaf a record may come to
/// light that is looked for at once. What is further behind waits for that transaction.
const BEHIND: i64 = 2048;

// The highest position that is to be seen, before this transaction has an id.
const NEWEST: &str = "/* audit_tree::newest */ \
    select (select position from audit_record order by position desc limit 1) as newest";
// Who has the row's lock is the sequencer; the others do without. A plan from when the tables were small
// must not scan them once they are not; and what it costs by the planner's reckoning is no matter then.
const LOCK: &str = "/* audit_tree::lock */ select set_config('enable_seqscan', 'off', true), \
    set_config('jit', 'off', true) from audit_tree for update skip locked";
// After the lock, in a snapshot of its own: before it another may have moved the row on. A database
// that was restored elsewhere may name a transaction of the other server that this one has not reached.
const STATE: &str = "/* audit_tree::state */ \
    select size, settled, settling, \
        settling_xid <= pg_snapshot_xmin(pg_current_snapshot()) as quiet, \
        settling_xid > pg_snapshot_xmax(pg_current_snapshot()) as elsewhere, \
        (select position from audit_leaf order by position desc limit 1) as placed \
    from audit_tree";
// Each record's leaf is looked up in a scalar subquery, which no plan turns into a join of all; and where
// none can be, behind the last position that has one, it is not looked up.
const PLACE: &str = "/* audit_tree::place */ \
    with seen as materialized ( \
        select position, \
            case when leaf is null then request_id end as request_id, \
            case when leaf is null then sha256('\\x00'::bytea || record) end as hash \
        from ( \
            select r.position, r.request_id, r.record, case when r.position <= $4 then \
                (select l.leaf from audit_leaf l where l.position = r.position) end as leaf \
            from audit_record r where r.position > $1 order by r.position limit $2 \
        ) s \
    ), fresh as materialized ( \
        select row_number() over (order by position) as nth, position, request_id, hash \
        from seen where hash is not null \
    ), placed as ( \
        insert into audit_leaf (leaf, position, request_id) \
        select $3 + nth - 1, position, request_id from fresh \
    ) \
    select (select count(*) from seen) as seen, (select max(position) from seen) as seen_to, \
        array(select hash from fresh order by nth) as hashes";
// `settling` was seen before this transaction was given its id, so whoever has a position up to there was
// given one before. A snapshot's `xmax` says less: it is behind the last that has ended, and a transaction
// that is under way may have a greater id.
const MOVE: &str = "/* audit_tree::move */ \
    update audit_tree set size = $1, settled = $2, \
        settling = coalesce($3, settling), \
        settling_xid = case when $3::int8 is null then settling_xid \
            else pg_current_xact_id() end";
const TILES: &str = "/* audit_tree::tiles */ \
    select t.level, t.tile, t.hashes from unnest($1::int2[], $2::int8[]) as w (level, tile) \
    join audit_tile t on t.level = w.level and t.tile = w.tile";
const PUT_TILES: &str = "/* audit_tree::put_tiles */ \
    insert into audit_tile (level, tile, hashes) \
    select * from unnest($1::int2[], $2::int8[], $3::bytea[]) \
    on conflict (level, tile) do update set hashes = excluded.hashes";

/// Up to 256 hashes of one level of the tree (C2SP tlog-tiles).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTile {
    /// 0 for the leaves' own hashes.
    pub level: u8,
    /// Its number in the level, from the left.
    pub index: u64,
    /// The hashes, of 32 bytes each, from the left.
    pub hashes: Vec<u8>,
}

/// Records that have been given their leaves.
#[derive(Debug)]
pub struct Placed {
    /// The first one's leaf: the tree's size before.
    pub first: u64,
    /// The leaves' hashes.
    pub hashes: Vec<[u8; 32]>,
    /// Whether there may be more that wait.
    pub more: bool,
}

impl Transaction<'_> {
    /// Gives the next records their leaves, a bounded number of them, in order of position. `None` where
    /// another gateway is at it. The tree's tiles are the caller's to bring along, in the same
    /// transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn place_records(&self) -> Result<Option<Placed>, Error> {
        let newest = self.connection.query_one(NEWEST, &[]).await?;
        if self.connection.query_opt(LOCK, &[]).await?.is_none() {
            return Ok(None);
        }
        let state = self.connection.query_one(STATE, &[]).await?;
        let state = State::read(&state, column(&newest, "newest")?)?;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&state.look_after(), &LOOK, &state.size, &state.placed];
        let row = self.connection.query_one(PLACE, &params).await?;
        let hashes: Vec<Vec<u8>> = column(&row, "hashes")?;
        let hashes = hashes.into_iter().map(|hash| {
            let hash = <[u8; 32]>::try_from(hash);
            hash.map_err(|_| Error::internal("a leaf's hash has another length"))
        });
        let hashes = hashes.collect::<Result<Vec<_>, _>>()?;
        let more = column::<i64>(&row, "seen")? >= LOOK;
        let seen_to = column::<Option<i64>>(&row, "seen_to")?.filter(|_| more);
        let (settled, settling) = state.moved(seen_to);
        let size = state.size + hashes.len() as i64;
        self.connection
            .execute(MOVE, &[&size, &settled, &settling])
            .await?;
        Ok(Some(Placed {
            first: state.size as u64,
            hashes,
            more,
        }))
    }

    /// The tiles of these levels and numbers that there are.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_tiles(&self, wanted: &[(u8, u64)]) -> Result<Vec<AuditTile>, Error> {
        let (levels, tiles): (Vec<i16>, Vec<i64>) = wanted.iter().map(numbers).unzip();
        let rows = self.connection.query(TILES, &[&levels, &tiles]).await?;
        rows.iter().map(tile).collect()
    }

    /// Writes tiles, in the place of those that had fewer hashes.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_audit_tiles(&self, tiles: &[AuditTile]) -> Result<(), Error> {
        let numbers = tiles.iter().map(|tile| numbers(&(tile.level, tile.index)));
        let (levels, numbers): (Vec<i16>, Vec<i64>) = numbers.unzip();
        let hashes: Vec<&[u8]> = tiles.iter().map(|tile| &tile.hashes[..]).collect();
        self.connection
            .execute(PUT_TILES, &[&levels, &numbers, &hashes])
            .await?;
        Ok(())
    }
}

impl Store {
    /// The tiles of these levels and numbers that there are.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_tiles(&self, wanted: &[(u8, u64)]) -> Result<Vec<AuditTile>, Error> {
        let (levels, tiles): (Vec<i16>, Vec<i64>) = wanted.iter().map(numbers).unzip();
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(TILES, &[&levels, &tiles]).await?;
        rows.iter().map(tile).collect()
    }
}

fn numbers((level, tile): &(u8, u64)) -> (i16, i64) {
    // A tile's number is less than a leaf's, which is a position's: a bigint.
    (i16::from(*level), i64::try_from(*tile).unwrap_or(i64::MAX))
}

fn tile(row: &Row) -> Result<AuditTile, Error> {
    let wrong = |_| Error::internal("a tile's number");
    Ok(AuditTile {
        level: u8::try_from(column::<i16>(row, "level")?).map_err(wrong)?,
        index: u64::try_from(column::<i64>(row, "tile")?).map_err(wrong)?,
        hashes: column(row, "hashes")?,
    })
}

/// The row, and what is around it.
#[derive(Debug, Clone, Copy)]
struct State {
    size: i64,
    settled: i64,
    settling: i64,
    /// All transactions that may have a position up to `settling` have ended.
    quiet: bool,
    /// The transaction to wait for is another server's.
    elsewhere: bool,
    /// The highest position that was to be seen before the sequencer's transaction had an id.
    newest: i64,
    /// The highest position that has a leaf.
    placed: i64,
}

impl State {
    fn read(row: &Row, newest: Option<i64>) -> Result<Self, Error> {
        let settled = column(row, "settled")?;
        Ok(Self {
            size: column(row, "size")?,
            settled,
            settling: column(row, "settling")?,
            quiet: column(row, "quiet")?,
            elsewhere: column(row, "elsewhere")?,
            newest: newest.unwrap_or(settled),
            placed: column::<Option<i64>>(row, "placed")?.unwrap_or(settled),
        })
    }

    /// Behind which position to look for records without a leaf.
    fn look_after(&self) -> i64 {
        match self.quiet {
            true => self.settled,
            false => self.settled.max(self.placed - BEHIND),
        }
    }

    /// `settled`, and `settling` where there is a new one, once all records up to `seen_to`, or all that
    /// are to be seen, have their leaves.
    fn moved(&self, seen_to: Option<i64>) -> (i64, Option<i64>) {
        let settled = match self.quiet {
            true => seen_to.unwrap_or(self.settling).min(self.settling),
            false => self.settled,
        };
        let settled = settled.max(self.settled);
        let again = settled >= self.settling || self.elsewhere;
        (settled, again.then_some(self.newest.max(settled)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: State = State {
        size: 0,
        settled: 10,
        settling: 20_000,
        quiet: true,
        elsewhere: false,
        newest: 30_000,
        placed: 25_000,
    };

    #[test]
    fn what_may_still_come_to_light_is_not_settled() {
        let running = State {
            quiet: false,
            ..STATE
        };
        assert_eq!(running.moved(None), (10, None));
        assert_eq!(running.look_after(), 25_000 - BEHIND);
        assert_eq!(STATE.look_after(), 10);
        assert_eq!(STATE.moved(None), (20_000, Some(30_000)));
        assert_eq!(STATE.moved(Some(8_000)), (8_000, None));
        let restored = State {
            elsewhere: true,
            ..running
        };
        assert_eq!(restored.moved(None), (10, Some(30_000)));
    }
}
