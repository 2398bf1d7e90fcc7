//! Contention, a database that stops, and a runtime that ends.

use crate::fixture::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use strongroom::store::*;
use strongroom::{Error, ErrorCode};

async fn lock_both(store: &Store, first: &Key, second: &Key, runs: &AtomicUsize) {
    let barrier = Duration::from_millis(50);
    store
        .transaction("both", |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            let (first, second) = (first.clone(), second.clone());
            Box::pin(async move {
                let place = (account(), region());
                tx.lock_key(&place.0, &place.1, &first.key_id).await?;
                tokio::time::sleep(barrier).await;
                tx.lock_key(&place.0, &place.1, &second.key_id).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deadlock_is_run_again() {
    let database = Database::new().await;
    let store = database.store().await;
    let (a, b) = (key(), key());
    insert(&store, &a).await;
    insert(&store, &b).await;
    let runs = AtomicUsize::new(0);
    tokio::join!(
        lock_both(&store, &a, &b, &runs),
        lock_both(&store, &b, &a, &runs)
    );
    assert!(runs.load(Ordering::SeqCst) > 2, "there was no deadlock");
}

#[tokio::test]
async fn a_serialization_failure_is_run_again_but_not_for_ever() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    // A sequence does not roll back.
    sql.batch_execute(
        "create sequence tries; create function fail() returns trigger language plpgsql as \
         $$ begin if nextval('tries') <= 3 then \
         raise exception 'again' using errcode = '40001'; end if; return new; end $$; \
         create trigger fail before insert on audit_group for each row execute function fail()",
    )
    .await
    .unwrap();
    let record = async || {
        store
            .transaction("record", |tx| {
                Box::pin(async move { tx.record(uuid::Uuid::new_v4(), b"x").await })
            })
            .await
    };
    record().await.unwrap();
    sql.batch_execute("alter sequence tries restart with -1000 minvalue -1000")
        .await
        .unwrap();
    record().await.unwrap_err();
    let tried = sql
        .query_one("select last_value from tries", &[])
        .await
        .unwrap();
    assert_eq!(tried.get::<_, i64>(0), -996);
}

#[tokio::test]
async fn a_failed_statement_that_is_ignored_does_not_pass_for_a_commit() {
    let database = Database::new().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let taken = alias("alias/a", &key);
    insert_alias(&store, &taken).await.unwrap();
    let error = store
        .transaction("careless", |tx| {
            let taken = taken.clone();
            Box::pin(async move {
                let key = locked(tx, &taken.key_id).await?;
                let _ = tx.insert_alias(&taken, &key).await;
                Ok(())
            })
        })
        .await
        .unwrap_err();
    assert!(
        matches!(error.cause(), Some(StoreError::Aborted("careless"))),
        "{error}"
    );
    // Nothing of a transaction is left on the connection.
    store.ping().await.unwrap();
    insert_alias(&store, &alias("alias/b", &key)).await.unwrap();
}

#[tokio::test]
async fn an_error_and_a_dropped_future_roll_back() {
    let database = Database::new().await;
    let mut config = database.config();
    config.connections = 1;
    let store = Store::open(config).await.unwrap();
    store.set_seal(Arc::new(Seal));
    let record = |hang: bool| {
        store.transaction::<()>("record", move |tx| {
            Box::pin(async move {
                tx.record(uuid::Uuid::new_v4(), b"x").await?;
                if hang {
                    std::future::pending::<()>().await;
                }
                Err(Error::new(ErrorCode::NotFound, "no"))
            })
        })
    };
    assert_eq!(record(false).await.unwrap_err().code(), ErrorCode::NotFound);
    let hung = tokio::time::timeout(Duration::from_millis(200), record(true)).await;
    assert!(hung.is_err());
    // The one connection is free again, and what it did is gone.
    store.ping().await.unwrap();
    let sql = database.sql().await;
    let left = sql.query_one("select count(*) from audit_log", &[]).await;
    assert_eq!(left.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_database_that_restarts_costs_the_requests_in_flight() {
    let database = Database::alone().await;
    let store = database.store().await;
    let key = key();
    insert(&store, &key).await;
    let cluster = Arc::clone(&database.cluster);
    tokio::task::spawn_blocking(move || cluster.stop())
        .await
        .unwrap();
    for result in [
        store.ping().await,
        store.commit_group(&[entry(&[])]).await.map(drop),
        change(&store, &key, |_| ()).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DependencyTimeout, "{error}");
    }
    let cluster = Arc::clone(&database.cluster);
    tokio::task::spawn_blocking(move || cluster.resume())
        .await
        .unwrap();
    store.ping().await.unwrap();
    let used = entry(&[RowVersion::Key(key.row, 1)]);
    let committed = store.commit_group(&[used]).await.unwrap();
    assert_eq!(committed, [Committed::Durable]);
    change(&store, &key, |key| key.description = "again".into())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_lock_that_is_not_released_costs_the_deadline() {
    let database = Database::new().await;
    let mut config = database.config();
    config.deadline = Duration::from_millis(300);
    let store = Store::open(config).await.unwrap();
    store.set_seal(Arc::new(Seal));
    let key = key();
    insert(&store, &key).await;
    let sql = database.sql().await;
    sql.batch_execute("begin; select from kms_key for update")
        .await
        .unwrap();
    let error = change(&store, &key, |_| ()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyTimeout, "{error}");
    sql.batch_execute("rollback; begin; select pg_advisory_xact_lock(91621623287367)")
        .await
        .unwrap();
    let error = store.commit_group(&[entry(&[])]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyTimeout, "{error}");
    sql.batch_execute("rollback").await.unwrap();
    store.commit_group(&[entry(&[])]).await.unwrap();
}

#[tokio::test]
async fn a_connection_outlives_the_runtime_that_asked_for_it() {
    let database = Database::new().await;
    let store = database.store().await;
    let sql = database.sql().await;
    let backends = async || {
        let rows = sql.query(
            "select pid from pg_stat_activity where datname = current_database() \
             and application_name = 'strongroom' order by pid",
            &[],
        );
        let rows = rows.await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>()
    };
    let (pinged, worker_pinged) = std::sync::mpsc::channel::<()>();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let worker = {
        let store = store.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            // At once, so that the pool has to open connections here.
            let held = (0..4).map(|_| {
                store.transaction("held", |_| {
                    Box::pin(async {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        Ok(())
                    })
                })
            });
            let held = futures_util::future::join_all(held);
            runtime.block_on(held).into_iter().for_each(Result::unwrap);
            pinged.send(()).unwrap();
            ended.recv().unwrap();
        })
    };
    tokio::task::spawn_blocking(move || worker_pinged.recv().unwrap())
        .await
        .unwrap();
    let before = backends().await;
    assert!(before.len() > 2, "no connection was opened by the worker");
    end.send(()).unwrap();
    tokio::task::spawn_blocking(|| worker.join().unwrap())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(backends().await, before);
    store.ping().await.unwrap();
}
