//! What the database's owner does behind the gateway's back is seen by whoever has the public key, and
//! the place is named.

use crate::gateway::Settings;
use crate::scene::{Database, Scene};

/// The end of a record is as it was, and so is its length.
const EDIT: &str = "update audit_group set records[1] = \
    convert_to(replace(convert_from(records[1], 'UTF8'), '\"readOnly\"', '\"readonly\"'), 'UTF8') \
    where position = (select position from audit_group_leaf where leaf = LEAF)";
const HASH_AGAIN: &str = "update audit_tile t set hashes = overlay(t.hashes placing \
    (select sha256('\\x00'::bytea || record) from audit_log where leaf = LEAF) from LEAF * 32 + 1) \
    where level = 0 and tile = 0";
const DROP_RECORD: &str = "delete from audit_group \
    where position = (select position from audit_group_leaf where leaf = LEAF)";
const CLOSE_THE_GAP: &str = "delete from audit_group_leaf where leaf = LEAF; \
    update audit_group_leaf set leaf = leaf + 1000000 where leaf > LEAF; \
    update audit_group_leaf set leaf = leaf - 1000001 where leaf > 1000000";
const SWAP: &str = "update audit_group_leaf set position = -position where leaf in (LEAF, LEAF + 1); \
    update audit_group_leaf l set position = -(select o.position from audit_group_leaf o \
        where o.leaf = LEAF + LEAF + 1 - l.leaf) where leaf in (LEAF, LEAF + 1)";
const INSERT: &str = "update audit_group_leaf set leaf = leaf + 1000000 where leaf >= LEAF; \
    update audit_group_leaf set leaf = leaf - 999999 where leaf >= 1000000; \
    with forged as (insert into audit_group (request_ids, records) \
        values (array[gen_random_uuid()], array['{\"eventID\":\"forged\"}'::bytea]) \
        returning position, request_ids) \
    insert into audit_group_leaf (leaf, position, request_ids) \
    select LEAF, position, request_ids from forged";
/// In the middle of a group: NTH of its records.
const EDIT_ONE: &str = "update audit_group set records[NTH] = \
    convert_to(replace(convert_from(records[NTH], 'UTF8'), '\"readOnly\"', '\"readonly\"'), 'UTF8') \
    where position = POSITION";
const DROP_ONE: &str = "update audit_group set records[NTH] = null where position = POSITION";
const SWAP_TWO: &str = "update audit_group set records = records[:NTH - 1] || records[NTH + 1] \
    || records[NTH] || records[NTH + 2:] where position = POSITION";

/// A leaf whose record is an Encrypt, as the next one's, both committed alone; and whose neighbours are in
/// the same checkpoints.
fn leaf(database: &Database) -> u64 {
    let end = database.number(
        "select max(size) from audit_checkpoint c where not exists (select from audit_checkpoint d \
         where d.size > c.size - 3 and d.size < c.size)",
    );
    let alone = format!(
        "select count(*) from audit_group_leaf \
         where leaf in ({end} - 2, {end} - 1) and cardinality(request_ids) = 1"
    );
    assert_eq!(database.number(&alone), 2);
    end - 2
}

fn event_id(database: &Database, leaf: u64) -> String {
    database.sql(&format!(
        "select convert_from(record, 'UTF8')::json ->> 'eventID' from audit_log where leaf = {leaf}"
    ))
}

