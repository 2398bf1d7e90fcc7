//! What is counted for the metrics.

use crate::fixture::*;
use strongroom::metrics;
use strongroom::model::KeyState;

#[tokio::test]
async fn keys_by_state_and_the_least_gcm_budget() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    assert_eq!(
        store.keys_by_state().await.unwrap(),
        [(KeyState::Enabled, 0)]
    );
    assert_eq!(store.least_gcm_budget().await.unwrap(), 1.0);
    let keys: Vec<_> = (0..5).map(|_| key()).collect();
    for (at, key) in keys.iter().enumerate() {
        let mut key = key.clone();
        if at > 2 {
            key.state = KeyState::Disabled;
        }
        insert(&store, &key).await;
    }
    let mut found = store.keys_by_state().await.unwrap();
    found.sort_by_key(|(_, many)| *many);
    let wanted = [(KeyState::Disabled, 2), (KeyState::Enabled, 3)];
    assert_eq!(found, wanted);

    let no_more = uuid::Uuid::new_v4();
    for (version, reserved) in [
        (keys[0].current_version, 1_i64 << 30),
        (keys[1].current_version, 1 << 31),
        // Disabled, or current no longer: neither makes any more of them.
        (keys[4].current_version, 1 << 32),
        (no_more, 1 << 32),
    ] {
        let reserve = "insert into gcm_reservation values ($1, $2)";
        sql.execute(reserve, &[&version, &reserved]).await.unwrap();
    }
    assert_eq!(store.least_gcm_budget().await.unwrap(), 0.5);
}

#[tokio::test]
async fn what_is_in_memory_is_a_hit() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let text = || metrics::text(store.metrics());
    for (hits, misses) in [(0, 1), (1, 1), (2, 1)] {
        store
            .key(&key.account, &key.region, &key.key_id)
            .await
            .unwrap()
            .unwrap();
        let text = text();
        for line in [
            format!("strongroom_cache_hits_total{{row=\"key\"}} {hits}"),
            format!("strongroom_cache_misses_total{{row=\"key\"}} {misses}"),
        ] {
            assert!(text.contains(&line), "{line}:\n{text}");
        }
    }
    // Nobody else has the pool: what was lent is back.
    assert!(text().contains("strongroom_database_connections{state=\"in_use\"} 0"));
}
