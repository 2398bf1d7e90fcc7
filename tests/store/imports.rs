//! Versions whose material is imported: their objects come and go, the versions stay.

use crate::fixture::*;
use std::sync::Arc;
use std::time::Duration;
use strongroom::Error;
use strongroom::model::{KeyState, Origin, VersionState};
use strongroom::store::*;
use time::macros::datetime;
use uuid::Uuid;

/// A key whose material is yet to be imported.
fn external() -> Key {
    let mut key = key();
    key.origin = Origin::External;
    key.state = KeyState::PendingImport;
    let version = KeyVersion::awaiting_import(key.current_version, 1, CREATED);
    key.versions = vec![version].into();
    key
}

async fn insert_external(store: &Store) -> Key {
    let key = external();
    store
        .transaction("insert", |tx| {
            let key = key.clone();
            Box::pin(async move {
                tx.ensure_account(&key.account).await?;
                tx.insert_key(&key).await
            })
        })
        .await
        .unwrap();
    key
}

/// Puts `object`, or nothing, in the place of what the current version has; answers what is left.
async fn replace(store: &Store, key: &Key, object: Option<Uuid>) -> Result<Vec<Intent>, Error> {
    store
        .transaction("replace", |tx| {
            let key = key.clone();
            Box::pin(async move {
                let locked = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
                let key = locked.expect("the key");
                let before = key.versions[0].clone();
                let mut after = before.clone();
                after.state = match object {
                    Some(_) => VersionState::Enabled,
                    None => VersionState::PendingImport,
                };
                after.object_id = object.map(|object| Arc::from(&object.as_bytes()[..]));
                after.valid_to = object.map(|_| datetime!(2100-01-01 00:00 UTC));
                after.verifier = Some(b"verifier".to_vec());
                tx.replace_material(&key, &before, &after).await?;
                tx.update_key(&key).await?;
                Ok(tx.left())
            })
        })
        .await
}

/// What is stored: read by a gateway that has just started, since the cache of another may lag.
async fn read(database: &Database, key: &Key) -> KeyVersion {
    let store = database.store().await;
    let key = store.key(&account(), &region(), &key.key_id).await.unwrap();
    key.expect("the key").versions[0].clone()
}

/// How many versions have an object.
async fn with_material(store: &Store) -> usize {
    let rows = store.version_rows(Uuid::nil(), 100).await.unwrap();
    let versions = rows.into_iter().filter_map(|row| row.version);
    let with = versions.filter(|version| version.state != VersionState::PendingImport);
    with.count()
}

#[tokio::test]
async fn what_is_replaced_is_left_to_destroy_and_nothing_else() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = insert_external(&store).await;
    assert_eq!(with_material(&store).await, 0);
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    for object in [first, second] {
        store.begin_intent(&create_intent(object)).await.unwrap();
    }
    assert!(replace(&store, &key, Some(first)).await.unwrap().is_empty());
    let version = read(&database, &key).await;
    assert_eq!(version.cka_id(), Some(first));
    assert_eq!(version.verifier.as_deref(), Some(&b"verifier"[..]));
    assert_eq!(with_material(&store).await, 1);

    let left = replace(&store, &key, Some(second)).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].version, first);
    assert_eq!(left[0].kind, IntentKind::Destroy);
    assert_eq!(read(&database, &key).await.cka_id(), Some(second));
    // What is there is nobody's to destroy, whatever the database's owner begins.
    let sql = database.sql().await;
    let claimed = async || {
        set_clock(&sql, "1 hour").await;
        let lease = Duration::from_secs(1);
        let claimed = store.claim_intents(Uuid::new_v4(), lease, 9, &[None]);
        let claimed = claimed.await.unwrap();
        set_clock(&sql, "0").await;
        claimed
            .into_iter()
            .map(|intent| intent.version)
            .collect::<Vec<_>>()
    };
    store.begin_intent(&create_intent(second)).await.unwrap();
    assert_eq!(claimed().await, [first]);
    store.drop_intent(first).await.unwrap();
    store.drop_intent(second).await.unwrap();

    let left = replace(&store, &key, None).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].version, second);
    let version = read(&database, &key).await;
    assert_eq!(version.state, VersionState::PendingImport);
    assert!(version.is_settled(), "the verifier stays");
    assert_eq!(with_material(&store).await, 0);
}

#[tokio::test]
async fn an_import_whose_intent_was_taken_over_is_none() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let key = insert_external(&store).await;
    let object = Uuid::new_v4();
    store.begin_intent(&create_intent(object)).await.unwrap();
    set_clock(&sql, "1 hour").await;
    let claimed = store.claim_intents(Uuid::new_v4(), Duration::from_secs(60), 9, &[None]);
    assert_eq!(claimed.await.unwrap().len(), 1);
    let error = replace(&store, &key, Some(object)).await.unwrap_err();
    let lost = error.cause::<StoreError>();
    assert!(matches!(lost, Some(StoreError::IntentLost(_))), "{error}");
    assert_eq!(
        read(&database, &key).await.state,
        VersionState::PendingImport
    );
}

#[tokio::test]
async fn what_has_expired_is_found_by_the_databases_clock() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let (key, without) = (insert_external(&store).await, insert_external(&store).await);
    let object = Uuid::new_v4();
    store.begin_intent(&create_intent(object)).await.unwrap();
    replace(&store, &key, Some(object)).await.unwrap();
    assert!(store.due_expiries(9).await.unwrap().is_empty());
    set_clock(&sql, "100 years").await;
    let due = store.due_expiries(9).await.unwrap();
    assert_eq!(due, [(account(), region(), key.key_id.to_string())]);
    assert_ne!(key.key_id, without.key_id);
}

#[tokio::test]
async fn wrapping_keys_are_counted() {
    let database = Database::new().await;
    let store = database.store().await;
    store
        .begin_intent(&create_intent(Uuid::new_v4()))
        .await
        .unwrap();
    assert_eq!(store.wrapping_keys().await.unwrap(), 0);
    for n in 1..=2 {
        let intent = Intent {
            owner: Uuid::nil(),
            ..create_intent(Uuid::new_v4())
        };
        store.begin_intent(&intent).await.unwrap();
        assert_eq!(store.wrapping_keys().await.unwrap(), n);
    }
}
