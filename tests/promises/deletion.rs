//! Promise 4: a key is destroyed when its time has come, by both clocks, and not before.

use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::postgres::sql;
use crate::token::objects;
use aws_sdk_kms::Client;
use aws_sdk_kms::types::KeyState;
use std::time::{Duration, Instant};

/// Past the shortest window there is.
pub const AHEAD: Duration = Duration::from_secs(8 * 86400);
const OFTEN: Duration = Duration::from_millis(50);
/// Many rounds of a worker.
const A_WHILE: Duration = Duration::from_secs(1);

/// Puts the database's clock ahead.
pub fn set_database_clock(dev: &Dev, ahead: Duration) {
    let statement = format!(
        "create or replace function strongroom_now() returns timestamptz language sql volatile \
         as 'select clock_timestamp() + make_interval(secs => {})'",
        ahead.as_secs()
    );
    sql(dev, &statement);
}

/// Lets the key be destroyed as soon as may be.
pub async fn schedule(client: &Client, id: &str) {
    client
        .schedule_key_deletion()
        .key_id(id)
        .pending_window_in_days(7)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_is_destroyed_once_both_clocks_are_past_its_date() {
    let dev = Dev::start(&scratch(), &[]);
    let client = dev.client();
    let made = client.create_key().send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let version = sql(&dev, "select replace(id::text, '-', '') from key_version")
        .pop()
        .unwrap();
    schedule(&client, &id).await;
    let settings = Settings::default().every(OFTEN);
    for (whose, database, gateway) in [
        ("nobody's clock", Duration::ZERO, settings.clone()),
        ("the database's clock alone", AHEAD, settings.clone()),
        (
            "the gateway's clock alone",
            Duration::ZERO,
            settings.clone().ahead(AHEAD),
        ),
    ] {
        set_database_clock(&dev, database);
        let gateway = gateway.serve(&dev);
        std::thread::sleep(A_WHILE);
        let described = client.describe_key().key_id(&id).send().await.unwrap();
        let state = described.key_metadata().unwrap().key_state();
        assert_eq!(state, Some(&KeyState::PendingDeletion), "{whose}");
        assert!(objects(&dev).contains_key(&version), "{whose}");
        let alarmed = gateway
            .log()
            .contains("ALERT worker: this clock and the database's");
        assert_eq!(
            alarmed,
            whose != "nobody's clock",
            "{whose}:\n{}",
            gateway.log()
        );
    }
    set_database_clock(&dev, AHEAD);
    let gateway = settings.ahead(AHEAD).serve(&dev);
    let begun = Instant::now();
    while objects(&dev).contains_key(&version) {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{}",
            gateway.log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let described = client.describe_key().key_id(&id).send().await;
    let error = described.unwrap_err().into_service_error();
    assert!(error.is_not_found_exception(), "{error:?}");
    assert_eq!(sql(&dev, "select count(*) from key_version"), ["0"]);
    let records = sql(
        &dev,
        &format!(
            "select r->'resources' from (select convert_from(record, 'UTF8')::jsonb r from audit_log) a \
             where r->>'eventName' = 'DeleteKey' and r::text like '%key/{id}%'"
        ),
    );
    assert_eq!(records.len(), 1, "a record of the destruction");
    dev.stop();
}
