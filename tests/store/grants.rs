//! Grants: their rows, their tokens, and what is committed on them.

use crate::fixture::*;
use openssl::base64;
use strongroom::Error;
use strongroom::model::KeyState;
use strongroom::store::*;

/// Inserts it; answers a token.
async fn insert_grant(store: &Store, grant: &Grant) -> String {
    store
        .transaction("insert_grant", |tx| {
            let grant = grant.clone();
            Box::pin(async move {
                tx.insert_grant(&grant).await?;
                tx.grant_token(&grant).await
            })
        })
        .await
        .unwrap()
}

async fn delete_grant(store: &Store, grant: &Grant) -> Result<(), Error> {
    store
        .transaction("delete_grant", |tx| {
            let grant = grant.clone();
            Box::pin(async move { tx.delete_grant(&grant).await })
        })
        .await
}

#[tokio::test]
async fn a_grant_comes_back_as_it_went_in() {
    let database = Database::new().await;
    let (store, other) = (database.store().await, database.store().await);
    let key = key();
    insert(&store, &key).await;
    let full = grant(&key);
    let least = Grant {
        name: None,
        retiring: None,
        constraints: None,
        ..grant(&key)
    };
    for grant in [&full, &least] {
        let token = insert_grant(&store, grant).await;
        for store in [&store, &other] {
            for _ in 0..2 {
                let read = store.grant_by_token(&token).await.unwrap();
                let read = read.expect("the grant");
                let as_written = Grant {
                    created: CREATED,
                    ..(*read).clone()
                };
                assert_eq!(format!("{as_written:?}"), format!("{grant:?}"));
            }
            let read = store.grant(&key, &grant.grant_id).await.unwrap();
            assert_eq!(read.expect("the grant").row, grant.row);
        }
    }
    let theirs = crate::fixture::key();
    insert(&store, &theirs).await;
    let crossed = store.grant(&theirs, &full.grant_id).await.unwrap();
    assert!(crossed.is_none());
}

