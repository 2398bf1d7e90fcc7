//! Destroys keys whose pending window has passed, by both clocks.

use crate::Error;
use crate::audit::{Actor, Outcome, Record};
use crate::model::arn::key_arn;
use crate::model::{AccountId, KeyState, Region};
use crate::operation::{Context, leftover};
use crate::store::{Intent, Transaction};
use futures_util::FutureExt;
use std::sync::Arc;
use uuid::Uuid;

/// Keys destroyed in one round.
const ROUND: i64 = 100;

pub(super) async fn destroy_due(cx: &Arc<Context>) -> Result<(), Error> {
    for (account, region, key_id) in cx.store.due_deletions(ROUND).await? {
        // One that does not go must not keep the others waiting.
        if let Err(error) = destroy(cx, &account, &region, &key_id).await {
            let arn = key_arn(&account, &region, &key_id);
            log::error!("worker: {arn} is due and was not destroyed: {error}");
        }
    }
    Ok(())
}

async fn destroy(
    cx: &Arc<Context>,
    account: &AccountId,
    region: &Region,
    key_id: &str,
) -> Result<(), Error> {
    let gone = remove_rows(cx, account, region, key_id).await?;
    // The rows are gone and the intents say what is left to do: from here a crash is resumed.
    for intent in &gone {
        leftover::destroy(intent, cx).await?;
        log::info!("destroyed {}", key_arn(account, region, key_id));
    }
    Ok(())
}

/// Removes the key's rows, leaves an intent for each of its versions, and records it: all or
/// nothing.
async fn remove_rows(
    cx: &Arc<Context>,
    account: &AccountId,
    region: &Region,
    key_id: &str,
) -> Result<Vec<Intent>, Error> {
    let shared = (
        cx.clone(),
        account.clone(),
        region.clone(),
        key_id.to_owned(),
    );
    cx.store
        .transaction("DeleteKey", move |tx| {
            let (cx, account, region, key_id) = shared.clone();
            remove_in(tx, cx, account, region, key_id).boxed()
        })
        .await
}

async fn remove_in(
    tx: &Transaction<'_>,
    cx: Arc<Context>,
    account: AccountId,
    region: Region,
    key_id: String,
) -> Result<Vec<Intent>, Error> {
    let Some(key) = tx.lock_key(&account, &region, &key_id).await? else {
        return Ok(Vec::new());
    };
    let now = cx.clock.now();
    let due = key.state == KeyState::PendingDeletion && key.deletion.is_some_and(|at| at <= now);
    if !due {
        return Ok(Vec::new());
    }
    let intents = tx.delete_key(&key).await?;
    let request_id = Uuid::new_v4();
    let record = Record {
        time: now,
        request_id,
        event_name: "DeleteKey",
        region: region.as_str(),
        actor: Actor::Worker(&account),
        source_ip: None,
        user_agent: None,
        read_only: false,
        parameters: None,
        resources: vec![key_arn(&account, &region, &key_id)],
        outcome: Outcome::Success { response: None },
    };
    tx.record(request_id, &record.to_bytes()?).await?;
    Ok(intents)
}
