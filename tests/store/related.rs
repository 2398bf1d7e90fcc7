//! The Regions of one key: who may be deleted when, and what goes with the last of them.

use crate::fixture::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use strongroom::Error;
use strongroom::model::{BareKeyId, KeyState, Region};
use strongroom::store::*;
use time::macros::datetime;
use uuid::Uuid;

fn in_region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

/// A multi-Region key in three Regions; the first is the primary.
async fn three(store: &Store) -> Vec<Key> {
    let mut primary = key();
    primary.key_id = BareKeyId::of(Uuid::new_v4(), true);
    primary.multi_region = true;
    primary.primary_region = Some(region());
    insert(store, &primary).await;
    let mut keys = vec![primary.clone()];
    for name in ["us-east-1", "ap-south-1"] {
        let mut replica = primary.clone();
        replica.row = Uuid::new_v4();
        replica.region = in_region(name);
        insert_replica(store, &replica).await.unwrap();
        keys.push(replica);
    }
    keys
}

async fn insert_replica(store: &Store, replica: &Key) -> Result<(), Error> {
    store
        .transaction("insert_replica", |tx| {
            let replica = replica.clone();
            Box::pin(async move { tx.insert_replica(&replica).await })
        })
        .await
}

async fn schedule(store: &Store, key: &Key) {
    let due = |key: &mut Key| {
        key.state = KeyState::PendingDeletion;
        key.deletion = Some(datetime!(2024-03-01 00:00 UTC));
    };
    change(store, key, due).await.unwrap();
}

/// As a worker does; answers how many objects are to be destroyed.
async fn delete(store: &Store, key: &Key) -> Result<usize, Error> {
    store
        .transaction("delete", |tx| {
            let key = key.clone();
            Box::pin(async move {
                let locked = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
                let Some(key) = locked else { return Ok(0) };
                for other in tx.lock_related(&key).await? {
                    if other.row != key.row {
                        tx.update_key(&other).await?;
                    }
                }
                Ok(tx.delete_key(&key).await?.len())
            })
        })
        .await
}

const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

#[tokio::test]
async fn the_material_goes_with_the_last_region_in_whatever_order() {
    let database = Database::new().await;
    let store = database.store().await;
    for order in ORDERS {
        let keys = three(&store).await;
        for (at, next) in order.into_iter().enumerate() {
            let left = store.regions_of(&keys[order[2]]).await.unwrap();
            assert_eq!(left.len(), 3 - at);
            schedule(&store, &keys[next]).await;
            let destroyed = delete(&store, &keys[next]).await.unwrap();
            assert_eq!(destroyed, usize::from(at == 2), "{order:?} at {at}");
        }
        let version = keys[0].current_version;
        for key in &keys {
            let gone = store.key_of_version(&key.region, version).await.unwrap();
            assert!(gone.is_none());
        }
    }
    assert_eq!(store.intent_rows().await.unwrap().len(), ORDERS.len());
    let sql = database.sql().await;
    for table in ["kms_key", "key_version", "material_set"] {
        let left = format!("select count(*) from {table}");
        let left: i64 = sql.query_one(&left, &[]).await.unwrap().get(0);
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn two_workers_that_delete_the_last_regions_at_once_destroy_the_material_once() {
    let database = Database::new().await;
    let (here, there) = (database.store().await, database.store().await);
    for _ in 0..20 {
        let keys = three(&here).await;
        for key in &keys {
            schedule(&here, key).await;
        }
        // Each Region by two workers.
        let (a, b, c, d, e, f) = tokio::join!(
            delete(&here, &keys[0]),
            delete(&there, &keys[1]),
            delete(&here, &keys[2]),
            delete(&there, &keys[0]),
            delete(&here, &keys[1]),
            delete(&there, &keys[2]),
        );
        let destroyed: usize = [a, b, c, d, e, f].map(Result::unwrap).iter().sum();
        assert_eq!(destroyed, 1);
    }
}

/// Changes a key, then another Region's, as UpdatePrimaryRegion does.
async fn change_both(store: &Store, first: &Key, second: &Key, runs: &AtomicUsize) {
    store
        .transaction("both", |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            let (first, second) = (first.clone(), second.clone());
            Box::pin(async move {
                for key in [&first, &second] {
                    let locked = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    tx.update_key(&locked.expect("the key")).await?;
                }
                tx.lock_related(&first).await.map(drop)
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn changes_of_several_regions_do_not_wait_for_each_other() {
    let database = Database::new().await;
    let store = database.store().await;
    let keys = three(&store).await;
    let runs = AtomicUsize::new(0);
    tokio::join!(
        change_both(&store, &keys[0], &keys[1], &runs),
        change_both(&store, &keys[1], &keys[0], &runs),
        change_both(&store, &keys[2], &keys[0], &runs)
    );
    assert_eq!(runs.load(Ordering::SeqCst), 3, "there was a deadlock");
}

#[tokio::test]
async fn records_that_do_not_agree_are_refused() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    // Edited, and so without a MAC; and genuine, but with another primary than the others know.
    let keys = three(&store).await;
    let row = keys[1].row;
    let edited = "update kms_key set primary_region = 'us-east-1' where id = $1";
    sql.execute(edited, &[&row]).await.unwrap();
    assert_eq!(refused(store.regions_of(&keys[0]).await), "kms_key");
    assert_eq!(refused(delete(&store, &keys[0]).await), "kms_key");

    let keys = three(&store).await;
    let elsewhere = |key: &mut Key| key.primary_region = Some(in_region("us-east-1"));
    change(&store, &keys[1], elsewhere).await.unwrap();
    assert_eq!(refused(store.regions_of(&keys[0]).await), "kms_key");
    schedule(&store, &keys[0]).await;
    assert_eq!(refused(delete(&store, &keys[0]).await), "kms_key");
    let second = Key {
        row: Uuid::new_v4(),
        ..keys[2].clone()
    };
    insert_replica(&store, &second).await.unwrap_err(); // one for each Region
}
