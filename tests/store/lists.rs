//! Lists of grants and of aliases: what reading one costs the token, and how it ends.

use crate::fixture::*;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use strongroom::Error;
use strongroom::model::shapes::GrantOperation;
use strongroom::store::*;

/// Counts the rows that are verified.
#[derive(Default)]
struct Counting(AtomicUsize);

impl RowSeal for Counting {
    fn mac(&self, row: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        Seal.mac(row)
    }
    fn verify(&self, row: Vec<u8>, mac: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Seal.verify(row, mac).await })
    }
}

/// A gateway's store, and how many rows it has verified since it was asked last.
async fn counted(database: &Database) -> (Store, impl Fn() -> usize) {
    let store = Store::open(database.config()).await.unwrap();
    let seal = Arc::new(Counting::default());
    store.set_seal(seal.clone());
    (store, move || seal.0.swap(0, Ordering::SeqCst))
}

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
/// As many as one grantee can use.
const GRANTS: usize = 1000;

/// One of many.
fn nth_grant(key: &Key, n: usize) -> Grant {
    Grant {
        grant_id: format!("{n:064x}"),
        name: None,
        operations: [GrantOperation::Sign].into_iter().collect(),
        ..grant(key)
    }
}

async fn insert_grants(store: &Store, grants: &[Grant]) {
    let insert = store.transaction("insert_grants", |tx| {
        let grants = grants.to_vec();
        Box::pin(async move {
            for grant in &grants {
                tx.insert_grant(grant).await?;
            }
            Ok(())
        })
    });
    insert.await.unwrap();
}

async fn delete_grant(store: &Store, grant: &Grant) {
    let delete = store.transaction("delete_grant", |tx| {
        let grant = grant.clone();
        Box::pin(async move { tx.delete_grant(&grant).await })
    });
    delete.await.unwrap();
}

#[tokio::test]
async fn of_a_thousand_grants_one_is_verified() {
    let database = Database::new().await;
    let (store, verified) = counted(&database).await;
    let key = key();
    insert(&store, &key).await;
    let grants: Vec<Grant> = (0..GRANTS).map(|n| nth_grant(&key, n)).collect();
    insert_grants(&store, &grants).await;
    // As many other rows as the cache has room for, or nearly.
    let others: Vec<Alias> = (0..50)
        .map(|n| alias(&format!("alias/{n}"), &key))
        .collect();
    for alias in &others {
        insert_alias(&store, alias).await.unwrap();
    }
    let read_others = async || {
        for alias in &others {
            let found = store.alias(&account(), &region(), &alias.name).await;
            assert!(found.unwrap().is_some());
        }
    };
    read_others().await;
    read_others().await;
    verified();
    for round in 0..3 {
        let listed = store.grants_of(key.row, ALICE).await.unwrap();
        assert_eq!(listed.len(), GRANTS);
        assert_eq!(listed[500].claimed().row, grants[500].row);
        assert!(store.confirm_grant(&listed[500]).await.unwrap());
        assert_eq!(verified(), usize::from(round == 0), "round {round}");
    }
    read_others().await;
    assert_eq!(verified(), 0, "the list has pushed out nothing");
    // Nor does a change verify more than it uses.
    let confirmed = store.transaction("confirm", |tx| {
        let key = key.clone();
        Box::pin(async move {
            let listed = tx.grants_of(key.row, ALICE).await?;
            tx.confirm_grant(&listed[7]).await
        })
    });
    assert!(confirmed.await.unwrap());
    assert_eq!(verified(), 1);
}

#[tokio::test]
async fn a_grant_that_is_gone_is_not_confirmed_and_ends_its_list() {
    let database = Database::new().await;
    let store = database.store().await;
    let (neighbour, verified) = counted(&database).await;
    let key = key();
    insert(&store, &key).await;
    let grants = [nth_grant(&key, 0), nth_grant(&key, 1)];
    insert_grants(&store, &grants).await;
    let listed = neighbour.grants_of(key.row, ALICE).await.unwrap();
    assert_eq!(listed.len(), 2);
    for candidate in listed.iter() {
        assert!(neighbour.confirm_grant(candidate).await.unwrap());
    }
    delete_grant(&store, &grants[0]).await;
    let used = || entry(&[RowVersion::Grant(grants[0].row, 1)]);
    let committed = neighbour.commit_group(&[used()]).await.unwrap();
    assert_eq!(committed, [Committed::Stale]);
    // Whether or not it has heard of it.
    verified();
    assert!(!neighbour.confirm_grant(&listed[0]).await.unwrap());
    let listed = neighbour.grants_of(key.row, ALICE).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(neighbour.confirm_grant(&listed[0]).await.unwrap());
    assert!(verified() <= 1);
}

#[tokio::test]
async fn a_grant_allows_nothing_as_it_was_edited() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let genuine = nth_grant(&key, 0);
    insert_grants(&store, std::slice::from_ref(&genuine)).await;
    let sql = database.sql().await;
    let operations = async |operations: &str| {
        let edit = format!("update kms_grant set operations = '{{{operations}}}'");
        sql.batch_execute(&edit).await.unwrap();
    };
    operations("Sign,CreateGrant").await;
    let listed = store.grants_of(key.row, ALICE).await.unwrap();
    let refusal = store.confirm_grant(&listed[0]).await;
    assert_eq!(refused(refusal), "kms_grant");
    // It was edited when it was listed, and is genuine when it is verified.
    operations("Sign").await;
    assert!(!store.confirm_grant(&listed[0]).await.unwrap());
    let listed = store.grants_of(key.row, ALICE).await.unwrap();
    assert_eq!(listed[0].claimed().operations, genuine.operations);
    assert!(store.confirm_grant(&listed[0]).await.unwrap());
}

