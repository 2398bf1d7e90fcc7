//! Last uses of keys: several gateways note and write them.

use crate::fixture::*;
use strongroom::model::KeyState;
use strongroom::model::shapes::KeyLastUsageTrackingOperation as Operation;
use strongroom::store::*;
use time::Duration;
use uuid::Uuid;

fn used(operation: Operation, seconds: i64) -> KeyUse {
    KeyUse {
        operation,
        at: CREATED.replace_nanosecond(0).unwrap() + Duration::seconds(seconds),
        request_id: Uuid::new_v4(),
    }
}

async fn last(store: &Store, key: &Key) -> Option<KeyUse> {
    store.last_use(key).await.unwrap().0
}

#[tokio::test]
async fn the_newest_of_all_gateways_wins() {
    let database = Database::new().await;
    let (one, two) = (database.store().await, database.store().await);
    let key = key();
    insert(&one, &key).await;
    assert_eq!(last(&one, &key).await, None);
    let (old, new) = (used(Operation::Sign, 1), used(Operation::Verify, 2));
    one.note_use(key.row, new);
    two.note_use(key.row, old);
    // Each knows its own before it is written.
    assert_eq!(last(&one, &key).await, Some(new));
    assert_eq!(last(&two, &key).await, Some(old));
    one.write_uses().await.unwrap();
    assert_eq!(last(&two, &key).await, Some(new));
    // What is older and comes later changes nothing.
    two.write_uses().await.unwrap();
    for store in [&one, &two] {
        assert_eq!(last(store, &key).await, Some(new));
    }
    let newest = used(Operation::Sign, 3);
    two.note_use(key.row, newest);
    two.write_uses().await.unwrap();
    two.write_uses().await.unwrap();
    assert_eq!(last(&one, &key).await, Some(newest));
    let (_, since) = one.last_use(&key).await.unwrap();
    assert!(since <= one.now().await.unwrap());
}

#[tokio::test]
async fn a_key_that_is_gone_keeps_the_others_from_nothing() {
    let database = Database::new().await;
    let store = database.store().await;
    let (gone, stays) = (key(), key());
    insert(&store, &gone).await;
    insert(&store, &stays).await;
    store.note_use(gone.row, used(Operation::Sign, 1));
    store.write_uses().await.unwrap();
    change(&store, &gone, |key| {
        key.state = KeyState::PendingDeletion;
        key.deletion = Some(CREATED);
    })
    .await
    .unwrap();
    store
        .transaction("delete", |tx| {
            let key = gone.clone();
            Box::pin(async move {
                let locked = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
                tx.delete_key(&locked.expect("the key")).await
            })
        })
        .await
        .unwrap();
    let sign = used(Operation::Sign, 2);
    store.note_use(gone.row, sign);
    store.note_use(stays.row, sign);
    store.write_uses().await.unwrap();
    assert_eq!(last(&store, &gone).await, None);
    assert_eq!(last(&store, &stays).await, Some(sign));
}

#[tokio::test]
async fn what_could_not_be_written_stays_noted() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let sql = database.sql().await;
    sql.batch_execute("alter table key_usage rename to hidden")
        .await
        .unwrap();
    let sign = used(Operation::Sign, 1);
    store.note_use(key.row, sign);
    assert!(store.write_uses().await.is_err());
    sql.batch_execute("alter table hidden rename to key_usage")
        .await
        .unwrap();
    store.write_uses().await.unwrap();
    let neighbour = database.store().await;
    assert_eq!(last(&neighbour, &key).await, Some(sign));
}
