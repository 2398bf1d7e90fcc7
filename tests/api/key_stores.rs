//! Custom key stores: CreateCustomKeyStore, ConnectCustomKeyStore, DisconnectCustomKeyStore,
//! UpdateCustomKeyStore, DeleteCustomKeyStore, DescribeCustomKeyStores; and the keys in them.

use crate::dev::{Dev, scratch};
use crate::{code, message};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    ConnectionErrorCodeType, ConnectionStateType, CustomKeyStoreType, CustomKeyStoresListEntry,
    KeySpec, KeyState, OriginType,
};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// With a token for each test that needs one.
static DEV: LazyLock<Dev> = LazyLock::new(|| Dev::start(&scratch(), &["--key-stores", "7"]));
const PATIENCE: Duration = Duration::from_secs(30);

fn cluster(letter: char) -> String {
    format!("cluster-strongroomdev{letter}")
}

fn pin(cluster: &str) -> String {
    std::fs::read_to_string(DEV.dir.join(format!("{cluster}.pin"))).unwrap()
}

/// Makes a key store of a token; answers its id.
async fn create(client: &Client, name: &str, letter: char, password: &str) -> String {
    let made = client
        .create_custom_key_store()
        .custom_key_store_name(name)
        .cloud_hsm_cluster_id(cluster(letter))
        .trust_anchor_certificate("<certificate-goes-here>")
        .key_store_password(password)
        .send()
        .await
        .unwrap();
    made.custom_key_store_id().unwrap().to_owned()
}

async fn describe(client: &Client, id: &str) -> CustomKeyStoresListEntry {
    let described = client.describe_custom_key_stores().custom_key_store_id(id);
    let described = described.send().await.unwrap();
    assert!(!described.truncated);
    described.custom_key_stores()[0].clone()
}

