//! Deletes imported key material that has expired, by both clocks.

use crate::Error;
use crate::audit::{Actor, Record};
use crate::model::arn::key_arn;
use crate::model::{AccountId, Region};
use crate::operation::import::delete_material;
use crate::operation::{Context, leftover};
use crate::store::{Intent, Transaction};
use futures_util::FutureExt;
use std::sync::Arc;
use time::OffsetDateTime;

/// Keys whose material is deleted in one round.
const ROUND: i64 = 100;

pub(super) async fn delete_due(cx: &Arc<Context>) -> Result<(), Error> {
    let due = cx.store.due_expiries(ROUND).await?;
    if due.is_empty() {
        return Ok(());
    }
    let now = cx.clock.now().min(cx.store.now().await?);
    for (account, region, key_id) in due {
        // One that does not go must not keep the others waiting.
        let arn = key_arn(&account, &region, &key_id);
        match delete(cx, now, &account, &region, &key_id).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                log::info!("the key material of {arn} has expired");
                leftover::destroy_all(&left, cx).await;
            }
            Err(error) => {
                log::error!("worker: the key material of {arn} was not deleted: {error}");
            }
        }
    }
    Ok(())
}

/// Takes the expired material away and records it: all or nothing. Answers the intents for the
/// objects.
async fn delete(
    cx: &Arc<Context>,
    now: OffsetDateTime,
    account: &AccountId,
    region: &Region,
    key_id: &str,
) -> Result<Vec<Intent>, Error> {
    let shared = (account.clone(), region.clone(), key_id.to_owned());
    cx.store
        .transaction("DeleteExpiredKeyMaterial", move |tx| {
            let (account, region, key_id) = shared.clone();
            delete_in(tx, now, account, region, key_id).boxed()
        })
        .await
}

async fn delete_in(
    tx: &Transaction<'_>,
    now: OffsetDateTime,
    account: AccountId,
    region: Region,
    key_id: String,
) -> Result<Vec<Intent>, Error> {
    let Some(key) = tx.lock_key(&account, &region, &key_id).await? else {
        return Ok(Vec::new());
    };
    let expired = |at: Option<OffsetDateTime>| at.is_some_and(|at| at <= now);
    if !delete_material(tx, &key, |version| expired(version.valid_to)).await? {
        return Ok(Vec::new());
    }
    // As CloudTrail names it.
    let record = Record {
        resources: vec![key_arn(&account, &region, &key_id)],
        ..Record::unasked(
            now,
            "DeleteExpiredKeyMaterial",
            region.as_str(),
            Actor::Worker(&account),
        )
    };
    tx.record(record.request_id, &record.to_bytes()?).await?;
    Ok(tx.left())
}
