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
    let count = |of: &str| -> u64 {
        let name = format!("strongroom_cache_{of}_total{{row=\"key\"}} ");
        let text = text();
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap().parse().unwrap()
    };
    // The first is a miss; so is one after the store has heard that the key was made.
    for asked in 1..=4 {
        store
            .key(&key.account, &key.region, &key.key_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(count("hits") + count("misses"), asked);
    }
    assert!((1..=2).contains(&count("misses")), "{}", text());
    // Nobody else has the pool: what was lent is back.
    assert!(text().contains("strongroom_database_connections{state=\"in_use\"} 0"));
}
