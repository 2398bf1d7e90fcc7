//! Intents, deletion, and the count of encryptions.

use crate::fixture::*;
use std::time::Duration;
use strongroom::ErrorCode;
use strongroom::model::{ConnectionState, KeyState};
use strongroom::store::*;
use time::macros::datetime;
use uuid::Uuid;

#[tokio::test]
async fn a_lease_protects_an_intent_until_it_is_past() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let intents = [create_intent(Uuid::new_v4()), create_intent(Uuid::new_v4())];
    for intent in &intents {
        store.begin_intent(intent).await.unwrap();
    }
    let (me, lease) = (Uuid::new_v4(), Duration::from_secs(30));
    assert!(
        store
            .claim_intents(me, lease, 10, &[None])
            .await
            .unwrap()
            .is_empty()
    );
    set_clock(&sql, "61 seconds").await;
    let (first, second) = tokio::join!(
        store.claim_intents(me, lease, 1, &[None]),
        store.claim_intents(me, lease, 1, &[None])
    );
    let mut claimed = first.unwrap();
    claimed.extend(second.unwrap());
    // One may have found the other's under claim, and skipped it.
    claimed.extend(store.claim_intents(me, lease, 10, &[None]).await.unwrap());
    claimed.sort_by_key(|intent| intent.version);
    claimed.dedup_by_key(|intent| intent.version);
    assert_eq!(claimed.len(), 2);
    assert!(claimed.iter().all(|i| i.owner == me && i.lease == lease));
    assert!(
        store
            .claim_intents(me, lease, 10, &[None])
            .await
            .unwrap()
            .is_empty()
    );
    store.drop_intent(intents[0].version).await.unwrap();
    assert_eq!(store.intent_rows().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_whose_intent_was_taken_over_is_not_inserted() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let insert = async |key: &Key| {
        store
            .transaction("insert", |tx| {
                let key = key.clone();
                Box::pin(async move {
                    tx.ensure_account(&key.account).await?;
                    tx.insert_key(&key).await
                })
            })
            .await
    };
    let key = key();
    let intent = create_intent(key.current_version);
    store.begin_intent(&intent).await.unwrap();
    set_clock(&sql, "61 seconds").await;
    let claimed = store
        .claim_intents(Uuid::new_v4(), Duration::from_secs(60), 10, &[None])
        .await;
    assert_eq!(claimed.unwrap().len(), 1);
    for _ in ["taken over", "gone"] {
        let error = insert(&key).await.unwrap_err();
        let lost = error.cause::<StoreError>();
        assert!(matches!(lost, Some(StoreError::IntentLost(_))), "{error}");
        store.drop_intent(key.current_version).await.unwrap();
    }
    assert!(
        store
            .key(&account(), &region(), &key.key_id)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_key_is_deleted_when_it_is_due_and_leaves_its_objects_to_destroy() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let key = key();
    insert(&store, &key).await;
    insert_alias(&store, &alias("alias/a", &key)).await.unwrap();
    let due = datetime!(2100-01-01 00:00 UTC);
    change(&store, &key, move |key| {
        key.state = KeyState::PendingDeletion;
        key.deletion = Some(due);
    })
    .await
    .unwrap();
    let delete = async || {
        store
            .transaction("delete", |tx| {
                let key = key.clone();
                Box::pin(async move {
                    let key = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
                    tx.delete_key(&key.expect("the key")).await
                })
            })
            .await
    };
    assert!(store.due_deletions(10).await.unwrap().is_empty());
    let error = delete().await.unwrap_err();
    assert!(
        matches!(error.cause(), Some(StoreError::Changed(_))),
        "{error}"
    );
    set_clock(&sql, "100 years").await;
    let found = store.due_deletions(10).await.unwrap();
    assert_eq!(found, [(account(), region(), key.key_id.to_string())]);
    let intents = delete().await.unwrap();
    assert_eq!(intents.len(), 1);
    assert_eq!(intents[0].version, key.current_version);
    assert_eq!(intents[0].kind, IntentKind::Destroy);
    assert!(
        store
            .key(&account(), &region(), &key.key_id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .alias(&account(), &region(), "alias/a")
            .await
            .unwrap()
            .is_none()
    );
    // Known by its intent, until that is finished.
    let version = key.current_version;
    let known = store.intent_rows().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].intent.version, version);
    assert!(known[0].genuine && !known[0].in_use);
    store.drop_intent(version).await.unwrap();
    assert!(store.intent_rows().await.unwrap().is_empty());
    let left = sql
        .query_one("select count(*) from material_set", &[])
        .await;
    assert_eq!(left.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn encryptions_are_counted_in_blocks_up_to_the_limit() {
    let database = Database::new().await;
    let (store, restarted) = (database.store().await, database.store().await);
    let sql = database.sql().await;
    let version = Uuid::new_v4();
    let reserved = async || {
        let row = sql
            .query_one("select reserved from gcm_reservation", &[])
            .await;
        row.unwrap().get::<_, i64>(0)
    };
    let many = (0..100).map(|_| store.count_gcm_invocation(version));
    futures_util::future::try_join_all(many).await.unwrap();
    assert_eq!(reserved().await, 1 << 10);
    restarted.count_gcm_invocation(version).await.unwrap();
    assert_eq!(reserved().await, 2 << 10);
    let more = (0..1000).map(|_| store.count_gcm_invocation(version));
    futures_util::future::try_join_all(more).await.unwrap();
    assert_eq!(
        reserved().await,
        4 << 10,
        "each block is twice the one before"
    );
    sql.execute(
        "update gcm_reservation set reserved = 4294967296 - 1024",
        &[],
    )
    .await
    .unwrap();
    let last = database.store().await;
    last.count_gcm_invocation(version).await.unwrap();
    let error = database.store().await.count_gcm_invocation(version).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), ErrorCode::LimitExceeded);
    assert!(error.message().contains("rotate"));
}

