//! Destroys keys whose pending window has passed, by both clocks.

use crate::Error;
use crate::audit::{Actor, Outcome, Record};
use crate::model::arn::key_arn;
use crate::model::shapes::Timestamp;
use crate::model::{AccountId, KeyState, Region};
use crate::operation::{Context, leftover};
use crate::store::{Intent, Key, Transaction};
use futures_util::FutureExt;
use std::sync::Arc;
use time::OffsetDateTime;

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
    let arn = key_arn(account, region, key_id);
    let Some(gone) = remove_rows(cx, account, region, key_id).await? else {
        return Ok(());
    };
    if gone.is_empty() {
        log::info!("deleted {arn}; its material stays with the key in other Regions");
    }
    // The rows are gone and the intents say what is left to do: from here a crash is resumed.
    for intent in &gone {
        leftover::destroy(intent, &cx.tokens, &cx.store).await?;
        log::info!("destroyed {arn}");
    }
    Ok(())
}

/// Removes the key's rows, leaves an intent for each of its versions where no other Region has
/// them, and records it: all or nothing. `None` if it is not to be deleted after all.
async fn remove_rows(
    cx: &Arc<Context>,
    account: &AccountId,
    region: &Region,
    key_id: &str,
) -> Result<Option<Vec<Intent>>, Error> {
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
) -> Result<Option<Vec<Intent>>, Error> {
    let Some(key) = tx.lock_key(&account, &region, &key_id).await? else {
        return Ok(None);
    };
    let now = cx.clock.now();
    let due = key.state == KeyState::PendingDeletion && key.deletion.is_some_and(|at| at <= now);
    if !due {
        return Ok(None);
    }
    let others = match key.multi_region {
        true => tx.lock_related(&key).await?,
        false => Vec::new(),
    };
    let others: Vec<Key> = others.into_iter().filter(|o| o.row != key.row).collect();
    if key.is_primary() && !others.is_empty() {
        return Err(Error::internal("a primary is deleted after its replicas"));
    }
    // While its token is not to be had the key waits: nobody else would come back for the object.
    for version in &key.versions {
        let serial = Some(version.token_serial.as_str()).filter(|serial| !serial.is_empty());
        match cx.tokens.with_serial(serial) {
            Ok(_) => {}
            // A custom key store may stay disconnected for as long as its owner likes.
            Err(_) if key.key_store.is_some() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let intents = tx.delete_key(&key).await?;
    record(tx, now, "DeleteKey", &key, None).await?;
    for other in &others {
        // Written even where nothing changes: it is in fewer Regions now.
        let other = waits_no_longer(other, others.len(), now);
        tx.update_key(&other).await?;
        if let Some(deletion) = other.deletion.filter(|_| other.is_primary()) {
            let response = serde_json::json!({"deletionDate": Timestamp(deletion)});
            record(tx, now, "ScheduleKeyDeletion", &other, Some(response)).await?;
        }
    }
    Ok(Some(intents))
}

/// A primary whose last replica has gone begins its window.
fn waits_no_longer(key: &Key, regions: usize, now: OffsetDateTime) -> Key {
    let mut key = key.clone();
    if let Some(days) = key.pending_days
        && key.is_primary()
        && regions == 1
    {
        key.state = KeyState::PendingDeletion;
        key.deletion = Some(now + time::Duration::days(days.into()));
        key.pending_days = None;
    }
    key
}

async fn record(
    tx: &Transaction<'_>,
    time: OffsetDateTime,
    event_name: &str,
    key: &Key,
    response: Option<serde_json::Value>,
) -> Result<(), Error> {
    let record = Record {
        resources: vec![key_arn(&key.account, &key.region, &key.key_id)],
        outcome: Outcome::Success { response },
        ..Record::unasked(
            time,
            event_name,
            key.region.as_str(),
            Actor::Worker(&key.account),
        )
    };
    tx.record(record.request_id, &record.to_bytes()?).await
}
