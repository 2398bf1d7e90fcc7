//! Promise 3: a key that is rotated, by whomever and whenever, loses nothing.

use crate::deletion::{AHEAD, schedule, set_database_clock};
use crate::dev::{Dev, SHARED, scratch};
use crate::gateway::Settings;
use crate::postgres::sql;
use crate::token::objects;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::RotationType;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(86400);
const OFTEN: Duration = Duration::from_millis(50);
/// Many rounds of a worker.
const A_WHILE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);

async fn key(client: &Client) -> String {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

async fn encrypt(client: &Client, id: &str, text: &str) -> Blob {
    let sealed = client.encrypt().key_id(id).plaintext(Blob::new(text));
    let sealed = sealed.send().await.unwrap();
    sealed.ciphertext_blob().unwrap().clone()
}

/// Decrypts it; answers the material that it was under.
async fn decrypt(client: &Client, sealed: &Blob, text: &str) -> String {
    let opened = client.decrypt().ciphertext_blob(sealed.clone());
    let opened = opened.send().await.unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), text.as_bytes());
    opened.key_material_id().unwrap().to_owned()
}

async fn rotate(client: &Client, id: &str) {
    let rotate = client.rotate_key_on_demand().key_id(id);
    rotate.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_ciphertexts_over_twenty_rotations() {
    const ROTATIONS: usize = 20;
    const CLIENTS: usize = 100;
    const EACH: usize = 5;
    let client = SHARED.client();
    let id = key(&client).await;
    let text = |turn, at, n| format!("{turn} {at} {n}");
    let mut sealed: BTreeMap<String, Blob> = BTreeMap::new();
    for turn in 0..ROTATIONS {
        let clients = (0..CLIENTS).map(|at| {
            let (client, id) = (client.clone(), id.clone());
            tokio::spawn(async move {
                let mut made = Vec::new();
                for n in 0..EACH {
                    let text = text(turn, at, n);
                    made.push((text.clone(), encrypt(&client, &id, &text).await));
                }
                made
            })
        });
        for made in futures_util::future::join_all(clients).await {
            sealed.extend(made.unwrap());
        }
        rotate(&client, &id).await;
    }
    assert_eq!(sealed.len(), 10_000);
    // All versions mixed, a share for each client.
    let mut shares = vec![Vec::new(); CLIENTS];
    for (at, one) in sealed.into_iter().enumerate() {
        shares[at % CLIENTS].push(one);
    }
    let clients = shares.into_iter().map(|share| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut by_material = BTreeMap::<String, BTreeSet<String>>::new();
            for (text, sealed) in share {
                let material = decrypt(&client, &sealed, &text).await;
                let turn = text.split(' ').next().unwrap().to_owned();
                by_material.entry(material).or_default().insert(turn);
            }
            by_material
        })
    });
    let mut by_material = BTreeMap::<String, BTreeSet<String>>::new();
    for part in futures_util::future::join_all(clients).await {
        for (material, turns) in part.unwrap() {
            by_material.entry(material).or_default().extend(turns);
        }
    }
    assert_eq!(by_material.len(), ROTATIONS, "one material for each turn");
    assert!(by_material.values().all(|turns| turns.len() == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_clients_notice_nothing_of_a_rotation() {
    let client = SHARED.client();
    let id = key(&client).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|at| {
            let (id, stop) = (id.clone(), stop.clone());
            tokio::spawn(async move {
                let client = SHARED.client();
                let mut sealed = Vec::new();
                let mut materials = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    let text = format!("{at} {}", sealed.len());
                    sealed.push((encrypt(&client, &id, &text).await, text));
                    // Its newest, and one from long ago.
                    for (blob, text) in [sealed.last().unwrap(), &sealed[sealed.len() / 2]] {
                        materials.insert(decrypt(&client, blob, text).await);
                    }
                }
                (sealed, materials)
            })
        })
        .collect();
    for _ in 0..25 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        rotate(&client, &id).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut count, mut materials) = (0, BTreeSet::new());
    for hammer in clients {
        let (sealed, seen) = hammer.await.unwrap();
        for (blob, text) in &sealed {
            decrypt(&client, blob, text).await;
        }
        count += sealed.len();
        materials.extend(seen);
    }
    assert!(count > 200, "the clients did not do much: {count}");
    assert!(materials.len() > 20, "they saw {}", materials.len());
    // Nobody goes on with the old material once a rotation was answered.
    let last = encrypt(&client, &id, "x").await;
    let described = client.describe_key().key_id(&id).send().await.unwrap();
    let current = described.key_metadata().unwrap().current_key_material_id();
    assert_eq!(current, Some(&*decrypt(&client, &last, "x").await));
}

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
    let lease = sql(&dev, "select name from lease");
    assert_eq!(lease, ["rotation"], "one of them had it");
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
             from (select convert_from(record, 'UTF8')::jsonb r from audit_record) a \
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
         from (select convert_from(record, 'UTF8')::jsonb r from audit_record) a \
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
