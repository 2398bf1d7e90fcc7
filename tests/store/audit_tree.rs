//! Every record gets one leaf, whatever is committed when, and whoever sequences.

use crate::fixture::*;
use std::time::Duration;
use strongroom::audit::merkle::{Frontier, Hash, Node, Place, leaf_hash};
use strongroom::store::Store;
use strongroom::worker::sequencer::place;
use tokio_postgres::Client;

/// As versions before groups write them, and as others still do while they run.
const INSERT: &str = "insert into audit_record (request_id, record) \
                      select gen_random_uuid(), convert_to(g::text, 'UTF8') \
                      from generate_series(1, $1::int4) g";
/// A group for every record, and of as many as its number's last digits say.
const INSERT_GROUPS: &str = "insert into audit_group (request_ids, records) \
                             select array_agg(id order by id), array_agg(convert_to(n::text, 'UTF8')) \
                             from generate_series(1, $1::int4) g, \
                                lateral (select gen_random_uuid() as id, n \
                                    from generate_series(g, g + g % 4) n) r \
                             group by g";

/// Groups of which a round of the sequencer takes a few.
const INSERT_LARGE: &str = "insert into audit_group (request_ids, records) \
                            select array_agg(id order by id), array_agg(convert_to(n::text, 'UTF8')) \
                            from generate_series(1, $1::int4) g, \
                                lateral (select gen_random_uuid() as id, n \
                                    from generate_series(1, 300 + g % 200) n) r \
                            group by g";

/// Sequences until nothing is left to do.
async fn settle(store: &Store) {
    let mut rounds = 0;
    while store.audit_figures().await.unwrap().unsettled {
        place(store).await.unwrap();
        rounds += 1;
        assert!(rounds < 1000, "it does not end");
    }
}

/// Whether the leaves are without gaps, each record has one, and the tree is theirs.
async fn check(store: &Store, sql: &Client) -> u64 {
    let rows = sql
        .query("select leaf, record from audit_log order by leaf", &[])
        .await
        .unwrap();
    let mut frontier = Frontier::default();
    for (leaf, row) in (0i64..).zip(&rows) {
        assert_eq!(row.get::<_, Option<i64>>(0), Some(leaf));
        frontier.push(leaf_hash(row.get(1)));
    }
    let size = store.audit_figures().await.unwrap().size;
    assert_eq!(size, rows.len() as u64);
    let mut nodes = Vec::new();
    for node in Frontier::nodes_of(size) {
        nodes.push(read(store, node).await);
    }
    assert_eq!(nodes, frontier.nodes());
    size
}

async fn read(store: &Store, node: Node) -> Hash {
    let place = Place::of(node);
    let tile = (place.tile.level, place.tile.index);
    let tiles = store.audit_tiles(&[tile]).await.unwrap();
    place
        .read(&tiles[0].hashes)
        .expect("the tile is long enough")
}

#[tokio::test]
async fn a_record_that_is_committed_late_is_not_passed_over() {
    late(INSERT, "audit_leaf", [1, 20_000, 3, 4_000]).await;
    late(INSERT_GROUPS, "audit_group_leaf", [1, 1_500, 3, 300]).await;
    late(INSERT_LARGE, "audit_group_leaf", [1, 60, 3, 40]).await;
}

async fn late(insert: &str, leaves: &str, rounds: [i32; 4]) {
    let database = Database::alone().await; // transactions of others would hold back what settles
    let (store, sql) = (database.store().await, database.sql().await);
    let mut slow = database.sql().await;
    let late = slow.transaction().await.unwrap();
    late.execute(insert, &[&1]).await.unwrap();
    // Far more come after it, and get their leaves, round after round.
    for many in rounds {
        sql.execute(insert, &[&many]).await.unwrap();
        for _ in 0..4 {
            place(&store).await.unwrap();
        }
    }
    let written: i64 = sql
        .query_one("select count(*) from audit_log", &[])
        .await
        .unwrap()
        .get(0);
    let figures = store.audit_figures().await.unwrap();
    assert_eq!(figures.size, written as u64);
    assert!(figures.unsettled);
    late.commit().await.unwrap();
    settle(&store).await;
    assert!(check(&store, &sql).await > figures.size);
    let last = format!("select position from {leaves} order by leaf desc limit 1");
    let last: i64 = sql.query_one(&last, &[]).await.unwrap().get(0);
    assert_eq!(last, 1, "the first position came last");

    // What is rolled back leaves a gap in the positions, and none in the leaves.
    let gone = slow.transaction().await.unwrap();
    gone.execute(insert, &[&5]).await.unwrap();
    sql.execute(insert, &[&1]).await.unwrap();
    place(&store).await.unwrap();
    gone.rollback().await.unwrap();
    settle(&store).await;
    check(&store, &sql).await;
}