#[tokio::test]
async fn aliases_are_verified_once_for_each_version_of_their_key() {
    let database = Database::new().await;
    let (store, verified) = counted(&database).await;
    let (ours, theirs) = (key(), key());
    insert(&store, &ours).await;
    insert(&store, &theirs).await;
    let aliases: Vec<Alias> = (10..30)
        .map(|n| alias(&format!("alias/{n}"), &ours))
        .collect();
    for alias in &aliases {
        insert_alias(&store, alias).await.unwrap();
    }
    let neighbour = database.store().await;
    let found = async |store: &Store, of: &Key| {
        let key = store.key(&account(), &region(), &of.key_id).await.unwrap();
        key.unwrap()
    };
    let before = found(&store, &ours).await;
    let there = found(&neighbour, &ours).await;
    assert_eq!(neighbour.alias_names(&there).await.unwrap().len(), 20);
    verified();
    assert_eq!(store.alias_names(&before).await.unwrap().len(), 20);
    assert_eq!(verified(), 20);
    // Until it has heard of its own changes it forgets them once more.
    until(async || {
        assert_eq!(store.alias_names(&before).await.unwrap().len(), 20);
        verified() == 0
    })
    .await;
    // Moved, removed, added: what was decided on the names before is not written, here or there.
    for change in 0..3 {
        let before = found(&store, &ours).await;
        let changed = store.transaction("change", |tx| {
            let (alias, added) = (aliases[change].clone(), alias("alias/new", &ours));
            let (ours, theirs) = (ours.key_id.clone(), theirs.key_id.clone());
            Box::pin(async move {
                let (ours, theirs) = (locked(tx, &ours).await?, locked(tx, &theirs).await?);
                match change {
                    0 => {
                        let moved = Alias {
                            key_id: theirs.key_id.to_string(),
                            ..alias
                        };
                        tx.update_alias(&moved, &ours, &theirs).await
                    }
                    1 => tx.delete_alias(&alias, &ours).await,
                    _ => tx.insert_alias(&added, &ours).await,
                }
            })
        });
        changed.await.unwrap();
        let used = || entry(&[RowVersion::Key(ours.row, before.row_version)]);
        for store in [&store, &neighbour] {
            let committed = store.commit_group(&[used()]).await.unwrap();
            assert_eq!(committed, [Committed::Stale], "{change}");
            let now = found(store, &ours).await;
            let names = store.alias_names(&now).await.unwrap();
            assert_eq!(names.len(), [19, 18, 19][change]);
        }
    }
    let theirs = found(&store, &theirs).await;
    assert_eq!(*store.alias_names(&theirs).await.unwrap(), ["alias/10"]);
}

/// It raises no key's version, and says which alias there is now, or which row has changed.
#[tokio::test]
async fn what_a_gateway_of_the_version_before_does_to_aliases_is_heard() {
    let database = Database::new().await;
    let (store, other) = (database.store().await, database.store().await);
    let key = key();
    insert(&store, &key).await;
    let name = alias("alias/a", &key);
    insert_alias(&store, &name).await.unwrap();
    let found = store.key(&account(), &region(), &key.key_id).await;
    let key = found.unwrap().unwrap();
    let names = async || other.alias_names(&key).await.unwrap().len();
    let sql = database.sql().await;
    sql.batch_execute("create table kept as select * from alias")
        .await
        .unwrap();
    let row = name.row;
    let gone = format!("delete from alias; notify strongroom, 'row {row}'");
    let back = "insert into alias select * from kept; \
                notify strongroom, 'alias 111122223333 eu-central-1 alias/a'";
    for is_known in [false, true] {
        if is_known {
            let known = other.alias(&account(), &region(), "alias/a").await;
            assert!(known.unwrap().is_some());
        }
        until(async || names().await == 1).await;
        sql.batch_execute(&gone).await.unwrap();
        until(async || names().await == 0).await;
        sql.batch_execute(back).await.unwrap();
        until(async || names().await == 1).await;
    }
}

#[tokio::test]
async fn a_key_has_all_the_names_that_its_quota_allows() {
    let database = Database::new().await;
    let mut config = database.config();
    config.quotas.default.aliases_per_key = 60;
    let store = Store::open(config).await.unwrap();
    store.set_seal(Arc::new(Seal));
    let key = key();
    insert(&store, &key).await;
    for n in 0..60 {
        let alias = alias(&format!("alias/{n}"), &key);
        insert_alias(&store, &alias).await.unwrap();
    }
    assert_eq!(store.alias_names(&key).await.unwrap().len(), 60);
    let names = store.transaction("names", |tx| {
        let key = key.clone();
        Box::pin(async move { tx.alias_names(&key).await })
    });
    assert_eq!(names.await.unwrap().len(), 60);
}