/// Connects a key store; answers what it is once it is no longer connecting.
async fn connect(client: &Client, id: &str) -> CustomKeyStoresListEntry {
    let connecting = client.connect_custom_key_store().custom_key_store_id(id);
    connecting.send().await.unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        let entry = describe(client, id).await;
        if entry.connection_state() != Some(&ConnectionStateType::Connecting) {
            return entry;
        }
        assert!(Instant::now() < until, "{id} is still connecting");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn connected(client: &Client, name: &str, letter: char) -> String {
    let id = create(client, name, letter, &pin(&cluster(letter))).await;
    let entry = connect(client, &id).await;
    let state = entry.connection_state();
    assert_eq!(state, Some(&ConnectionStateType::Connected), "{entry:?}");
    assert_eq!(entry.connection_error_code(), None);
    id
}

async fn disconnect(client: &Client, id: &str) {
    let call = client.disconnect_custom_key_store().custom_key_store_id(id);
    call.send().await.unwrap();
}

/// A key in a key store; answers its id.
async fn key_in(client: &Client, store: &str) -> String {
    let made = client
        .create_key()
        .origin(OriginType::AwsCloudhsm)
        .custom_key_store_id(store)
        .send()
        .await
        .unwrap();
    let metadata = made.key_metadata().unwrap();
    assert_eq!(metadata.custom_key_store_id(), Some(store));
    assert_eq!(metadata.origin(), Some(&OriginType::AwsCloudhsm));
    metadata.key_id().to_owned()
}

async fn encrypt(client: &Client, key: &str) -> Blob {
    let call = client.encrypt().key_id(key).plaintext(Blob::new("x"));
    call.send()
        .await
        .unwrap()
        .ciphertext_blob()
        .unwrap()
        .clone()
}

async fn decrypts(client: &Client, ciphertext: &Blob) {
    let call = client.decrypt().ciphertext_blob(ciphertext.clone());
    assert_eq!(
        call.send().await.unwrap().plaintext().unwrap().as_ref(),
        b"x"
    );
}

async fn state_of(client: &Client, key: &str) -> (KeyState, bool) {
    let described = client.describe_key().key_id(key).send().await.unwrap();
    let metadata = described.key_metadata().unwrap();
    (metadata.key_state().unwrap().clone(), metadata.enabled())
}

#[tokio::test]
async fn two_stores_have_their_own_keys_and_one_disconnected_leaves_the_other() {
    let client = DEV.client();
    let (one, two) = tokio::join!(
        connected(&client, "first", 'a'),
        connected(&client, "second", 'b')
    );
    let (first, second) = (key_in(&client, &one).await, key_in(&client, &two).await);
    let home = crate::symmetric(&client).await;
    let (x, y) = (
        encrypt(&client, &first).await,
        encrypt(&client, &second).await,
    );
    let z = encrypt(&client, &home).await;
    decrypts(&client, &x).await;

    disconnect(&client, &one).await;
    assert_eq!(
        state_of(&client, &first).await,
        (KeyState::Unavailable, false)
    );
    assert_eq!(state_of(&client, &second).await, (KeyState::Enabled, true));
    let refused = client.encrypt().key_id(&first).plaintext(Blob::new("x"));
    let error = refused.send().await.unwrap_err();
    assert_eq!(error.code(), Some("KMSInvalidStateException"));
    assert!(error.message().unwrap().ends_with(" is unavailable."));
    let refused = client.decrypt().ciphertext_blob(x.clone()).send().await;
    assert_eq!(code(refused), "KMSInvalidStateException");
    let refused = client
        .re_encrypt()
        .ciphertext_blob(y.clone())
        .destination_key_id(&first);
    assert_eq!(code(refused.send().await), "KMSInvalidStateException");
    decrypts(&client, &y).await;
    decrypts(&client, &z).await;

    // A key that is not available can be managed.
    client.disable_key().key_id(&first).send().await.unwrap();
    assert_eq!(
        state_of(&client, &first).await,
        (KeyState::Unavailable, false)
    );
    client.enable_key().key_id(&first).send().await.unwrap();
    let schedule = client.schedule_key_deletion().key_id(&first);
    schedule.send().await.unwrap();
    let (state, _) = state_of(&client, &first).await;
    assert_eq!(state, KeyState::PendingDeletion);
    let cancel = client.cancel_key_deletion().key_id(&first);
    cancel.send().await.unwrap();
    assert_eq!(state_of(&client, &first).await.0, KeyState::Unavailable);

    let entry = connect(&client, &one).await;
    assert_eq!(
        entry.connection_state(),
        Some(&ConnectionStateType::Connected)
    );
    assert_eq!(state_of(&client, &first).await, (KeyState::Disabled, false));
    client.enable_key().key_id(&first).send().await.unwrap();
    decrypts(&client, &x).await;
    let again = client
        .re_encrypt()
        .ciphertext_blob(y)
        .destination_key_id(&first);
    let again = again.send().await.unwrap();
    decrypts(&client, again.ciphertext_blob().unwrap()).await;
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_a_new_one_is_tried_again() {
    let client = DEV.client();
    let id = create(&client, "wrong password", 'c', "wrong-password").await;
    let entry = connect(&client, &id).await;
    assert_eq!(entry.connection_state(), Some(&ConnectionStateType::Failed));
    let error = entry.connection_error_code();
    assert_eq!(error, Some(&ConnectionErrorCodeType::InvalidCredentials));
    // FAILED has to be left by Disconnect.
    let refused = client.connect_custom_key_store().custom_key_store_id(&id);
    assert_eq!(
        code(refused.send().await),
        "CustomKeyStoreInvalidStateException"
    );
    let refused = client
        .update_custom_key_store()
        .custom_key_store_id(&id)
        .key_store_password(pin(&cluster('c')));
    assert_eq!(
        code(refused.send().await),
        "CustomKeyStoreInvalidStateException"
    );
    disconnect(&client, &id).await;
    // The same again: the token would say so, and is not asked.
    let entry = connect(&client, &id).await;
    let error = entry.connection_error_code();
    assert_eq!(error, Some(&ConnectionErrorCodeType::UserLockedOut));
    disconnect(&client, &id).await;
    let update = client
        .update_custom_key_store()
        .custom_key_store_id(&id)
        .key_store_password(pin(&cluster('c')));
    update.send().await.unwrap();
    let entry = connect(&client, &id).await;
    assert_eq!(
        entry.connection_state(),
        Some(&ConnectionStateType::Connected),
        "{entry:?}"
    );
    assert_eq!(entry.connection_error_code(), None);
}

#[tokio::test]
async fn names_and_clusters_are_used_once() {
    let client = DEV.client();
    let id = create(&client, "named", 'd', "some-password").await;
    let again = |name: &str, cluster: String| {
        client
            .create_custom_key_store()
            .custom_key_store_name(name)
            .cloud_hsm_cluster_id(cluster)
            .trust_anchor_certificate("certificate")
            .key_store_password("some-password")
            .send()
    };
    let refused = again("named", cluster('g')).await;
    assert_eq!(code(refused), "CustomKeyStoreNameInUseException");
    let refused = again("another", cluster('d')).await;
    assert_eq!(code(refused), "CloudHsmClusterInUseException");
    let refused = again("another", "cluster-nobodyhasit".into()).await;
    assert_eq!(code(refused), "CloudHsmClusterNotFoundException");
    let refused = client
        .update_custom_key_store()
        .custom_key_store_id(&id)
        .cloud_hsm_cluster_id("cluster-nobodyhasit");
    assert_eq!(
        code(refused.send().await),
        "CloudHsmClusterNotFoundException"
    );
    let entry = describe(&client, &id).await;
    assert_eq!(entry.custom_key_store_name(), Some("named"));
    assert_eq!(entry.cloud_hsm_cluster_id(), Some(cluster('d').as_str()));
    let certificate = entry.trust_anchor_certificate();
    assert_eq!(certificate, Some("<certificate-goes-here>"));
    assert_eq!(
        entry.custom_key_store_type(),
        Some(&CustomKeyStoreType::AwsCloudhsm)
    );
    assert_eq!(
        entry.connection_state(),
        Some(&ConnectionStateType::Disconnected)
    );
    assert!(entry.creation_date().is_some());
    let rename = client
        .update_custom_key_store()
        .custom_key_store_id(&id)
        .new_custom_key_store_name("renamed");
    rename.send().await.unwrap();
    let by_name = client
        .describe_custom_key_stores()
        .custom_key_store_name("renamed");
    let by_name = by_name.send().await.unwrap();
    assert_eq!(
        by_name.custom_key_stores()[0].custom_key_store_id(),
        Some(id.as_str())
    );
    let refused = client
        .describe_custom_key_stores()
        .custom_key_store_name("named");
    assert_eq!(
        code(refused.send().await),
        "CustomKeyStoreNotFoundException"
    );
    let delete = client.delete_custom_key_store().custom_key_store_id(&id);
    delete.send().await.unwrap();
    let refused = client.describe_custom_key_stores().custom_key_store_id(&id);
    assert_eq!(
        code(refused.send().await),
        "CustomKeyStoreNotFoundException"
    );
}

#[tokio::test]
async fn each_state_allows_what_aws_says() {
    let client = DEV.client();
    let id = connected(&client, "states", 'e').await;
    let key = key_in(&client, &id).await;
    let invalid = "CustomKeyStoreInvalidStateException";

    // CONNECTED
    let connect_again = client.connect_custom_key_store().custom_key_store_id(&id);
    connect_again.send().await.unwrap();
    let delete = || {
        client
            .delete_custom_key_store()
            .custom_key_store_id(&id)
            .send()
    };
    assert_eq!(code(delete().await), invalid);
    let update = || client.update_custom_key_store().custom_key_store_id(&id);
    let password = || update().key_store_password(pin(&cluster('e'))).send();
    assert_eq!(code(password().await), invalid);
    let rename = |name: &str| update().new_custom_key_store_name(name).send();
    rename("states 2").await.unwrap();
    let random = || {
        let call = client.generate_random().number_of_bytes(32);
        call.custom_key_store_id(&id).send()
    };
    assert_eq!(
        random().await.unwrap().plaintext().unwrap().as_ref().len(),
        32
    );
    encrypt(&client, &key).await;

    // DISCONNECTED
    disconnect(&client, &id).await;
    let again = client
        .disconnect_custom_key_store()
        .custom_key_store_id(&id);
    assert_eq!(code(again.send().await), invalid);
    let create = || {
        let call = client.create_key().origin(OriginType::AwsCloudhsm);
        call.custom_key_store_id(&id).send()
    };
    assert_eq!(code(create().await), invalid);
    assert_eq!(code(random().await), invalid);
    password().await.unwrap();
    rename("states 3").await.unwrap();
    assert_eq!(code(delete().await), "CustomKeyStoreHasCMKsException");

    let missing = client
        .delete_custom_key_store()
        .custom_key_store_id("cks-0");
    assert_eq!(
        code(missing.send().await),
        "CustomKeyStoreNotFoundException"
    );
    let missing = client
        .generate_random()
        .number_of_bytes(1)
        .custom_key_store_id("cks-0");
    assert_eq!(
        code(missing.send().await),
        "CustomKeyStoreNotFoundException"
    );
}

#[tokio::test]
async fn what_is_not_a_pkcs11_token_is_refused_by_name() {
    let client = DEV.client();
    let create = || {
        client
            .create_custom_key_store()
            .custom_key_store_name("external")
    };
    let external = create().custom_key_store_type(CustomKeyStoreType::ExternalKeyStore);
    assert_eq!(code(external.send().await), "UnsupportedOperationException");
    let external = create()
        .xks_proxy_uri_path("/example/kms/xks/v1")
        .send()
        .await;
    assert!(message(external).contains("XksProxyUriPath"));
    assert_eq!(code(create().send().await), "ValidationException");
    let bad = create()
        .cloud_hsm_cluster_id("cluster-_not_right_")
        .send()
        .await;
    assert!(message(bad).contains("'cloudHsmClusterId' failed to satisfy constraint"));
    let short = create().key_store_password("short").send().await;
    let text = message(short);
    assert!(
        text.contains("'keyStorePassword' failed") && !text.contains("short'"),
        "{text}"
    );
    let both = client
        .describe_custom_key_stores()
        .custom_key_store_id("cks-0")
        .custom_key_store_name("x");
    assert_eq!(code(both.send().await), "ValidationException");
}

#[tokio::test]
async fn only_symmetric_encryption_keys_of_one_region_are_made_in_a_store() {
    let client = DEV.client();
    let id = connected(&client, "symmetric", 'f').await;
    let create = || client.create_key().custom_key_store_id(&id);
    assert_eq!(code(create().send().await), "ValidationException");
    let cloud = || create().origin(OriginType::AwsCloudhsm);
    let asymmetric = cloud().key_spec(KeySpec::EccNistP256);
    let asymmetric = asymmetric.key_usage("SIGN_VERIFY".into()).send().await;
    assert!(message(asymmetric).contains("only create symmetric encryption KMS keys"));
    assert_eq!(
        code(cloud().multi_region(true).send().await),
        "UnsupportedOperationException"
    );
    let external = client.create_key().xks_key_id("an-external-key");
    let text = message(external.clone().send().await);
    assert!(text.contains("XksKeyId is only valid with"), "{text}");
    let external = external.custom_key_store_id(&id);
    let external = external.origin(OriginType::ExternalKeyStore);
    assert_eq!(code(external.send().await), "UnsupportedOperationException");
    let nowhere = client.create_key().origin(OriginType::AwsCloudhsm);
    assert_eq!(code(nowhere.send().await), "ValidationException");
    let key = key_in(&client, &id).await;
    let described = client.describe_key().key_id(&key).send().await.unwrap();
    let metadata = described.key_metadata().unwrap();
    assert_eq!(metadata.cloud_hsm_cluster_id(), Some(cluster('f').as_str()));
    assert_eq!(metadata.custom_key_store_id(), Some(id.as_str()));
    assert_eq!(metadata.current_key_material_id(), None);
}