#[tokio::test]
async fn a_late_record_of_a_later_transaction_is_not_passed_over() {
    later(INSERT).await;
    later(INSERT_GROUPS).await;
}

async fn later(insert: &str) {
    let database = Database::alone().await;
    let (store, sql) = (database.store().await, database.sql().await);
    let (mut first, mut second) = (database.sql().await, database.sql().await);
    // The transaction that is the younger has the lower position, and is still under way when the
    // older one, the last that has ended, has shown its higher one.
    let older = first.transaction().await.unwrap();
    let begin = "select pg_current_xact_id()::text";
    older.query_one(begin, &[]).await.unwrap();
    let younger = second.transaction().await.unwrap();
    younger.execute(insert, &[&1]).await.unwrap();
    older.execute(insert, &[&1]).await.unwrap();
    older.commit().await.unwrap();
    for _ in 0..4 {
        place(&store).await.unwrap();
    }
    assert!(store.audit_figures().await.unwrap().unsettled);
    younger.commit().await.unwrap();
    settle(&store).await;
    assert!(check(&store, &sql).await >= 2);
}

#[tokio::test]
async fn two_sequencers_make_one_tree_of_what_many_insert() {
    let database = Database::alone().await;
    let (a, b) = (database.store().await, database.store().await);
    let sql = database.sql().await;
    let inserting = (0..6u64).map(|worker| {
        let database = &database;
        async move {
            let mut client = database.sql().await;
            for round in 0..40u64 {
                let transaction = client.transaction().await.unwrap();
                let many = ((worker + round) % 40) as i32;
                // Side by side, as a gateway of the version before and one of this.
                let insert = [INSERT, INSERT_GROUPS][worker as usize % 2];
                transaction.execute(insert, &[&many]).await.unwrap();
                tokio::time::sleep(Duration::from_millis((worker * 7 + round) % 12)).await;
                match (worker + round) % 5 {
                    0 => transaction.rollback().await.unwrap(),
                    _ => transaction.commit().await.unwrap(),
                }
            }
        }
    });
    let done = tokio::sync::watch::Sender::new(false);
    let sequence = async |store: &Store| {
        let mut rounds = 0;
        while !*done.borrow() {
            rounds += u32::from(place(store).await.unwrap().is_some());
        }
        rounds
    };
    let inserted = async {
        futures_util::future::join_all(inserting).await;
        done.send_replace(true);
    };
    let (of_a, of_b, ()) = tokio::join!(sequence(&a), sequence(&b), inserted);
    assert!(of_a > 0 && of_b > 0, "both were at it: {of_a}, {of_b}");
    settle(&a).await;
    assert!(check(&a, &sql).await > 3000);
}

#[tokio::test]
async fn a_database_of_another_server_is_sequenced() {
    let database = Database::alone().await;
    let (store, sql) = (database.store().await, database.sql().await);
    for insert in [INSERT, INSERT_GROUPS] {
        sql.execute(insert, &[&3]).await.unwrap();
    }
    place(&store).await.unwrap();
    // Restored where far fewer transactions have been.
    let ahead =
        "update audit_tree set settling_xid = '99999999999', groups_settling_xid = '99999999999'";
    sql.batch_execute(ahead).await.unwrap();
    for insert in [INSERT, INSERT_GROUPS] {
        sql.execute(insert, &[&3]).await.unwrap();
    }
    settle(&store).await;
    // Groups of 2, 3 and 4.
    assert_eq!(check(&store, &sql).await, 2 * (3 + 9));
}

/// The cost does not grow with what has its leaf, nor with what has none yet.
#[tokio::test]
async fn the_sequencer_reads_by_indexes() {
    reads_by_indexes(INSERT, 30_000, "'audit_record', 'audit_leaf'").await;
    reads_by_indexes(INSERT_GROUPS, 15_000, "'audit_group', 'audit_group_leaf'").await;
}

