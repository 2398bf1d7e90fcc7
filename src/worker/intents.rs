//! Finishes or undoes what was begun on the token and not concluded.
//!
//! An intent of a key that was created is gone with the transaction that made its rows; one that
//! is still there once its lease is past means that no row knows the object: it is destroyed.

use crate::Error;
use crate::operation::{Context, leftover};
use std::sync::Arc;

/// Intents taken over in one round.
const ROUND: i64 = 100;

pub(super) async fn resume(cx: &Arc<Context>) -> Result<(), Error> {
    for intent in cx
        .store
        .claim_intents(cx.gateway, cx.lease, ROUND, &cx.tokens.at_hand())
        .await?
    {
        log::info!(
            "resuming {:?} of key version {}",
            intent.kind,
            intent.version
        );
        // One that does not go must not keep the others waiting.
        if let Err(error) = leftover::destroy(&intent, &cx.tokens, &cx.store).await {
            log::warn!("worker: key version {}: {error}", intent.version);
        }
    }
    Ok(())
}
