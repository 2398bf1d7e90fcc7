//! Migrations, and what a store refuses to open.

use crate::fixture::*;
use strongroom::store::Store;

#[tokio::test]
async fn two_who_migrate_at_once_agree() {
    let mut database = Database::new().await;
    database.name = database.cluster.database(None);
    let config = database.config();
    let refused = Store::open(config.clone()).await.unwrap_err();
    assert!(refused.message().contains("strongroom init"), "{refused}");
    let all = (0..4).map(|_| Store::migrate(&config));
    let ids = futures_util::future::try_join_all(all).await.unwrap();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let store = Store::open(config).await.unwrap();
    assert_eq!(store.deployment(), ids[0]);
    store.ping().await.unwrap();
    let (server, schema) = store.versions().await.unwrap();
    assert!(server.starts_with("15"), "{server}");
    assert!(schema >= 1);
    store.now().await.unwrap();
}

#[tokio::test]
async fn another_schema_is_refused_with_what_to_do() {
    let database = Database::new().await;
    let sql = database.sql().await;
    sql.batch_execute(
        "insert into refinery_schema_history (version, name, applied_on, checksum) \
         values (999, 'later', '2030-01-01T00:00:00Z', '1')",
    )
    .await
    .unwrap();
    let error = Store::open(database.config()).await.unwrap_err();
    assert!(
        error.message().contains("older than the database"),
        "{error}"
    );
    assert!(Store::migrate(&database.config()).await.is_err());
    sql.batch_execute("update refinery_schema_history set checksum = '1' where version = 1")
        .await
        .unwrap();
    let error = Store::open(database.config()).await.unwrap_err();
    assert!(error.message().contains("not this build's"), "{error}");
}

#[tokio::test]
async fn the_audit_log_is_append_only() {
    let database = Database::new().await;
    let store = database.store().await;
    store.commit_group(&[entry(&[])]).await.unwrap();
    let sql = database.sql().await;
    for table in ["audit_record", "audit_group", "audit_group_leaf"] {
        for edit in [
            "update $ set position = default",
            "delete from $",
            "truncate $",
        ] {
            let edit = edit.replace('$', table);
            let refused = sql.batch_execute(&edit).await.unwrap_err();
            let refused = refused.as_db_error().unwrap().message();
            assert!(refused.contains("append-only"), "{edit}: {refused}");
        }
    }
}
