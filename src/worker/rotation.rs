//! Rotates keys whose date has come, by both clocks, and keys whose material is worn: half of the
//! GCM encryptions that one version may make have been made (NIST SP 800-38D section 8.3). The
//! latter whether or not automatic rotation is on: at the bound itself the key would refuse to
//! encrypt. Material that was imported can only be replaced by its owner; there it does refuse.

use crate::Error;
use crate::audit::{Actor, Outcome, Record};
use crate::model::{KeyState, RotationType, key_material_id};
use crate::operation::authorized::arn_of;
use crate::operation::made::Made;
use crate::operation::rotation::{self, AUTOMATIC};
use crate::operation::{Context, leftover};
use crate::store::{Key, Rotation, Transaction};
use futures_util::FutureExt;
use serde_json::json;
use std::sync::Arc;
use time::OffsetDateTime;

/// Keys rotated in one round.
const ROUND: i64 = 100;
/// One gateway rotates at a time: the others' new material would only be thrown away.
const LEASE: &str = "rotation";

/// Why a key is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Schedule,
    Worn,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Reason::Schedule => "its rotation period has passed",
            Reason::Worn => {
                "its current material has made half of the encryptions that it may make"
            }
        }
    }

    /// Whether `key` is still to be rotated: since it was found it may have been.
    fn holds(self, found: &Rotation, key: &Key, now: OffsetDateTime) -> bool {
        let due = match self {
            Reason::Schedule => key.next_rotation.is_some_and(|at| at.time() <= now),
            Reason::Worn => key.current_version == found.version,
        };
        due && key.state == KeyState::Enabled && AUTOMATIC.check(key, "").is_ok()
    }
}

pub(super) async fn rotate_due(cx: &Arc<Context>) -> Result<(), Error> {
    let due = cx.store.due_rotations(ROUND).await?;
    rotate_all(cx, due, Reason::Schedule).await
}

pub(super) async fn rotate_worn(cx: &Arc<Context>) -> Result<(), Error> {
    let worn = cx.store.worn_keys(ROUND).await?;
    rotate_all(cx, worn, Reason::Worn).await
}

async fn rotate_all(cx: &Arc<Context>, found: Vec<Rotation>, why: Reason) -> Result<(), Error> {
    for found in found {
        // Again for each of them: a round may take longer than a lease.
        if !cx.store.lease(LEASE, cx.gateway, cx.lease).await? {
            return Ok(());
        }
        let found = Arc::new(found);
        // One that does not go must not keep the others waiting.
        if let Err(error) = rotate(cx, &found, why).await {
            log::error!("worker: {} was not rotated: {error}", found.key_id);
        }
    }
    Ok(())
}

async fn rotate(cx: &Arc<Context>, found: &Arc<Rotation>, why: Reason) -> Result<(), Error> {
    let key = cx.store.key(&found.account, &found.region, &found.key_id);
    let Some(key) = key.await? else {
        return Ok(());
    };
    if !why.holds(found, &key, cx.clock.now()) {
        return Ok(());
    }
    // Asked first: an intent of each round, for as long as the token is away, is of no use.
    cx.tokens.of(&key)?.ping().await?;
    let made = Arc::new(rotation::make(&key, cx).await?);
    if apply(cx, found, &made, why).await? {
        log::info!("rotated {}: {}", arn_of(&key), why.as_str());
        return Ok(());
    }
    leftover::destroy(&made.intent, &cx.tokens, &cx.store).await
}

/// Makes the new material current, and records it: both or neither. `false` if there is no reason
/// for it any more.
async fn apply(
    cx: &Arc<Context>,
    found: &Arc<Rotation>,
    made: &Arc<Made>,
    why: Reason,
) -> Result<bool, Error> {
    let shared = (cx.clone(), found.clone(), made.clone());
    cx.store
        .transaction("RotateKey", move |tx| {
            let (cx, found, made) = shared.clone();
            async move { rotate_in(tx, &cx, &found, &made, why).await }.boxed()
        })
        .await
}

async fn rotate_in(
    tx: &Transaction<'_>,
    cx: &Context,
    found: &Rotation,
    made: &Made,
    why: Reason,
) -> Result<bool, Error> {
    let key = tx.lock_key(&found.account, &found.region, &found.key_id);
    let now = cx.clock.now();
    let Some(key) = key.await?.filter(|key| why.holds(found, key, now)) else {
        return Ok(false);
    };
    let version = rotation::next_version(&key, made, now)?;
    let response = json!({
        "keyId": arn_of(&key),
        "keyMaterialId": key_material_id(version.id),
        "rotationType": RotationType::Automatic,
        "reason": why.as_str(),
    });
    let rotated = rotation::rotate(tx, &key, version, RotationType::Automatic, now).await?;
    let record = Record {
        resources: rotated.iter().map(arn_of).collect(),
        outcome: Outcome::Success {
            response: Some(response),
        },
        ..Record::unasked(
            now,
            "RotateKey",
            key.region.as_str(),
            Actor::Worker(&key.account),
        )
    };
    tx.record(record.request_id, &record.to_bytes()?).await?;
    Ok(true)
}
