//! What follows ConnectCustomKeyStore: its gateway opens the token, tries the password once, and says in
//! the row what came of it.

use crate::Error;
use crate::audit::{Actor, Outcome, Record};
use crate::model::{ConnectionErrorCode, ConnectionState};
use crate::operation::{Context, OperationName};
use crate::store::{KeyStore, Transaction};
use futures_util::FutureExt;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long connecting may take before anybody may say that it has failed: its gateway may be gone.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Connects a custom key store that is `CONNECTING` by this gateway.
///
/// # Errors
/// Those of the database; the row is then as it was.
pub async fn connect(cx: &Arc<Context>, store: KeyStore) -> Result<(), Error> {
    // A password that was not tried before is tried whatever the token says of others; by whom and
    // when, the row has to say first, so that nobody does it twice.
    let retry_pin = !store.password_tried;
    if retry_pin && !mark_tried(cx, &store).await? {
        return Ok(());
    }
    let outcome = cx.tokens.connect(&store, retry_pin).await;
    conclude(cx, store.row, store.connection, outcome).await
}

/// Says that a custom key store has been `CONNECTING` for too long.
///
/// # Errors
/// As [`connect`].
pub async fn give_up(cx: &Arc<Context>, store: &KeyStore) -> Result<(), Error> {
    let failed = Err(ConnectionErrorCode::InternalError);
    conclude(cx, store.row, store.connection, failed).await
}

/// Answers whether the custom key store is still to be connected.
async fn mark_tried(cx: &Arc<Context>, store: &KeyStore) -> Result<bool, Error> {
    let (row, connection) = (store.row, store.connection);
    let marked = cx.store.transaction("MarkPasswordTried", move |tx| {
        async move {
            let Some(store) = connecting(tx, row, connection).await? else {
                return Ok(false);
            };
            let tried = KeyStore {
                password_tried: true,
                ..store
            };
            tx.update_key_store(&tried, PATIENCE).await?;
            Ok(true)
        }
        .boxed()
    });
    marked.await
}

async fn connecting(
    tx: &Transaction<'_>,
    row: Uuid,
    connection: Uuid,
) -> Result<Option<KeyStore>, Error> {
    let store = tx.lock_key_store_row(row).await?;
    Ok(store.filter(|store| {
        store.state == ConnectionState::Connecting && store.connection == connection
    }))
}

async fn conclude(
    cx: &Arc<Context>,
    row: Uuid,
    connection: Uuid,
    outcome: Result<String, ConnectionErrorCode>,
) -> Result<(), Error> {
    let shared = (cx.clone(), outcome);
    let concluded = cx.store.transaction("ConcludeConnection", move |tx| {
        let (cx, outcome) = shared.clone();
        async move {
            // Disconnected meanwhile, or somebody gave it up.
            let Some(store) = connecting(tx, row, connection).await? else {
                return Ok(());
            };
            let concluded = concluded(store, outcome);
            tx.update_key_store(&concluded, PATIENCE).await?;
            record(tx, &cx, &concluded).await
        }
        .boxed()
    });
    concluded.await
}

fn concluded(mut store: KeyStore, outcome: Result<String, ConnectionErrorCode>) -> KeyStore {
    match outcome {
        // Between them another gateway connected it to another token.
        Ok(serial)
            if store
                .token_serial
                .as_ref()
                .is_some_and(|known| *known != serial) =>
        {
            store.state = ConnectionState::Failed;
            store.error = Some(ConnectionErrorCode::ClusterNotFound);
        }
        Ok(serial) => {
            store.state = ConnectionState::Connected;
            store.token_serial = Some(serial);
        }
        Err(error) => {
            store.state = ConnectionState::Failed;
            store.error = Some(error);
        }
    }
    store
}

async fn record(tx: &Transaction<'_>, cx: &Context, store: &KeyStore) -> Result<(), Error> {
    let response = serde_json::json!({
        "customKeyStoreId": store.id,
        "connectionState": store.state,
        "connectionErrorCode": store.error,
    });
    let record = Record {
        outcome: Outcome::Success {
            response: Some(response),
        },
        ..Record::unasked(
            cx.clock.now(),
            OperationName::ConnectCustomKeyStore.as_str(),
            store.region.as_str(),
            Actor::Worker(&store.account),
        )
    };
    tx.record(record.request_id, &record.to_bytes()?).await
}
