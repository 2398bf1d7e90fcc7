//! What an account may have is exact, whoever else makes some at the same time.

use crate::fixture::*;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use strongroom::model::{AccountId, arn};
use strongroom::store::*;
use strongroom::{Error, ErrorCode};
use uuid::Uuid;

/// A store whose accounts may have little, but for one.
async fn store(database: &Database, quota: ResourceQuota) -> Store {
    let rich = (another(), ResourceQuota::default());
    let quotas = ResourceQuotas {
        default: quota,
        accounts: [rich].into(),
    };
    let config = StoreConfig {
        quotas,
        ..database.config()
    };
    let store = Store::open(config).await.unwrap();
    store.set_seal(std::sync::Arc::new(Seal));
    for account in [account(), another()] {
        let made = store.transaction("account", move |tx| {
            let account = account.clone();
            Box::pin(async move { tx.ensure_account(&account).await })
        });
        made.await.unwrap();
    }
    store
}

fn another() -> AccountId {
    AccountId::parse("444455556666").unwrap()
}

/// How many went well; the others were beyond the quota.
fn count(results: Vec<Result<(), Error>>) -> usize {
    let refused = results.iter().filter_map(|result| result.as_ref().err());
    for error in refused {
        assert_eq!(error.code(), ErrorCode::LimitExceeded, "{error}");
    }
    results.iter().filter(|result| result.is_ok()).count()
}

async fn try_insert(store: &Store, key: Key) -> Result<(), Error> {
    for version in &key.versions {
        let intent = create_intent(version.id);
        store.begin_intent(&intent).await.unwrap();
    }
    let inserted = store.transaction("insert", move |tx| {
        let key = key.clone();
        Box::pin(async move { tx.insert_key(&key).await })
    });
    inserted.await
}

#[tokio::test]
async fn keys_of_an_account_and_region() {
    let database = Database::new().await;
    let quota = ResourceQuota {
        keys: 5,
        ..ResourceQuota::default()
    };
    let store = store(&database, quota).await;
    let all = (0..12).map(|_| try_insert(&store, key()));
    assert_eq!(count(join_all(all).await), 5);
    let room = store.check_room_for_key(&account(), &region()).await;
    assert_eq!(room.unwrap_err().code(), ErrorCode::LimitExceeded);
    // Another Region, another account.
    let mut elsewhere = key();
    elsewhere.region = strongroom::model::Region::parse("eu-west-1").unwrap();
    try_insert(&store, elsewhere).await.unwrap();
    let theirs = (0..7).map(|_| {
        let mut key = key();
        key.account = another();
        try_insert(&store, key)
    });
    assert_eq!(count(join_all(theirs).await), 7);
    // One goes, one may come.
    let sql = database.sql().await;
    let gone = "delete from kms_key where id = (select id from kms_key \
                where account = '111122223333' and region = 'eu-central-1' limit 1)";
    sql.batch_execute(gone).await.unwrap();
    assert_eq!(count(vec![try_insert(&store, key()).await]), 1);
    assert_eq!(count(vec![try_insert(&store, key()).await]), 0);
}

#[tokio::test]
async fn aliases_of_a_key() {
    let database = Database::new().await;
    let quota = ResourceQuota {
        aliases_per_key: 3,
        ..ResourceQuota::default()
    };
    let store = store(&database, quota).await;
    let (one, other) = (key(), key());
    insert(&store, &one).await;
    insert(&store, &other).await;
    // As CreateAlias and UpdateAlias do: on the locked key.
    let add = |key: &Key, alias: Alias| {
        let (store, key, other) = (&store, key.clone(), other.clone());
        async move {
            let added = store.transaction("alias", move |tx| {
                let (key, other, alias) = (key.clone(), other.clone(), alias.clone());
                Box::pin(async move {
                    let key = locked(tx, &key.key_id).await?;
                    match alias.row_version {
                        1 => tx.insert_alias(&alias, &key).await,
                        _ => {
                            let moved = Alias {
                                row_version: 1,
                                ..alias
                            };
                            let other = locked(tx, &other.key_id).await?;
                            tx.update_alias(&moved, &other, &key).await
                        }
                    }
                })
            });
            added.await
        }
    };
    let all = (0..8).map(|n| add(&one, alias(&format!("alias/{n}"), &one)));
    assert_eq!(count(join_all(all).await), 3);
    let moved = alias("alias/moved", &other);
    add(&other, moved.clone()).await.unwrap();
    let moved = Alias {
        key_id: one.key_id.to_string(),
        row_version: 2,
        ..moved
    };
    assert_eq!(count(vec![add(&one, moved).await]), 0);
}

