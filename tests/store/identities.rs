//! Accounts, users, roles and access keys: rows that decide who may do what.

use crate::fixture::*;
use strongroom::ErrorCode;
use strongroom::model::{AccountId, arn};
use strongroom::store::*;
use time::Duration;

const USER: IdentityKind = IdentityKind::User;
const ROLE: IdentityKind = IdentityKind::Role;

#[tokio::test]
async fn an_identity_comes_back_as_it_went_in() {
    let database = Database::new().await;
    let (store, other) = (database.store().await, database.store().await);
    for identity in [identity(USER, "Alice"), identity(ROLE, "Alice")] {
        insert_identity(&store, &identity).await.unwrap();
        for store in [&store, &other] {
            let cached = store.identity(&identity.arn).await.unwrap().unwrap();
            let current = store.current_identity(&identity.arn).await.unwrap();
            for read in [(*cached).clone(), current.unwrap()] {
                assert_eq!(read.created.nanosecond(), 123_456_000);
                let as_written = Identity {
                    created: CREATED,
                    ..read
                };
                assert_eq!(format!("{as_written:?}"), format!("{identity:?}"));
            }
        }
    }
    let unknown = arn::user_arn(&account(), "alice");
    assert!(store.identity(&unknown).await.unwrap().is_none());
}

#[tokio::test]
async fn names_are_unique_whatever_their_letters() {
    let database = Database::new().await;
    let store = database.store().await;
    insert_identity(&store, &identity(USER, "Alice"))
        .await
        .unwrap();
    for taken in ["Alice", "aLICE"] {
        let error = insert_identity(&store, &identity(USER, taken))
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::EntityAlreadyExists);
        let expected = format!("User with name {taken} already exists.");
        assert_eq!(error.message(), expected);
    }
    // As another account's, or a role's, it is free.
    insert_identity(&store, &identity(ROLE, "alice"))
        .await
        .unwrap();
    let elsewhere = AccountId::parse("210987654321").unwrap();
    let theirs = Identity {
        arn: arn::user_arn(&elsewhere, "Alice"),
        account: elsewhere,
        ..identity(USER, "Alice")
    };
    insert_identity(&store, &theirs).await.unwrap();
}

#[tokio::test]
async fn lists_are_of_one_account_and_kind() {
    let database = Database::new().await;
    let store = database.store().await;
    for name in ["b", "a", "C"] {
        insert_identity(&store, &identity(USER, name))
            .await
            .unwrap();
    }
    insert_identity(&store, &identity(ROLE, "r")).await.unwrap();
    let names = async |kind, after, limit| -> Vec<String> {
        let listed = store.list_identities(&account(), kind, after, limit).await;
        let listed = listed.unwrap().into_iter();
        listed.map(|identity| identity.name.unwrap()).collect()
    };
    assert_eq!(names(USER, None, 10).await, ["C", "a", "b"]);
    assert_eq!(names(USER, Some("C"), 1).await, ["a"]);
    assert_eq!(names(ROLE, None, 10).await, ["r"]);
    let elsewhere = AccountId::parse("000000000001").unwrap();
    store
        .transaction("account", |tx| {
            let elsewhere = elsewhere.clone();
            Box::pin(async move {
                assert!(tx.ensure_account(&elsewhere).await?);
                assert!(!tx.ensure_account(&elsewhere).await?);
                tx.ensure_management(&elsewhere).await
            })
        })
        .await
        .unwrap();
    let roots = store.list_roots(None, 10).await.unwrap();
    let roots = roots.iter();
    let accounts: Vec<_> = roots
        .map(|root| (root.account.as_str(), root.management))
        .collect();
    assert_eq!(accounts, [("000000000001", true), ("111122223333", false)]);
    let after = store.list_roots(Some("000000000001"), 10).await.unwrap();
    assert_eq!(after.len(), 1);
}