async fn reads_by_indexes(insert: &str, many: i32, tables: &str) {
    let database = Database::alone().await;
    let (store, sql) = (database.store().await, database.sql().await);
    sql.execute(insert, &[&many]).await.unwrap();
    sql.batch_execute("analyze").await.unwrap();
    settle(&store).await;
    sql.batch_execute("analyze").await.unwrap();
    sql.execute(insert, &[&100]).await.unwrap();
    settle(&store).await;
    drop(store); // a session's statistics are there when it ends
    let scans = format!(
        "select coalesce(sum(seq_scan), 0)::int8, sum(idx_scan)::int8 \
         from pg_stat_user_tables where relname in ({tables})"
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    let row = sql.query_one(&scans, &[]).await.unwrap();
    let (sequential, by_index): (i64, i64) = (row.get(0), row.get(1));
    // A table that is empty yet may be scanned.
    assert!(sequential < 100, "{sequential}");
    // What is behind the last leaf has none, and is not looked up; a little before it is, in each round.
    let most = i64::from(many) / 2;
    assert!((1..most).contains(&by_index), "{by_index}");
}

/// As a gateway of the version before does it, and by hand: the order of ids and positions is the
/// database's doing.
#[tokio::test]
async fn a_transaction_has_its_id_before_its_record_has_a_position() {
    let database = Database::new().await;
    let sql = database.sql().await;
    sql.batch_execute("begin; set local client_min_messages = 'warning'")
        .await
        .unwrap();
    let select = "select pg_current_xact_id_if_assigned() is not null \
                  from audit_record_position_seq";
    let before: bool = sql.query_one(select, &[]).await.unwrap().get(0);
    assert!(!before);
    // No row, and so no position: the id is there all the same.
    let none =
        "insert into audit_record (request_id, record) select gen_random_uuid(), '' where false";
    sql.execute(none, &[]).await.unwrap();
    let after: bool = sql.query_one(select, &[]).await.unwrap().get(0);
    assert!(after);
}

/// Where the position cannot be given any more, the id has been.
#[tokio::test]
async fn a_transaction_has_its_id_before_its_group_has_a_position() {
    let database = Database::new().await;
    let sql = database.sql().await;
    let exhausted = "alter sequence audit_group_position restart maxvalue 2; \
                     select nextval('audit_group_position'), nextval('audit_group_position')";
    sql.batch_execute(exhausted).await.unwrap();
    sql.batch_execute("begin; savepoint before").await.unwrap();
    let assigned = async || -> bool {
        let assigned = "select pg_current_xact_id_if_assigned() is not null";
        sql.query_one(assigned, &[]).await.unwrap().get(0)
    };
    assert!(!assigned().await);
    sql.execute(INSERT_GROUPS, &[&1]).await.unwrap_err();
    sql.batch_execute("rollback to before").await.unwrap();
    assert!(assigned().await);
}

/// As somebody may leave them who writes to the database by hand: the others get their leaves all the same.
#[tokio::test]
async fn groups_that_are_no_groups_keep_nobody_waiting() {
    let database = Database::alone().await;
    let (store, sql) = (database.store().await, database.sql().await);
    let odd = "insert into audit_group (request_ids, records) values ('{}', '{}'), ('{}', array['a'::bytea]), \
               (array[gen_random_uuid()], array[null::bytea]), (array[gen_random_uuid()], '{}'), \
               (array[gen_random_uuid()], array['a', 'b']::bytea[])";
    for _ in 0..2 {
        sql.batch_execute(odd).await.unwrap();
        sql.execute(INSERT_GROUPS, &[&3]).await.unwrap();
        settle(&store).await;
    }
    let leaves = store.audit_leaves(0, 100).await.unwrap();
    let (leaves, records): (Vec<u64>, Vec<_>) = leaves
        .into_iter()
        .map(|leaf| (leaf.leaf, leaf.record))
        .unzip();
    assert_eq!(leaves, Vec::from_iter(0..2 * (3 + 9)));
    assert_eq!(records.iter().filter(|record| record.is_none()).count(), 4);
}

/// A group of which a part is in an archive stays as it is, until all of it is.
#[tokio::test]
async fn what_is_pruned_ends_where_a_group_does() {
    let database = Database::alone().await;
    let (store, sql) = (database.store().await, database.sql().await);
    for insert in [INSERT, INSERT_GROUPS] {
        sql.execute(insert, &[&3]).await.unwrap();
    }
    settle(&store).await;
    let left = async |from: u64, to: u64| {
        let pruned = store.transaction("prune", |tx| {
            Box::pin(async move { tx.prune_audit(from, to).await })
        });
        assert!(pruned.await.unwrap());
        let leaves = store.audit_leaves(0, 100).await.unwrap();
        Vec::from_iter(leaves.into_iter().map(|leaf| leaf.leaf))
    };
    // Three alone, then groups of two, three and four.
    assert_eq!(left(0, 2).await, Vec::from_iter(2..12));
    assert_eq!(left(2, 6).await, Vec::from_iter(5..12));
    assert_eq!(left(6, 7).await, Vec::from_iter(5..12));
    assert_eq!(left(7, 8).await, Vec::from_iter(8..12));
    assert_eq!(left(8, 12).await, Vec::<u64>::new());
}
