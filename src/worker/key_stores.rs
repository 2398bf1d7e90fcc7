//! Keeps the tokens of custom key stores as their rows say: open where they are connected, closed where
//! they are not.

use crate::Error;
use crate::model::ConnectionState;
use crate::operation::Context;
use crate::operation::key_stores::connection;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How soon a change of a row is followed.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop` turns true.
pub async fn follow(cx: Arc<Context>, mut stop: watch::Receiver<bool>) {
    let mut begun = HashSet::new();
    let mut failing = false;
    loop {
        let done = round(&cx, &mut begun).await;
        if let (Err(error), false) = (&done, failing) {
            log::warn!("worker: custom key stores are not followed: {error}");
        }
        failing = done.is_err();
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// `begun` has the connections that were attended to, or complained of.
async fn round(cx: &Arc<Context>, begun: &mut HashSet<Uuid>) -> Result<(), Error> {
    let stores = cx.store.key_stores().await?;
    begun.retain(|connection| stores.iter().any(|store| store.connection == *connection));
    cx.tokens.retain(&stores).await;
    for store in &stores {
        let connecting = store.state == ConnectionState::Connecting;
        if connecting && store.connector == cx.gateway && begun.insert(store.connection) {
            let (cx, store) = (cx.clone(), store.clone());
            tokio::spawn(async move {
                let id = store.id.clone();
                if let Err(error) = connection::connect(&cx, store).await {
                    log::error!("custom key store {id}: {error}");
                }
            });
        } else if store.state == ConnectionState::Connected
            && let Err(error) = cx.tokens.keep_open(store).await
            && begun.insert(store.connection)
        {
            log::error!("custom key store {} cannot be used here: {error}", store.id);
        }
    }
    let overdue = cx.store.overdue_key_stores().await?;
    for store in stores.iter().filter(|store| overdue.contains(&store.row)) {
        log::warn!("custom key store {} was not connected in time", store.id);
        connection::give_up(cx, store).await?;
    }
    Ok(())
}
