//! Records get their places in the tree: leaves without gaps, each record one. `audit_settled` says which
//! of them may lack one yet.

use super::audit_settled::Settled;
use super::pool::{Params, column};
use super::{Store, Transaction};
use crate::Error;
use tokio_postgres::Row;

/// Records that are looked at in one transaction, of those with a row each.
const LOOK: i64 = 8192;
/// How far behind the newest leaf: [`Settled::look_after`].
const BEHIND: i64 = 2048;
/// The same of groups, of which as many are placed as have so many records, and one more.
const LOOK_GROUPS: i64 = 512;
const BEHIND_GROUPS: i64 = 128;

// The highest positions that are to be seen, before this transaction has an id.
const NEWEST: &str = "/* audit_tree::newest */ \
    select (select position from audit_record order by position desc limit 1) as newest, \
        (select position from audit_group order by position desc limit 1) as newest_group";
// Who has the row's lock is the sequencer; the others do without. A plan from when the tables were small
// must not scan them once they are not.
const LOCK: &str = "/* audit_tree::lock */ select set_config('enable_seqscan', 'off', true) \
    from audit_tree for update skip locked";
// After the lock, in a snapshot of its own: before it another may have moved the row on. A database
// that was restored elsewhere may name a transaction of the other server that this one has not reached.
const STATE: &str = "/* audit_tree::state */ \
    select t.size, s.of_groups, s.settled, s.settling, s.placed, \
        s.xid <= pg_snapshot_xmin(pg_current_snapshot()) as quiet, \
        s.xid > pg_snapshot_xmax(pg_current_snapshot()) as elsewhere \
    from audit_tree t, lateral ( \
        values (false, t.settled, t.settling, t.settling_xid, \
                (select position from audit_leaf order by position desc limit 1)), \
            (true, t.groups_settled, t.groups_settling, t.groups_settling_xid, \
                (select position from audit_group_leaf order by position desc limit 1)) \
    ) as s (of_groups, settled, settling, xid, placed) \
    order by s.of_groups";
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
    select (select count(*) from seen) < $2 as whole, (select max(position) from seen) as seen_to, \
        array(select hash from fresh order by nth) as hashes";
// A group has as many leaves as requests, whatever has become of its records.
const PLACE_GROUPS: &str = "/* audit_tree::place_groups */ \
    with looked as materialized ( \
        select n.*, sum(new) over (order by position) - new as before from ( \
            select s.*, case when leaf is null then many else 0 end as new from ( \
                select g.position, g.request_ids, g.records, cardinality(g.request_ids) as many, \
                    case when g.position <= $4 then (select l.leaf from audit_group_leaf l \
                        where l.position = g.position) end as leaf \
                from audit_group g where g.position > $1 order by g.position limit $2 \
            ) s \
        ) n \
    ), seen as materialized ( \
        select position, request_ids, before, new, case when new > 0 then array( \
                select sha256('\\x00'::bytea || coalesce(u.record, '')) \
                from unnest(request_ids, records) with ordinality as u (request_id, record, nth) \
                where nth <= many order by nth \
            ) end as hashes \
        from looked where before < $5 \
    ), placed as ( \
        insert into audit_group_leaf (leaf, position, request_ids) \
        select $3 + before, position, request_ids from seen where new > 0 \
    ) \
    select (select count(*) from looked) < $2 \
            and not exists (select from looked where before >= $5) as whole, \
        (select max(position) from seen) as seen_to, \
        array( \
            select u.hash from seen, unnest(hashes) with ordinality as u (hash, nth) order by position, nth \
        ) as hashes";
// `settling` was seen before this transaction was given its id, so whoever has a position up to there was
// given one before. A snapshot's `xmax` says less: it is behind the last that has ended, and a transaction
// that is under way may have a greater id.
const MOVE: &str = "/* audit_tree::move */ \
    update audit_tree set size = $1, settled = $2, \
        settling = coalesce($3, settling), \
        settling_xid = case when $3::int8 is null then settling_xid \
            else pg_current_xact_id() end, \
        groups_settled = $4, \
        groups_settling = coalesce($5, groups_settling), \
        groups_settling_xid = case when $5::int8 is null then groups_settling_xid \
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
        let state = self.connection.query(STATE, &[]).await?;
        let [records, groups] = &state[..] else {
            return Err(Error::internal("the audit log's tree has no row"));
        };
        let first: i64 = column(records, "size")?;
        let records = Settled::read(records, column(&newest, "newest")?)?;
        let groups = Settled::read(groups, column(&newest, "newest_group")?)?;

        let (look, placed) = (records.look_after(BEHIND), records.placed);
        let single = self.place(PLACE, &[&look, &LOOK, &first, &placed]).await?;
        let (settled, settling) = records.moved(single.seen_to);

        let next = first + single.hashes.len() as i64;
        let (look, placed) = (groups.look_after(BEHIND_GROUPS), groups.placed);
        let params: Params<'_> = &[&look, &LOOK_GROUPS, &next, &placed, &LOOK];
        let grouped = self.place(PLACE_GROUPS, params).await?;
        let (groups_settled, groups_settling) = groups.moved(grouped.seen_to);

        let size = next + grouped.hashes.len() as i64;
        let moved: Params<'_> = &[
            &size,
            &settled,
            &settling,
            &groups_settled,
            &groups_settling,
        ];
        self.connection.execute(MOVE, moved).await?;
        Ok(Some(Placed {
            first: first as u64,
            more: single.seen_to.is_some() || grouped.seen_to.is_some(),
            hashes: [single.hashes, grouped.hashes].concat(),
        }))
    }

    async fn place(&self, statement: &'static str, params: Params<'_>) -> Result<Looked, Error> {
        let row = self.connection.query_one(statement, params).await?;
        let hashes: Vec<&[u8]> = column(&row, "hashes")?;
        let hashes = hashes.into_iter().map(|hash| {
            let hash = <[u8; 32]>::try_from(hash);
            hash.map_err(|_| Error::internal("a leaf's hash has another length"))
        });
        let whole: bool = column(&row, "whole")?;
        Ok(Looked {
            seen_to: column::<Option<i64>>(&row, "seen_to")?.filter(|_| !whole),
            hashes: hashes.collect::<Result<_, _>>()?,
        })
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
    // A tile's number is less than a leaf's, which is a bigint.
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

/// What came of a look at one of the tables.
struct Looked {
    /// The position up to which it went; `None` where that was all there is.
    seen_to: Option<i64>,
    /// Of the leaves that are new.
    hashes: Vec<[u8; 32]>,
}