#[tokio::test]
async fn an_intent_waits_for_the_token_that_it_names() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let adopted = AdoptedObject {
        object_id: b"adopted".to_vec(),
        is_pair: true,
    };
    let intent = Intent {
        token_serial: Some("other".into()),
        adopted: Some(adopted.clone()),
        kind: IntentKind::Destroy,
        ..create_intent(Uuid::new_v4())
    };
    store.begin_intent(&intent).await.unwrap();
    set_clock(&sql, "61 seconds").await;
    let (me, lease) = (Uuid::new_v4(), Duration::from_secs(30));
    let here = [None, Some("here".to_owned())];
    let claimed = store.claim_intents(me, lease, 10, &here).await.unwrap();
    assert!(claimed.is_empty());
    let there = [Some("other".to_owned())];
    let claimed = store.claim_intents(me, lease, 10, &there).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].adopted, Some(adopted));
    // What it names is part of its MAC.
    set_clock(&sql, "122 seconds").await;
    sql.batch_execute("update intent set token_serial = 'here'")
        .await
        .unwrap();
    let claimed = store.claim_intents(me, lease, 10, &here).await.unwrap();
    assert!(claimed.is_empty());
}

#[tokio::test]
async fn keys_that_wait_for_their_key_store_keep_no_others_waiting() {
    let database = Database::new().await;
    let store = database.store().await;
    let home = key();
    insert(&store, &home).await;
    let disconnected = KeyStore {
        row: Uuid::new_v4(),
        row_version: 1,
        account: account(),
        region: region(),
        id: "cks-1".into(),
        certificate: "none".into(),
        created: CREATED,
        name: "payments".into(),
        cluster: "cluster-abcdefghijk".into(),
        wrapped_password: b"wrapped".to_vec(),
        password_tried: true,
        state: ConnectionState::Disconnected,
        error: None,
        connection: Uuid::new_v4(),
        connector: Uuid::new_v4(),
        token_serial: Some("fedcba9876543210".into()),
    };
    store
        .transaction("insert_key_store", |tx| {
            let disconnected = disconnected.clone();
            Box::pin(async move { tx.insert_key_store(&disconnected).await })
        })
        .await
        .unwrap();
    let mut stored = key();
    stored.key_store = Some(disconnected.row);
    insert(&store, &stored).await;
    for (key, day) in [(&stored, 1), (&home, 2)] {
        let deletion = datetime!(2024-03-01 00:00 UTC) + time::Duration::days(day);
        change(&store, key, move |key| {
            key.state = KeyState::PendingDeletion;
            key.deletion = Some(deletion);
        })
        .await
        .unwrap();
    }
    let first = async || {
        let due = store.due_deletions(1).await.unwrap();
        due[0].2.clone()
    };
    assert_eq!(first().await, *home.key_id);
    store
        .transaction("connect", |tx| {
            let row = disconnected.row;
            Box::pin(async move {
                let mut store = tx.lock_key_store_row(row).await?.expect("the key store");
                store.state = ConnectionState::Connected;
                tx.update_key_store(&store, Duration::ZERO).await
            })
        })
        .await
        .unwrap();
    assert_eq!(first().await, *stored.key_id);
}