#[tokio::test]
async fn users_and_roles() {
    let database = Database::new().await;
    let quota = ResourceQuota {
        users: 2,
        roles: 1,
        ..ResourceQuota::default()
    };
    let store = store(&database, quota).await;
    let add = |kind: IdentityKind, name: String| {
        let role = kind == IdentityKind::Role;
        let identity = Identity {
            row: Uuid::new_v4(),
            row_version: 1,
            arn: format!("{}/{kind:?}/{name}", arn::root_arn(&account())),
            account: account(),
            kind,
            unique_id: Some(format!("{kind:?}{name}")),
            name: Some(name),
            tags: BTreeMap::new(),
            policies: BTreeMap::new(),
            trust: role.then(|| "{}".into()),
            max_session_seconds: role.then_some(3600),
            management: false,
            created: CREATED,
        };
        let store = &store;
        async move {
            let added = store.transaction("identity", move |tx| {
                let identity = identity.clone();
                Box::pin(async move { tx.insert_identity(&identity).await })
            });
            added.await
        }
    };
    let users = (0..6).map(|n| add(IdentityKind::User, n.to_string()));
    assert_eq!(count(join_all(users).await), 2);
    let roles = (0..6).map(|n| add(IdentityKind::Role, n.to_string()));
    assert_eq!(count(join_all(roles).await), 1);
}

#[tokio::test]
async fn wrapping_keys_of_an_account() {
    let database = Database::new().await;
    let quota = ResourceQuota {
        import_wrapping_keys: 4,
        ..ResourceQuota::default()
    };
    let store = store(&database, quota).await;
    let intents: Vec<Intent> = (0..10).map(|_| create_intent(Uuid::new_v4())).collect();
    let account = account();
    let all = intents
        .iter()
        .map(|intent| store.begin_wrapping_key(intent, &account));
    assert_eq!(count(join_all(all).await), 4);
    let left = store.intent_rows().await.unwrap();
    assert_eq!(left.len(), 4, "those refused leave nothing");
    let theirs = create_intent(Uuid::new_v4());
    store.begin_wrapping_key(&theirs, &another()).await.unwrap();
    store.drop_intent(left[0].intent.version).await.unwrap();
    let next = create_intent(Uuid::new_v4());
    store.begin_wrapping_key(&next, &account).await.unwrap();
}

#[tokio::test]
async fn passwords_that_are_tried() {
    let database = Database::new().await;
    let quota = ResourceQuota {
        key_store_passwords_per_hour: NonZeroU32::new(4).unwrap(),
        ..ResourceQuota::default()
    };
    let store = store(&database, quota).await;
    let attempt = |account: AccountId, fail: bool| {
        let store = &store;
        async move {
            let tried = store.transaction("try", move |tx| {
                let account = account.clone();
                Box::pin(async move {
                    tx.count_password_try(&account).await?;
                    match fail {
                        true => Err(Error::new(ErrorCode::Validation, "rolled back")),
                        false => Ok(()),
                    }
                })
            });
            tried.await.map_err(|error| error.code())
        }
    };
    let tries = || async {
        let all = join_all((0..9).map(|_| attempt(account(), false))).await;
        let refused = all.iter().filter(|one| **one == Err(ErrorCode::Throttling));
        assert_eq!(refused.count() + all.iter().flatten().count(), 9, "{all:?}");
        all.into_iter().flatten().count()
    };
    assert_eq!(attempt(account(), true).await, Err(ErrorCode::Validation));
    assert_eq!(tries().await, 4);
    assert_eq!(tries().await, 0);
    assert_eq!(attempt(another(), false).await, Ok(()));
    let sql = database.sql().await;
    set_clock(&sql, "16 minutes").await;
    assert_eq!(tries().await, 1);
    set_clock(&sql, "10 hours").await;
    assert_eq!(tries().await, 4);
}