#[tokio::test]
async fn an_edited_grant_is_refused() {
    let database = Database::new().await;
    let store = database.store().await;
    let (ours, theirs) = (key(), key());
    insert(&store, &ours).await;
    insert(&store, &theirs).await;
    let grant = grant(&ours);
    let token = insert_grant(&store, &grant).await;
    let sql = database.sql().await;
    let retiring = grant.retiring.as_deref().unwrap();
    for edit in [
        "row_version = 2".to_owned(),
        format!("key = '{}'", theirs.row),
        format!("key_id = '{}'", theirs.key_id),
        "region = 'us-east-1'".into(),
        "region = '?'".into(),
        format!("grant_id = '{}'", "0".repeat(64)),
        "name = null".into(),
        "name = 'm'".into(),
        "grantee = 'arn:aws:iam::111122223333:user/eve'".into(),
        "retiring = null".into(),
        "retiring = grantee, grantee = retiring".into(),
        "operations = '{Sign}'".into(),
        "operations = '{Sign,DescribeKey,CreateGrant}'".into(),
        "operations = '{Sign,DescribeKey,Nonsense}'".into(),
        "constraints = null".into(),
        r#"constraints = '{"EncryptionContextSubset":{"a":"1"}}'"#.into(),
        "constraints = '{}'".into(),
        "constraints = '1'".into(),
        "created = created + interval '1 us'".into(),
        "mac = ''".into(),
    ] {
        let before = format!(
            "create temp table saved as table kms_grant; update kms_grant set {edit} \
             where id = '{}'",
            grant.row
        );
        sql.batch_execute(&before).await.expect(&edit);
        let fresh = database.store().await;
        assert_eq!(refused(fresh.grant_by_token(&token).await), "kms_grant");
        for key in [&ours, &theirs] {
            // Wherever it is found now.
            let listed = fresh.list_grants(key, None, None, 10).await;
            assert!(listed.map_or(true, |grants| grants.is_empty()), "{edit}");
        }
        if !edit.contains("retiring") && !edit.contains("region") {
            let region = region();
            let listed = fresh.list_retirable_grants(&region, retiring, None, 10);
            assert_eq!(refused(listed.await), "kms_grant", "{edit}");
        }
        let after = "delete from kms_grant; insert into kms_grant select * from saved; \
                     drop table saved";
        sql.batch_execute(after).await.unwrap();
    }
    let fresh = database.store().await;
    assert!(fresh.grant_by_token(&token).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_of_one_grant_is_none_of_another() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let (one, other) = (grant(&key), grant(&key));
    let token = insert_grant(&store, &one).await;
    let theirs = insert_grant(&store, &other).await;
    let bytes = |token: &str| {
        let padded = token.replace('-', "+").replace('_', "/") + "=";
        base64::decode_block(&padded).unwrap()
    };
    let text = |bytes: &[u8]| {
        let text = base64::encode_block(bytes).replace('+', "-");
        text.replace('/', "_").trim_end_matches('=').to_owned()
    };
    let (ours, theirs) = (bytes(&token), bytes(&theirs));
    assert_eq!(text(&ours), token);
    // The other's row with our MAC, and the other way round.
    let spliced = [&theirs[..17], &ours[17..]].concat();
    assert!(
        store
            .grant_by_token(&text(&spliced))
            .await
            .unwrap()
            .is_none()
    );
    let spliced = [&ours[..33], &theirs[33..]].concat();
    assert!(
        store
            .grant_by_token(&text(&spliced))
            .await
            .unwrap()
            .is_none()
    );
    // A MAC of a row is none of a token.
    let sql = database.sql().await;
    let row = sql
        .query_one("select mac from kms_grant where id = $1", &[&one.row])
        .await
        .unwrap();
    let forged = [&ours[..33], row.get::<_, &[u8]>(0)].concat();
    assert!(
        store
            .grant_by_token(&text(&forged))
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.grant_by_token("").await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_computed_on_a_revoked_grant_is_not_written() {
    let database = Database::new().await;
    let (store, neighbour) = (database.store().await, database.store().await);
    let key = key();
    insert(&store, &key).await;
    let grant = grant(&key);
    let token = insert_grant(&store, &grant).await;
    // In both caches.
    for store in [&store, &neighbour] {
        assert!(store.grant_by_token(&token).await.unwrap().is_some());
    }
    let used = || entry(&[RowVersion::Grant(grant.row, 1)]);
    assert_eq!(
        store.commit_group(&[used()]).await.unwrap(),
        [Committed::Durable]
    );
    delete_grant(&store, &grant).await.unwrap();
    assert!(delete_grant(&store, &grant).await.is_err());
    assert_eq!(
        neighbour.commit_group(&[used()]).await.unwrap(),
        [Committed::Stale]
    );
    // Which made it forget the grant.
    for store in [&store, &neighbour] {
        assert!(store.grant_by_token(&token).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_grant_goes_with_its_key() {
    let database = Database::new().await;
    let store = database.store().await;
    let (ours, theirs) = (key(), key());
    insert(&store, &ours).await;
    insert(&store, &theirs).await;
    let gone = insert_grant(&store, &grant(&ours)).await;
    let stays = insert_grant(&store, &grant(&theirs)).await;
    change(&store, &ours, |key| {
        key.state = KeyState::PendingDeletion;
        key.deletion = Some(CREATED);
    })
    .await
    .unwrap();
    store
        .transaction("delete", |tx| {
            let key = ours.clone();
            Box::pin(async move {
                let locked = tx.lock_key(&key.account, &key.region, &key.key_id).await?;
                tx.delete_key(&locked.expect("the key")).await
            })
        })
        .await
        .unwrap();
    assert!(store.grant_by_token(&gone).await.unwrap().is_none());
    assert!(store.grant_by_token(&stays).await.unwrap().is_some());
}
