//! Rows come back as they went in, and not at all when they were edited.

use crate::fixture::*;
use std::time::Duration;
use strongroom::ErrorCode;
use strongroom::model::KeyState;
use strongroom::store::*;

#[tokio::test]
async fn a_key_comes_back_as_it_went_in() {
    let database = Database::new().await;
    let (store, other) = (database.store().await, database.store().await);
    let key = key();
    insert(&store, &key).await;
    for store in [&store, &other] {
        let read = store.key(&account(), &region(), &key.key_id).await;
        let read = read.unwrap().expect("the key");
        // To the microsecond, which is what the database keeps.
        assert_eq!(read.created.time().nanosecond(), 123_456_000);
        assert_eq!(format!("{read:?}"), format!("{key:?}"));
        let version = key.current_version;
        let by_version = store.key_of_version(&region(), version).await.unwrap();
        assert_eq!(by_version.expect("the key").row, key.row);
    }
    let listed = store.list_keys(&account(), &region(), None, 10).await;
    assert_eq!(listed.unwrap(), [&key.key_id[..]]);
    let after = Some(&key.key_id[..]);
    let listed = store.list_keys(&account(), &region(), after, 10).await;
    assert!(listed.unwrap().is_empty());
    assert!(store.intent_rows().await.unwrap().is_empty());
    assert!(
        store
            .key(&account(), &region(), "no")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_edited_row_is_refused() {
    let database = Database::new().await;
    let store = database.store().await;
    let (ours, theirs) = (key(), key());
    insert(&store, &ours).await;
    insert(&store, &theirs).await;
    insert_alias(&store, &alias("alias/a", &ours))
        .await
        .unwrap();
    insert_access_key(&store, &access_key("AKIA1")).await;
    insert_access_key(&store, &access_key("AKIA2")).await;
    let sql = database.sql().await;
    let (row, version) = (ours.row, ours.current_version);
    let edits = [
        (
            "kms_key",
            format!("update kms_key set policy = '{{}}' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set state = 'Disabled' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!(
                "update kms_key set state = 'PendingDeletion', deletion = now() where id = '{row}'"
            ),
        ),
        (
            "kms_key",
            format!("update kms_key set tags = '{{\"a\":\"2\",\"b\":\"\"}}' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set tags = '{{\"a\":1}}' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set description = '' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set key_usage = 'ENCRYPT_DECRYPT' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set spec = 'RSA_4096' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set spec = 'nonsense' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set origin = 'EXTERNAL' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!(
                "update kms_key set multi_region = true, primary_region = 'eu-west-1' \
                 where id = '{row}'"
            ),
        ),
        (
            "kms_key",
            // Past the foreign key, as a superuser may.
            format!(
                "set local session_replication_role = replica; \
                 update kms_key set key_store = '{row}' where id = '{row}'"
            ),
        ),
        (
            "kms_key",
            format!(
                "update kms_key set rotation_days = 90, next_rotation = now() where id = '{row}'"
            ),
        ),
        (
            "kms_key",
            format!("update kms_key set created = created + interval '1 us' where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set row_version = 7 where id = '{row}'"),
        ),
        (
            "kms_key",
            format!("update kms_key set mac = '' where id = '{row}'"),
        ),
        // The version is another object: every row but its own still verifies.
        (
            "key_version",
            format!("update key_version set token_serial = 'x' where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set object_id = 'x' where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set public_key = 'x' where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set public_key = null where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set birth = '{{}}' where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set number = 2 where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set spec = 'RSA_4096' where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set state = 'Disabled' where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set valid_to = now() where id = '{version}'"),
        ),
        (
            "key_version",
            format!("update key_version set verifier = 'x' where id = '{version}'"),
        ),
    ];
    for (table, edit) in &edits {
        sql.batch_execute(&format!("begin; create temp table saved_k as table kms_key; create temp table saved_v as table key_version; {edit}; commit"))
            .await
            .unwrap_or_else(|error| panic!("{edit}: {error:?}"));
        let fresh = database.store().await;
        let read = fresh.key(&account(), &region(), &ours.key_id).await;
        assert_eq!(refused(read), *table, "{edit}");
        let read = fresh.key_of_version(&region(), version).await;
        assert_eq!(refused(read), *table, "{edit}");
        let changed = change(&fresh, &ours, |key| key.description = "x".into()).await;
        assert_eq!(refused(changed), *table, "{edit}");
        restore(&sql).await;
    }
    sql.batch_execute(
        "update alias set key_id = (select key_id from kms_key k where k.key_id <> alias.key_id)",
    )
    .await
    .unwrap();
    let fresh = database.store().await;
    let read = fresh.alias(&account(), &region(), "alias/a").await;
    assert_eq!(refused(read), "alias");
    let read = fresh
        .list_aliases(&account(), &region(), None, None, 10)
        .await;
    assert_eq!(refused(read), "alias");
    sql.batch_execute(
        "update access_key set wrapped_secret = (select wrapped_secret from access_key \
         where access_key_id = 'AKIA2') where access_key_id = 'AKIA1'; \
         update access_key set enabled = not enabled where access_key_id = 'AKIA2'",
    )
    .await
    .unwrap();
    for id in ["AKIA1", "AKIA2"] {
        assert_eq!(refused(fresh.access_key(id).await), "access_key");
    }
}

async fn restore(sql: &tokio_postgres::Client) {
    sql.batch_execute(
        "begin; set local session_replication_role = replica; \
         delete from kms_key; delete from key_version; \
         insert into key_version select * from saved_v; insert into kms_key select * from saved_k; \
         drop table saved_k; drop table saved_v; commit",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn another_keys_version_is_not_taken_for_ones_own() {
    let database = Database::new().await;
    let store = database.store().await;
    let (ours, theirs) = (key(), key());
    insert(&store, &ours).await;
    insert(&store, &theirs).await;
    let sql = database.sql().await;
    // The versions trade places, each row genuine but for its id.
    let (a, b) = (ours.current_version, theirs.current_version);
    sql.batch_execute(&format!(
        "begin; set local session_replication_role = replica; \
         update key_version set id = '00000000-0000-0000-0000-000000000000' where id = '{a}'; \
         update key_version set id = '{a}' where id = '{b}'; \
         update key_version set id = '{b}' where id = '00000000-0000-0000-0000-000000000000'; \
         update kms_key set current_version = case current_version \
            when '{a}' then '{b}'::uuid else '{a}'::uuid end; commit"
    ))
    .await
    .unwrap();
    for key in [&ours, &theirs] {
        let read = store.key(&account(), &region(), &key.key_id).await;
        assert_eq!(refused(read), "kms_key");
    }
    // And with the key rows as they were, it is the versions that do not verify.
    sql.batch_execute(&format!(
        "begin; set local session_replication_role = replica; \
         update kms_key set current_version = case current_version \
            when '{a}' then '{b}'::uuid else '{a}'::uuid end; commit"
    ))
    .await
    .unwrap();
    for key in [&ours, &theirs] {
        let read = store.key(&account(), &region(), &key.key_id).await;
        assert_eq!(refused(read), "key_version");
    }
}

#[tokio::test]
async fn an_alias_that_exists_is_named_in_full() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    insert_alias(&store, &alias("alias/a", &key)).await.unwrap();
    let error = insert_alias(&store, &alias("alias/a", &key))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::AlreadyExists);
    assert_eq!(
        error.message(),
        "An alias with the name arn:aws:kms:eu-central-1:111122223333:alias/a already exists"
    );
    insert_alias(&store, &alias("alias/b", &key)).await.unwrap();
    let (account, region) = (account(), region());
    let list = |after| store.list_aliases(&account, &region, Some(&key.key_id), after, 10);
    assert_eq!(list(None).await.unwrap().len(), 2);
    assert_eq!(list(Some("alias/a")).await.unwrap()[0].name, "alias/b");
}

#[tokio::test]
async fn a_change_is_seen_at_once_here_and_soon_elsewhere() {
    let database = Database::new().await;
    let (store, neighbour) = (database.store().await, database.store().await);
    let key = key();
    insert(&store, &key).await;
    let state = async |store: &Store| {
        let key = store.key(&account(), &region(), &key.key_id).await;
        key.unwrap().unwrap().state
    };
    // Until the neighbour listens it clears its cache by itself.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(state(&neighbour).await, KeyState::Enabled);
    assert_eq!(state(&store).await, KeyState::Enabled);
    change(&store, &key, |key| key.state = KeyState::Disabled)
        .await
        .unwrap();
    assert_eq!(state(&store).await, KeyState::Disabled);
    for _ in 0..100 {
        if state(&neighbour).await == KeyState::Disabled {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the neighbour still believes the key enabled after a second");
}

#[tokio::test]
async fn an_access_key_that_is_made_is_found_although_it_was_missed() {
    let database = Database::new().await;
    let store = database.store().await;
    assert!(store.access_key("AKIA9").await.unwrap().is_none());
    insert_access_key(&store, &access_key("AKIA9")).await;
    let key = store.access_key("AKIA9").await.unwrap().expect("the key");
    assert!(!format!("{key:?}").contains("wrapped"));
}