#[tokio::test]
async fn an_edited_identity_is_refused() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let edits = [
        r#"policies = '{"p":"{\"Version\":\"2008-10-17\"}"}'"#,
        r#"policies = '{"p":1}'"#,
        "policies = null",
        r#"tags = '{"team":"admin"}'"#,
        "tags = null",
        "trust = '{\"Statement\":[]}'",
        "max_session = 43200",
        "unique_id = 'AROAELSE'",
        "created = created + interval '1 second'",
        "row_version = row_version + 1",
        "id = gen_random_uuid()",
        "mac = '\\x00'",
    ];
    for (n, edit) in edits.iter().enumerate() {
        let role = identity(ROLE, &format!("role{n}"));
        insert_identity(&store, &role).await.unwrap();
        let arn = &role.arn;
        let update = format!("update principal set {edit} where arn = '{arn}'");
        assert_eq!(sql.execute(&update, &[]).await.unwrap(), 1, "{edit}");
        let fresh = database.store().await;
        assert_eq!(refused(fresh.identity(arn).await), "principal", "{edit}");
        assert_eq!(refused(fresh.current_identity(arn).await), "principal");
        let locked = store
            .transaction("lock", |tx| {
                let arn = arn.clone();
                Box::pin(async move { tx.lock_identity(&arn).await })
            })
            .await;
        assert_eq!(refused(locked), "principal", "{edit}");
    }
    let listed = store.list_identities(&account(), ROLE, None, 100).await;
    assert_eq!(refused(listed), "principal");
}

#[tokio::test]
async fn one_identity_does_not_pass_for_another() {
    let database = Database::new().await;
    let store = database.store().await;
    let (strong, weak) = (
        identity(USER, "strong"),
        Identity {
            policies: Default::default(),
            ..identity(USER, "weak")
        },
    );
    insert_identity(&store, &strong).await.unwrap();
    insert_identity(&store, &weak).await.unwrap();
    let sql = database.sql().await;
    let root = arn::root_arn(&account());
    for (forged, statement) in [
        // The policies of the one under the name of the other.
        (
            &weak.arn,
            format!(
                "update principal set policies = s.policies, mac = s.mac \
                 from (select policies, mac from principal where arn = '{}') s where arn = '{}'",
                strong.arn, weak.arn
            ),
        ),
        // A user whom nobody has made.
        (
            &"arn:aws:iam::111122223333:user/forged".to_owned(),
            format!(
                "insert into principal select (jsonb_populate_record(p, jsonb_build_object( \
                 'arn', 'arn:aws:iam::111122223333:user/forged', 'name', 'forged', \
                 'unique_id', 'AIDAFORGED', 'id', gen_random_uuid()))).* \
                 from principal p where arn = '{}'",
                strong.arn
            ),
        ),
        // An account that administers the deployment.
        (
            &root,
            format!("update principal set management = true where arn = '{root}'"),
        ),
    ] {
        assert_eq!(sql.execute(&statement, &[]).await.unwrap(), 1);
        let fresh = database.store().await;
        assert_eq!(refused(fresh.identity(forged).await), "principal");
    }
    let fresh = database.store().await;
    assert!(fresh.identity(&strong.arn).await.unwrap().is_some());
}

#[tokio::test]
async fn nothing_is_written_on_an_identity_or_a_key_that_has_changed() {
    let database = Database::new().await;
    let store = database.store().await;
    let (changed, deleted) = (identity(USER, "changed"), identity(USER, "deleted"));
    insert_identity(&store, &changed).await.unwrap();
    insert_identity(&store, &deleted).await.unwrap();
    let key = AccessKey {
        principal: changed.arn.clone(),
        ..access_key("AKIA1")
    };
    insert_access_key(&store, &key).await;
    let used = [
        RowVersion::Identity(changed.row, 1),
        RowVersion::Identity(deleted.row, 1),
        RowVersion::AccessKey(key.row, 1),
    ];
    let entries = || used.map(|used| entry(&[used]));
    use Committed::{Durable, Stale};
    let before = store.commit_group(&entries()).await.unwrap();
    assert_eq!(before, [Durable; 3]);
    store
        .transaction("change", |tx| {
            let (changed, deleted) = (changed.arn.clone(), deleted.arn.clone());
            Box::pin(async move {
                let mut user = tx.lock_identity(&changed).await?.unwrap();
                user.policies.clear();
                tx.update_identity(&user).await?;
                let user = tx.lock_identity(&deleted).await?.unwrap();
                tx.delete_identity(&user).await?;
                let key = tx.lock_access_key_to_change("AKIA1").await?.unwrap();
                tx.delete_access_key(&key).await
            })
        })
        .await
        .unwrap();
    let after = store.commit_group(&entries()).await.unwrap();
    assert_eq!(after, [Stale; 3]);
    assert!(store.access_key("AKIA1").await.unwrap().is_none());
    assert!(store.identity(&deleted.arn).await.unwrap().is_none());
    let user = store.identity(&changed.arn).await.unwrap().unwrap();
    assert!(user.policies.is_empty());
}

