//! What is to be rotated, and by whom.

use crate::fixture::*;
use std::time::Duration;
use strongroom::model::{KeyState, Region};
use strongroom::store::*;
use time::{Duration as Days, OffsetDateTime};
use uuid::Uuid;

#[tokio::test]
async fn one_at_a_time_has_the_lease() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let (me, you, lease) = (Uuid::new_v4(), Uuid::new_v4(), Duration::from_secs(30));
    let (mine, yours) = tokio::join!(store.lease("x", me, lease), store.lease("x", you, lease));
    let (mine, yours) = (mine.unwrap(), yours.unwrap());
    assert!(mine != yours, "one of them");
    let (has, waits) = if mine { (me, you) } else { (you, me) };
    let take = async |name, who| store.lease(name, who, lease).await.unwrap();
    assert!(take("x", has).await, "it goes on");
    assert!(take("y", waits).await, "of that name");
    set_clock(&sql, "29 seconds").await;
    assert!(!take("x", waits).await);
    assert!(take("x", has).await);
    set_clock(&sql, "58 seconds").await;
    assert!(!take("x", waits).await, "29 seconds since it was renewed");
    set_clock(&sql, "60 seconds").await;
    assert!(take("x", waits).await);
    assert!(!take("x", has).await);
    // A clock that was wrong for a while leaves no lease for a year.
    set_clock(&sql, "365 days").await;
    assert!(take("x", waits).await);
    set_clock(&sql, "0 days").await;
    assert!(take("x", has).await);
}

fn ids(found: &[Rotation]) -> Vec<&str> {
    found.iter().map(|found| &*found.key_id).collect()
}

#[tokio::test]
async fn what_is_due_and_what_is_worn() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let now = OffsetDateTime::now_utc();
    let elsewhere = Region::parse("eu-north-1").unwrap();
    // In the order of their dates; those that are to be found come first.
    let keys: Vec<Key> = (0..8).map(|_| key()).collect();
    for (at, key) in keys.iter().enumerate() {
        let mut key = key.clone();
        let days = if at == 7 { 1 } else { at as i64 - 90 };
        key.rotation_days = Some(90);
        key.next_rotation = Some((now + Days::days(days)).into());
        match at {
            2 => (key.multi_region, key.primary_region) = (true, Some(region())),
            3 => (key.multi_region, key.primary_region) = (true, Some(elsewhere.clone())),
            4 => key.state = KeyState::Disabled,
            5 => (key.rotation_days, key.next_rotation) = (None, None),
            _ => {}
        }
        insert(&store, &key).await;
    }
    let found = store.due_rotations(10).await.unwrap();
    let wanted = [0, 1, 2, 6].map(|at: usize| &*keys[at].key_id);
    assert_eq!(ids(&found), wanted);
    assert_eq!(found[0].version, keys[0].current_version);
    assert_eq!(
        (&found[0].account, &found[0].region),
        (&account(), &region())
    );
    assert_eq!(ids(&store.due_rotations(2).await.unwrap()), wanted[..2]);
    set_clock(&sql, "2 days").await;
    assert_eq!(store.due_rotations(10).await.unwrap().len(), 5);

    assert!(store.worn_keys(10).await.unwrap().is_empty());
    for (at, reserved) in [
        (0, 1 << 32),
        (1, 1 << 31),
        (3, 1 << 31),
        (4, 1 << 31),
        (6, (1_i64 << 31) - 1),
    ] {
        let reserve = "insert into gcm_reservation values ($1, $2)";
        let version = keys[at].current_version;
        sql.execute(reserve, &[&version, &reserved]).await.unwrap();
    }
    let worn = store.worn_keys(10).await.unwrap();
    let mut worn = ids(&worn);
    let mut wanted = [&*keys[0].key_id, &*keys[1].key_id];
    worn.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(worn, wanted);
}