/// Tampers with a copy of the database, and expects `verify` to say all of this.
async fn seen(statements: &[&str], said: impl Fn(&Database, u64) -> [String; 2]) {
    let copy = Scene::shared().await.copy();
    let leaf = leaf(&copy);
    let expected = said(&copy, leaf);
    for statement in statements {
        copy.sql(&statement.replace("LEAF", &leaf.to_string()));
    }
    let (status, said) = copy.verify(&[]);
    assert_eq!(status, 2, "{said}");
    for expected in expected {
        assert!(said.contains(&expected), "expected {expected}\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_touched_is_right() {
    let scene = Scene::shared().await;
    let copy = scene.copy();
    let (status, said) = copy.verify(&[]);
    assert_eq!(status, 0, "{said}");
    assert!(
        said.contains("right: every record is as it was signed"),
        "{said}"
    );
    assert!(said.contains("note: without --anchor"), "{said}");
    let (status, said) = copy.verify(&[&scene.middle]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("1 anchors agree"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_record_is_named() {
    seen(&[EDIT], |copy, leaf| {
        let id = event_id(copy, leaf);
        [
            format!("WRONG: leaf {leaf} (eventID {id}, requestID "),
            "the record is not the one that was signed".into(),
        ]
    })
    .await;
    // With the tree's hash of it as well, what is left is what was signed.
    seen(&[EDIT, HASH_AGAIN], |copy, leaf| {
        let from = copy.number(&format!(
            "select coalesce(max(size), 0) from audit_checkpoint where size <= {leaf}"
        ));
        [
            format!("WRONG: leaf {from} (eventID {}", event_id(copy, from)),
            "records and tree are not those that were signed".into(),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_record_is_named() {
    seen(&[DROP_RECORD], |_, leaf| {
        [
            format!("WRONG: leaf {leaf} (requestID "),
            "the record is missing".into(),
        ]
    })
    .await;
    seen(&[DROP_RECORD, CLOSE_THE_GAP], |copy, leaf| {
        let next = leaf + 1;
        [
            format!("WRONG: leaf {leaf} (eventID {}", event_id(copy, next)),
            format!("it has the record of leaf {next}"),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_and_inserted_records_are_named() {
    seen(&[SWAP], |_, leaf| {
        [
            format!("WRONG: leaf {leaf} (eventID "),
            format!("it has the record of leaf {}", leaf + 1),
        ]
    })
    .await;
    seen(&[INSERT], |_, leaf| {
        [
            format!("WRONG: leaf {leaf} (eventID forged): "),
            "the record is not the one that was signed".into(),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_group_is_named() {
    for (statement, fault) in [
        (EDIT_ONE, "the record is not the one that was signed"),
        (DROP_ONE, "the record is missing"),
        (SWAP_TWO, "it has the record of leaf "),
    ] {
        let copy = Scene::shared().await.copy();
        let large = copy.sql(
            "select leaf + 1, position from audit_group_leaf \
             where cardinality(request_ids) > 3 order by leaf limit 1",
        );
        let (leaf, position) = large.split_once('|').expect("a group of more than three");
        let statement = statement.replace("POSITION", position);
        copy.sql(&statement.replace("NTH", "2"));
        let (status, said) = copy.verify(&[]);
        assert_eq!(status, 2, "{said}");
        let named = format!("WRONG: leaf {leaf} (");
        assert!(
            said.contains(&named) && said.contains(fault),
            "{fault}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_end_is_seen_with_an_anchor() {
    let scene = Scene::shared().await;
    let copy = scene.copy();
    let newest = crate::scene::text(&copy.audit(&["checkpoint"]));
    let size = scene.middle.lines().nth(1).unwrap();
    copy.sql(&format!(
        "delete from audit_group where position in \
             (select position from audit_group_leaf where leaf >= {size}); \
         delete from audit_group_leaf where leaf >= {size}; \
         delete from audit_checkpoint where size > {size}; \
         update audit_tile set hashes = substr(hashes, 1, {size} * 32); \
         update audit_tree set size = {size}"
    ));
    let (status, said) = copy.verify(&[]);
    assert_eq!(status, 0, "nothing is left that tells: {said}");
    let (status, said) = copy.verify(&[&scene.middle]);
    assert_eq!(status, 0, "that one is still true: {said}");
    let newest_size = newest.lines().nth(1).unwrap();
    for anchor in [newest.as_str(), newest_size] {
        let (status, said) = copy.verify(&[anchor]);
        assert_eq!(status, 2, "{said}");
        let named = format!("WRONG: leaf {size}: the log ends before it");
        assert!(said.contains(&named), "{said}");
    }
}

/// A copy of the database goes on elsewhere, with the same token: two logs under one name.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_seen_with_an_anchor() {
    let scene = Scene::shared().await;
    let copy = scene.copy();
    let forked_at = copy.number("select max(size) from audit_checkpoint");
    let settings = Settings::default()
        .set("STRONGROOM_DATABASE_URL", &copy.url)
        .set("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", 1)
        .set("STRONGROOM_AUDIT_TOKEN_ANCHOR_SECONDS", 0);
    let gateway = settings.serve(&scene.dev);
    let original = scene.original();
    for client in [gateway.client(&scene.dev), scene.dev.client()] {
        client.list_keys().send().await.unwrap();
    }
    let grown = format!("select max(size) > {forked_at} from audit_checkpoint");
    copy.wait_until(&grown);
    original.wait_until(&grown);
    gateway.kill();
    let anchor = crate::scene::text(&original.audit(&["checkpoint"]));
    let size: u64 = anchor.lines().nth(1).unwrap().parse().unwrap();
    while copy.number("select max(size) from audit_checkpoint") < size {
        // The anchor has to be of what both have.
        let gateway = settings.serve(&scene.dev);
        gateway.client(&scene.dev).list_keys().send().await.unwrap();
        copy.wait_until(
            "select (select max(size) from audit_checkpoint) = (select size from audit_tree)",
        );
        gateway.kill();
    }
    let (status, said) = copy.verify(&[&scene.middle]);
    assert_eq!(status, 0, "alone it is right: {said}");
    let (status, said) = copy.verify(&[&scene.middle, &anchor]);
    assert_eq!(status, 2, "{said}");
    assert!(said.contains("there are two"), "{said}");
    let middle = scene.middle.lines().nth(1).unwrap();
    let named = format!("WRONG: leaf {middle}: from here on");
    assert!(said.contains(&named), "{said}");
}
