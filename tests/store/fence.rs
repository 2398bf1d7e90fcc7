//! What a group of records may still be committed on.

use crate::fixture::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use strongroom::model::KeyState;
use strongroom::store::*;
use uuid::Uuid;

#[tokio::test]
async fn only_what_was_computed_on_current_rows_is_written() {
    let database = Database::new().await;
    let store = database.store().await;
    let (key, credential) = (key(), access_key("AKIA1"));
    insert(&store, &key).await;
    insert_access_key(&store, &credential).await;
    let name = alias("alias/a", &key);
    insert_alias(&store, &name).await.unwrap();
    let uses = [
        // The alias has raised it.
        RowVersion::Key(key.row, 2),
        RowVersion::Alias(name.row, 1),
        RowVersion::AccessKey(credential.row, 1),
    ];
    let group = [
        entry(&uses),
        entry(&[RowVersion::Key(key.row, 1)]),
        entry(&[]),
        entry(&[uses[0], RowVersion::Alias(Uuid::new_v4(), 1)]),
        // An id of another kind is not there in this one.
        entry(&[RowVersion::AccessKey(key.row, 1)]),
    ];
    use Committed::{Durable, Stale};
    let committed = store.commit_group(&group).await.unwrap();
    assert_eq!(committed, [Durable, Stale, Durable, Stale, Stale]);
    let sql = database.sql().await;
    let written = sql.query("select request_id from audit_log order by request_id", &[]);
    let written: Vec<Uuid> = written
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut expected = [group[0].request_id, group[2].request_id];
    expected.sort();
    assert_eq!(written, expected);

    for (change, at) in [("access_key", 2), ("kms_key", 0), ("alias", 1)] {
        store
            .transaction("change", |tx| {
                let (key, name, credential) = (key.clone(), name.clone(), credential.clone());
                Box::pin(async move {
                    let key = locked(tx, &key.key_id).await?;
                    match at {
                        0 => tx.update_key(&key).await,
                        1 => tx.delete_alias(&name, &key).await,
                        _ => tx.update_access_key(&credential).await,
                    }
                })
            })
            .await
            .unwrap();
        let used = entry(&[uses[at]]);
        assert_eq!(
            store.commit_group(&[used]).await.unwrap(),
            [Stale],
            "{change}"
        );
    }
    assert!(store.commit_group(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_what_has_changed_is_forgotten() {
    let database = Database::new().await;
    let (store, neighbour) = (database.store().await, database.store().await);
    let (key, credential) = (key(), access_key("AKIA1"));
    insert(&neighbour, &key).await;
    insert_access_key(&neighbour, &credential).await;
    let read = async || {
        let found = store.key(&key.account, &key.region, &key.key_id).await;
        let known = store.access_key("AKIA1").await.unwrap().is_some();
        (found.unwrap().unwrap().row_version, known)
    };
    assert_eq!(read().await, (1, true));
    // Once it has heard of a change, it listens, and has forgotten all that it knew before.
    let changed = change(&neighbour, &key, |key| key.description.clear());
    changed.await.unwrap();
    while read().await != (2, true) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let changed = change(&neighbour, &key, |key| key.description.push('x'));
    changed.await.unwrap();
    let uses = [
        RowVersion::Key(key.row, 2),
        RowVersion::AccessKey(credential.row, 1),
    ];
    let committed = store.commit_group(&[entry(&uses)]).await.unwrap();
    assert_eq!(committed, [Committed::Stale]);
    // Now only who remembers it knows it.
    let sql = database.sql().await;
    sql.batch_execute("delete from access_key").await.unwrap();
    assert_eq!(read().await, (3, true));
}

/// Whoever makes a change, and however: it need not know of the fence, nor of the stamp.
#[tokio::test]
async fn what_was_seen_holds_until_any_row_changes() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let (key, other) = (key(), key());
    insert(&store, &key).await;
    let uses = [RowVersion::Key(key.row, 1)];
    let commit = async || store.commit_group(&[entry(&uses)]).await.unwrap()[0];
    let stamp = async || -> Uuid {
        let row = sql.query_one("select stamp from last_change", &[]).await;
        row.unwrap().get(0)
    };
    assert_eq!(commit().await, Committed::Durable);

    // A new row is none that anybody has seen.
    let before = stamp().await;
    insert(&store, &other).await;
    assert_eq!(stamp().await, before);
    // Without triggers nobody is told: so it is not looked at again.
    let untold = "set session_replication_role = replica; \
                  update kms_key set row_version = row_version + 1; \
                  set session_replication_role = origin";
    sql.batch_execute(untold).await.unwrap();
    assert_eq!(commit().await, Committed::Durable);

    // A change of another row, and all are looked at.
    let changes = "begin; \
                   update kms_key set row_version = row_version - 1; \
                   delete from kms_key where key_id <> $key; \
                   commit";
    let changes = changes.replace("$key", &format!("'{}'", key.key_id));
    sql.batch_execute(&changes).await.unwrap();
    assert_ne!(stamp().await, before);
    for _ in 0..2 {
        assert_eq!(commit().await, Committed::Durable);
    }
    for (change, committed) in [
        ("row_version = row_version + 1", Committed::Stale),
        ("row_version = row_version - 1", Committed::Durable),
        ("id = gen_random_uuid()", Committed::Stale),
    ] {
        let change = format!("update kms_key set {change}");
        sql.batch_execute(&change).await.unwrap();
        assert_eq!(commit().await, committed, "{change}");
    }
    let before = stamp().await;
    sql.batch_execute("truncate kms_key cascade").await.unwrap();
    assert_ne!(stamp().await, before);
}

/// A group that has been let through keeps whoever changes a row waiting for its commit, also who does not take the
/// fence.
#[tokio::test]
async fn a_change_waits_for_the_groups_in_flight() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let group = database.sql().await;
    for in_flight in [
        "commit_group('{}', '{}', '{}', '{}', '{}')",
        "commit_group_if((select stamp from last_change), '{}', '{}')",
        // As versions before this one ask for it.
        "commit_audit_group('{}', '{}', '{}', '{}', '{}', null)",
        "commit_audit_group('{}', '{}', '{}', '{}', '{}', (select stamp from last_change))",
        "commit_seen_group('{}', '{}', (select stamp from last_change))",
    ] {
        let in_flight = format!("begin; select {in_flight}");
        group.batch_execute(&in_flight).await.unwrap();
        let change = database.sql().await;
        let change = tokio::spawn(async move {
            let changed = "update kms_key set row_version = row_version + 1";
            change.batch_execute(changed).await.unwrap();
        });
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(!change.is_finished(), "{in_flight}");
        group.batch_execute("commit").await.unwrap();
        change.await.unwrap();
    }
}

/// It is let through under the last stamp alone, and by a snapshot that is later than the fence.
#[tokio::test]
async fn a_seen_group_is_written_as_long_as_nothing_has_changed() {
    let database = Database::new().await;
    let _store = database.store().await;
    let sql = database.sql().await;
    let commit = async |seen: &str| {
        let group = format!(
            "select commit_group_if({seen}, array[gen_random_uuid(), gen_random_uuid()], \
             array['one', 'two']::bytea[])"
        );
        let written = sql.query_one(&group, &[]).await?;
        Ok::<bool, tokio_postgres::Error>(written.get(0))
    };
    let records = async || {
        let records = "select coalesce(string_agg(convert_from(record, 'UTF8'), ' ' order by record), '') \
                       from audit_log";
        sql.query_one(records, &[])
            .await
            .unwrap()
            .get::<_, String>(0)
    };
    assert!(!commit("gen_random_uuid()").await.unwrap());
    assert!(!commit("null").await.unwrap());
    assert_eq!(records().await, "");
    let last = "(select stamp from last_change)";
    assert!(commit(last).await.unwrap());
    assert_eq!(records().await, "one two");

    let isolated = "begin isolation level repeatable read";
    sql.batch_execute(isolated).await.unwrap();
    assert!(commit(last).await.is_err(), "with a snapshot from before");
}

/// Groups hammer on one key while it is disabled and enabled: none that starts after a change has
/// returned is written, and none that was written was committed after the change it missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_that_has_returned_is_final() {
    let database = Database::new().await;
    let (store, neighbour) = (database.store().await, database.store().await);
    let key = Arc::new(key());
    insert(&store, &key).await;
    let sql = database.sql().await;
    // Each version's commit time, kept by the change itself.
    sql.batch_execute(
        "create table changed (row_version bigint); \
         create function note() returns trigger language plpgsql as \
            'begin insert into changed values (new.row_version); return null; end'; \
         create trigger note after update on kms_key for each row execute function note()",
    )
    .await
    .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let returned = Arc::new(AtomicUsize::new(1));
    let mut hammers = Vec::new();
    for at in 0..4 {
        let store = [&store, &neighbour][at % 2].clone();
        let (key, done, returned) = (key.clone(), done.clone(), returned.clone());
        hammers.push(tokio::spawn(async move {
            let mut durable = 0;
            while !done.load(Ordering::SeqCst) {
                // What is believed before, and what had certainly been answered by then.
                let old = returned.load(Ordering::SeqCst) as i64;
                let mut entry = entry(&[RowVersion::Key(key.row, old)]);
                entry.record = old.to_string().into_bytes();
                if store.commit_group(&[entry]).await.unwrap() == [Committed::Durable] {
                    durable += 1;
                }
                let behind = [RowVersion::Key(key.row, old - 1)];
                let committed = store
                    .commit_group(&[fixture_behind(&behind)])
                    .await
                    .unwrap();
                assert_eq!(committed, [Committed::Stale]);
            }
            durable
        }));
    }
    for round in 0..40 {
        let state = [KeyState::Disabled, KeyState::Enabled][round % 2];
        change(&store, &key, move |key| key.state = state)
            .await
            .unwrap();
        returned.fetch_add(1, Ordering::SeqCst);
    }
    done.store(true, Ordering::SeqCst);
    let mut durable = 0;
    for hammer in hammers {
        durable += hammer.await.unwrap();
    }
    assert!(durable > 0);
    let late = sql
        .query_one(
            "select count(*), (select count(*) from changed) \
             from (select g.xmin, unnest(g.records) as record from audit_group g) a join changed c \
             on c.row_version = convert_from(a.record, 'UTF8')::bigint + 1 \
             where pg_xact_commit_timestamp(a.xmin) > pg_xact_commit_timestamp(c.xmin)",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(late.get::<_, i64>(1), 40);
    assert_eq!(
        late.get::<_, i64>(0),
        0,
        "committed on what had been replaced"
    );
}

/// Its record is never to be seen; it must parse where the other records do.
fn fixture_behind(uses: &[RowVersion]) -> Entry {
    let mut entry = entry(uses);
    entry.record = b"-1".to_vec();
    entry
}

/// The price of the check does not grow with the number of keys: it looks rows up by their ids.
#[tokio::test]
async fn the_check_scans_no_table() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let sql = database.sql().await;
    sql.batch_execute(
        "set session_replication_role = replica; \
         insert into kms_key select gen_random_uuid(), account, region, n::text, spec, key_usage, \
            origin, multi_region, gen_random_uuid(), created, state, description, policy, tags, \
            deletion, current_version, row_version, mac, null, null, 90, \
            strongroom_now() + interval '1 day' from kms_key, generate_series(1, 20000) n; \
         insert into gcm_reservation select gen_random_uuid(), 1 from generate_series(1, 20000); \
         analyze",
    )
    .await
    .unwrap();
    let scanned = async || {
        // A backend reports what it did when it ends.
        sql.batch_execute("select pg_stat_force_next_flush()")
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let row = sql.query_one(
            "select sum(seq_tup_read)::bigint from pg_stat_user_tables \
             where relname in ('kms_key', 'gcm_reservation')",
            &[],
        );
        row.await.unwrap().get::<_, i64>(0)
    };
    drop(store);
    let before = scanned().await;
    let store = database.store().await;
    // More often than the five times after which a plan may become a generic one.
    for _ in 0..10 {
        database.change_stamp().await;
        let group: Vec<Entry> = (0..50)
            .map(|_| entry(&[RowVersion::Key(key.row, 1)]))
            .collect();
        store.commit_group(&group).await.unwrap();
    }
    let listed = store
        .list_keys(&account(), &region(), None, 10)
        .await
        .unwrap();
    assert_eq!(listed.len(), 10);
    assert!(store.due_deletions(10).await.unwrap().is_empty());
    assert!(store.due_rotations(10).await.unwrap().is_empty());
    assert!(store.worn_keys(10).await.unwrap().is_empty());
    drop(store);
    assert_eq!(scanned().await, before);
}
