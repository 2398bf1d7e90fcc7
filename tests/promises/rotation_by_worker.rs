//! Promise 3, where nobody asks: keys are rotated when their time has come, by both clocks, or when
//! their material is worn.

use crate::deletion::{AHEAD, schedule, set_database_clock};
use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::postgres::sql;
use crate::rotation::{decrypt, encrypt, key, rotate};
use crate::token::objects;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::RotationType;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(86400);
const OFTEN: Duration = Duration::from_millis(50);
/// Many rounds of a worker.
const A_WHILE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// How many versions there are; their objects are on the token, and no others.
fn versions(dev: &Dev, own: &BTreeSet<String>) -> usize {
    let rows = sql(dev, "select replace(id::text, '-', '') from key_version");
    let on_token: BTreeSet<String> = objects(dev).into_keys().collect();
    assert_eq!(&on_token - own, rows.iter().cloned().collect());
    rows.len()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "not yet: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn count(dev: &Dev, from: &str) -> usize {
    sql(dev, &format!("select count(*) from {from}"))[0]
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_key_is_rotated_once_both_clocks_are_past_its_date() {
    let dev = Dev::start(&scratch(), &[]);
    let own: BTreeSet<String> = objects(&dev).into_keys().collect();
    let client = dev.client();
    let mut ids = Vec::new();
    for days in [90, 90, 90, 200] {
        let id = key(&client).await;
        let enable = client.enable_key_rotation().key_id(&id);
        enable.rotation_period_in_days(days).send().await.unwrap();
        ids.push(id);
    }
    let sealed = encrypt(&client, &ids[0], "before").await;
    let next = async |id: &str| {
        let status = client.get_key_rotation_status().key_id(id).send().await;
        status.unwrap().next_rotation_date().unwrap().secs()
    };
    let first = next(&ids[0]).await;
    client.disable_key().key_id(&ids[2]).send().await.unwrap();
    let settings = Settings::default().every(OFTEN);
    let ahead = 91 * DAY;
    for (whose, database, gateway) in [
        ("nobody's clock", Duration::ZERO, settings.clone()),
        ("the database's alone", ahead, settings.clone()),
        (
            "the gateway's alone",
            Duration::ZERO,
            settings.clone().ahead(ahead),
        ),
    ] {
        set_database_clock(&dev, database);
        let gateway = gateway.serve(&dev);
        std::thread::sleep(A_WHILE);
        assert_eq!(versions(&dev, &own), 4, "{whose}:\n{}", gateway.log());
    }
    // Three gateways: each key is rotated once.
    set_database_clock(&dev, ahead);
    let gateways = [(); 3].map(|()| settings.clone().ahead(ahead).serve(&dev));
    wait_until("the rotation", || count(&dev, "key_version") >= 6);
    std::thread::sleep(A_WHILE);
    assert_eq!(
        versions(&dev, &own),
        6,
        "of two keys that are due, not of the disabled one"
    );
    assert_eq!(count(&dev, "intent"), 0);
    let said: usize = gateways
        .iter()
        .map(|gateway| gateway.log().matches("rotated arn:").count())
        .sum();
    assert_eq!(said, 2);
    let lease = sql(&dev, "select count(*) from lease where name = 'rotation'");
    assert_eq!(lease, ["1"], "one of them had it");
    drop(gateways);
    assert_eq!(
        next(&ids[0]).await,
        first + 90 * 86400,
        "the schedule is kept"
    );
    // The disabled key, once it is enabled: at once, and not for each period that has passed.
    client.enable_key().key_id(&ids[2]).send().await.unwrap();
    let ahead = 500 * DAY;
    set_database_clock(&dev, ahead);
    let gateway = settings.ahead(ahead).serve(&dev);
    wait_until("the other rotation", || count(&dev, "key_version") >= 10);
    std::thread::sleep(A_WHILE);
    assert_eq!(versions(&dev, &own), 10, "{}", gateway.log());
    let late = next(&ids[2]).await - first;
    assert!((late - 500 * 86400).abs() < 3600, "{late}");
    drop(gateway);
    set_database_clock(&dev, Duration::ZERO);

    let was = decrypt(&client, &sealed, "before").await;
    let now = encrypt(&client, &ids[0], "after").await;
    assert_ne!(decrypt(&client, &now, "after").await, was);
    let rotations = client.list_key_rotations().key_id(&ids[0]).send().await;
    let rotations = rotations.unwrap().rotations().to_vec();
    assert_eq!(rotations.len(), 2);
    for rotation in &rotations {
        assert_eq!(rotation.rotation_type(), Some(&RotationType::Automatic));
    }
    let records = sql(
        &dev,
        &format!(
            "select r->'userIdentity'->>'invokedBy', r->'responseElements'->>'rotationType', \
             r->'resources'->0->>'ARN' like '%key/{}' \
             from (select convert_from(record, 'UTF8')::jsonb r from audit_log) a \
             where r->>'eventName' = 'RotateKey' and r::text like '%key/{}%'",
            ids[0], ids[0]
        ),
    );
    assert_eq!(records, ["strongroom.internal|AUTOMATIC|t"; 2]);

    // In the end all of its versions go with it.
    schedule(&client, &ids[0]).await;
    set_database_clock(&dev, AHEAD);
    let gateway = Settings::default().every(OFTEN).ahead(AHEAD).serve(&dev);
    let gone = || count(&dev, "key_version") == 7 && count(&dev, "intent") == 0;
    wait_until("the deletion", gone);
    assert_eq!(versions(&dev, &own), 7, "{}", gateway.log());
    dev.stop();
}

#[tokio::test]
async fn worn_material_is_replaced_and_never_passes_its_bound() {
    let dev = Dev::start(&scratch(), &[]);
    let own: BTreeSet<String> = objects(&dev).into_keys().collect();
    let client = dev.client();
    let (worn, spent) = (key(&client).await, key(&client).await);
    let disabled = key(&client).await;
    // Before they have made any: what a gateway has reserved already stays its own. The disabled
    // key is not rotated, and so shows what there is at the bound.
    client.disable_key().key_id(&disabled).send().await.unwrap();
    for (id, reserved) in [
        (&worn, 1_u64 << 31),
        (&spent, 1 << 32),
        (&disabled, 1 << 32),
    ] {
        sql(
            &dev,
            &format!(
                "insert into gcm_reservation select current_version, {reserved} \
                 from kms_key where key_id = '{id}'"
            ),
        );
    }
    let gateway = Settings::default().every(OFTEN).serve(&dev);
    wait_until("the rotations", || count(&dev, "key_version") >= 5);
    std::thread::sleep(A_WHILE);
    assert_eq!(versions(&dev, &own), 5, "{}", gateway.log());
    for id in [&worn, &spent] {
        let sealed = encrypt(&client, id, "x").await;
        decrypt(&client, &sealed, "x").await;
        let rotations = client.list_key_rotations().key_id(id).send().await;
        let rotations = rotations.unwrap().rotations().to_vec();
        assert_eq!(rotations.len(), 1, "though automatic rotation is off");
        assert_eq!(rotations[0].rotation_type(), Some(&RotationType::Automatic));
    }
    let records = sql(
        &dev,
        "select r->'responseElements'->>'reason' \
         from (select convert_from(record, 'UTF8')::jsonb r from audit_log) a \
         where r->>'eventName' = 'RotateKey'",
    );
    let reason = "its current material has made half of the encryptions that it may make";
    assert_eq!(records, [reason; 2]);
    drop(gateway);
    // At the bound itself: somebody who is not there has the lease to rotate.
    sql(
        &dev,
        "update lease set holder = gen_random_uuid(), until = now() + interval '25 seconds'",
    );
    client.enable_key().key_id(&disabled).send().await.unwrap();
    let refused = client.encrypt().key_id(&disabled).plaintext(Blob::new("x"));
    let refused = refused.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("LimitExceededException"));
    assert!(refused.message().unwrap().contains("rotate the key"));
    rotate(&client, &disabled).await;
    encrypt(&client, &disabled, "x").await;
    dev.stop();
}
