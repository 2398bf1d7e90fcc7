//! Custom key stores over several gateways and their restarts: every gateway follows the row, a
//! disconnected store's keys are used by nobody, and its keys' deletion waits for it.

use crate::deletion::{AHEAD, schedule, set_database_clock};
use crate::dev::{Dev, SHARED, scratch};
use crate::gateway::Settings;
use crate::postgres::sql;
use crate::signed::Caller;
use crate::token::objects_on;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{ConnectionStateType, OriginType};
use futures_util::future::join_all;
use std::time::{Duration, Instant};

const CLUSTER: &str = "cluster-strongroomdeva";
const PIN: &str = "cluster-strongroomdeva.pin";
const PATIENCE: Duration = Duration::from_secs(30);

async fn create(dev: &Dev) -> String {
    let pin = std::fs::read_to_string(dev.dir.join(PIN)).unwrap();
    let client = dev.client();
    let made = client
        .create_custom_key_store()
        .custom_key_store_name("vault")
        .cloud_hsm_cluster_id(CLUSTER)
        .trust_anchor_certificate("none")
        .key_store_password(pin)
        .send()
        .await
        .unwrap();
    made.custom_key_store_id().unwrap().to_owned()
}

async fn connect(client: &Client, id: &str) {
    let call = client.connect_custom_key_store().custom_key_store_id(id);
    call.send().await.unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        let call = client.describe_custom_key_stores().custom_key_store_id(id);
        let described = call.send().await.unwrap();
        match described.custom_key_stores()[0].connection_state() {
            Some(ConnectionStateType::Connected) => return,
            Some(ConnectionStateType::Connecting) => {}
            other => panic!("{other:?}"),
        }
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn disconnect(client: &Client, id: &str) {
    let call = client.disconnect_custom_key_store().custom_key_store_id(id);
    call.send().await.unwrap();
}

async fn key_in(client: &Client, store: &str) -> String {
    let made = client
        .create_key()
        .origin(OriginType::AwsCloudhsm)
        .custom_key_store_id(store)
        .send();
    let made = made.await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

/// The exception, where there is one.
async fn encrypts(client: &Client, key: &str) -> Result<(), String> {
    let call = client.encrypt().key_id(key).plaintext(Blob::new("x"));
    match call.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.code().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn every_gateway_follows_and_a_restart_finds_it_as_it_was() {
    let dir = scratch();
    let dev = Dev::start_and_keep(&dir, &["--key-stores", "1"]);
    let client = dev.client();
    let store = create(&dev).await;
    let neighbour = Settings::default().serve(&dev);
    connect(&client, &store).await;
    let key = key_in(&client, &store).await;
    let theirs = neighbour.client(&dev);
    assert_eq!(encrypts(&theirs, &key).await, Ok(()));
    disconnect(&client, &store).await;
    // At once: what the neighbour knows may be old, what it answers is not.
    let refused = Err("KMSInvalidStateException".to_owned());
    assert_eq!(encrypts(&theirs, &key).await, refused);
    assert_eq!(encrypts(&client, &key).await, refused);
    // The neighbour connects it, and the other follows: whoever comes while it opens it, waits.
    connect(&theirs, &store).await;
    let at_once = join_all((0..8).map(|_| encrypts(&client, &key))).await;
    assert_eq!(at_once, vec![Ok(()); 8]);
    assert_eq!(encrypts(&theirs, &key).await, Ok(()));
    neighbour.kill();
    dev.stop();
    // Without having to be told of the token again.
    let dev = Dev::start(&dir, &[]);
    assert_eq!(encrypts(&dev.client(), &key).await, Ok(()));
    let wrapped = sql(
        &dev,
        "select encode(wrapped_password, 'escape') from key_store",
    );
    let pin = std::fs::read_to_string(dev.dir.join(PIN)).unwrap();
    assert!(!wrapped[0].contains(pin.trim()));
    let refused = sql(
        &dev,
        "update key_store set cluster = 'cluster-strongroomdevb'; \
         select pg_notify('strongroom', 'row ' || id) from key_store",
    );
    assert_eq!(refused.len(), 1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let edited = encrypts(&dev.client(), &key).await;
    assert_eq!(edited, Err("KMSInternalException".to_owned()));
    dev.stop();
}

#[tokio::test]
async fn deletion_waits_for_a_store_that_is_not_connected() {
    let dev = Dev::start(&scratch(), &["--key-stores", "1"]);
    let client = dev.client();
    let store = create(&dev).await;
    connect(&client, &store).await;
    let key = key_in(&client, &store).await;
    assert_eq!(objects_on(&dev, CLUSTER, PIN).len(), 1);
    schedule(&client, &key).await;
    disconnect(&client, &store).await;
    set_database_clock(&dev, AHEAD);
    let often = Settings::default().every(Duration::from_millis(50));
    let gateway = often.ahead(AHEAD).serve(&dev);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let described = client.describe_key().key_id(&key).send().await.unwrap();
    let state = described.key_metadata().unwrap().key_state().unwrap();
    assert_eq!(state.as_str(), "PendingDeletion");
    assert_eq!(objects_on(&dev, CLUSTER, PIN).len(), 1, "{}", gateway.log());
    let delete = client.delete_custom_key_store().custom_key_store_id(&store);
    let error = delete.clone().send().await.unwrap_err();
    assert_eq!(error.code(), Some("CustomKeyStoreHasCMKsException"));
    connect(&client, &store).await;
    let until = Instant::now() + PATIENCE;
    while !objects_on(&dev, CLUSTER, PIN).is_empty() {
        assert!(Instant::now() < until, "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    disconnect(&client, &store).await;
    delete.send().await.unwrap();
    dev.stop();
}

#[tokio::test]
async fn a_token_is_had_by_the_accounts_that_the_configuration_names() {
    let dev = &*SHARED;
    let root = Caller::root(dev);
    let serve = |account: &str| {
        let token = r#"module = "/nowhere.so", label = "none""#;
        let clusters =
            format!(r#"{{ cluster-abcdefghijk = {{ {token}, accounts = ["{account}"] }} }}"#);
        Settings::default()
            .set("STRONGROOM_CLUSTERS", clusters)
            .serve(dev)
    };
    let (theirs, ours) = (serve("111122223333"), serve("000000000000"));
    let body = serde_json::json!({
        "CustomKeyStoreName": "squatted", "CloudHsmClusterId": "cluster-abcdefghijk",
        "KeyStorePassword": "no-pin-of-it", "TrustAnchorCertificate": "none",
    });
    let create = "TrentService.CreateCustomKeyStore";
    let refused = root.call(&theirs.address(), create, &body);
    assert_eq!(refused.code(), "CloudHsmClusterNotFoundException");
    let made = root.call(&ours.address(), create, &body).done();
    // One that was made while its account might have it is not connected any more.
    let store = serde_json::json!({ "CustomKeyStoreId": made["CustomKeyStoreId"] });
    let call = |name: &str| {
        let target = format!("TrentService.{name}");
        root.call(&theirs.address(), &target, &store).done()
    };
    call("ConnectCustomKeyStore");
    let until = Instant::now() + PATIENCE;
    let failed = loop {
        let described = call("DescribeCustomKeyStores")["CustomKeyStores"][0].clone();
        if described["ConnectionState"] != "CONNECTING" {
            break described;
        }
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        failed["ConnectionErrorCode"], "CLUSTER_NOT_FOUND",
        "{failed}"
    );
    call("DisconnectCustomKeyStore");
    call("DeleteCustomKeyStore");
}