#[tokio::test]
async fn the_newest_use_of_an_access_key_wins() {
    let database = Database::new().await;
    let (one, two) = (database.store().await, database.store().await);
    let (key, gone) = (access_key("AKIA1"), access_key("AKIA2"));
    insert_access_key(&one, &key).await;
    insert_access_key(&one, &gone).await;
    let used = |seconds| AccessKeyUse {
        at: CREATED.replace_nanosecond(0).unwrap() + Duration::seconds(seconds),
        service: "kms".into(),
        region: region(),
    };
    let last = async |store: &Store, key| store.last_access_key_use(key).await.unwrap();
    assert_eq!(last(&one, &key).await, None);
    one.note_access_key_use("AKIA1", used(2));
    two.note_access_key_use("AKIA1", used(1));
    assert_eq!(last(&one, &key).await, Some(used(2)));
    assert_eq!(last(&two, &key).await, Some(used(1)));
    one.write_uses().await.unwrap();
    two.write_uses().await.unwrap();
    assert_eq!(last(&two, &key).await, Some(used(2)));
    // One that is gone keeps the others from nothing.
    one.note_access_key_use("AKIA2", used(3));
    one.write_uses().await.unwrap();
    let sql = database.sql().await;
    let delete = "delete from access_key where access_key_id = 'AKIA2'";
    sql.batch_execute(delete).await.unwrap();
    one.note_access_key_use("AKIA2", used(4));
    one.note_access_key_use("AKIA1", used(4));
    one.write_uses().await.unwrap();
    assert_eq!(last(&two, &key).await, Some(used(4)));
    // What could not be written stays noted.
    sql.batch_execute("alter table access_key_usage rename to hidden")
        .await
        .unwrap();
    one.note_access_key_use("AKIA1", used(5));
    assert!(one.write_uses().await.is_err());
    sql.batch_execute("alter table hidden rename to access_key_usage")
        .await
        .unwrap();
    one.write_uses().await.unwrap();
    assert_eq!(last(&two, &key).await, Some(used(5)));
}

/// The MAC of a root is not over its id, which the database's owner may change.
#[tokio::test]
async fn a_root_is_no_other_whatever_its_id() {
    let database = Database::new().await;
    let store = database.store().await;
    let accounts = ["111122223333", "444455556666"].map(|n| AccountId::parse(n).unwrap());
    let made = store.transaction("accounts", |tx| {
        let accounts = accounts.clone();
        Box::pin(async move {
            for account in &accounts {
                tx.ensure_account(account).await?;
            }
            Ok(())
        })
    });
    made.await.unwrap();
    let [one, other] = accounts.map(|account| arn::root_arn(&account));
    let found = async |arn: &str| store.identity(arn).await.unwrap().unwrap();
    let id = found(&one).await.row;
    let swap = format!(
        "update principal set id = gen_random_uuid() where arn = '{one}'; \
         update principal set id = '{id}' where arn = '{other}'"
    );
    database.sql().await.batch_execute(&swap).await.unwrap();
    assert_eq!(found(&other).await.arn, other);
    assert_eq!(found(&one).await.arn, one);
}

#[tokio::test]
async fn that_another_account_has_no_such_role_is_remembered_until_it_has() {
    let database = Database::new().await;
    let (store, other) = (database.store().await, database.store().await);
    let probe = identity(ROLE, "probe");
    insert_identity(&store, &probe).await.unwrap();
    other.identity(&probe.arn).await.unwrap().unwrap();
    let read = store.identity(&probe.arn).await.unwrap().unwrap();
    store
        .transaction("delete", |tx| {
            let read = read.clone();
            Box::pin(async move { tx.delete_identity(&read).await })
        })
        .await
        .unwrap();
    // Once it has heard of that, it listens, and forgets nothing more by itself.
    until(async || other.identity(&probe.arn).await.unwrap().is_none()).await;

    let role = identity(ROLE, "sought");
    assert!(other.foreign_identity(&role.arn).await.unwrap().is_none());
    // Made behind the gateways' backs: who knows that it is not there does not ask the database.
    let sql = database.sql().await;
    insert_identity(&store, &identity(ROLE, "made"))
        .await
        .unwrap();
    let renamed = format!("update principal set arn = '{}'", role.arn);
    sql.batch_execute(&format!("{renamed} where name = 'made'"))
        .await
        .unwrap();
    assert!(other.foreign_identity(&role.arn).await.unwrap().is_none());
    assert!(other.identity(&role.arn).await.is_err(), "it is asked for");
    let gone = "delete from principal where name = 'made'";
    sql.batch_execute(gone).await.unwrap();
    // Made by one of them: the other one hears of it.
    insert_identity(&store, &role).await.unwrap();
    until(async || other.foreign_identity(&role.arn).await.unwrap().is_some()).await;
}
