//! Finishes or undoes what was begun on the token and not concluded.
//!
//! An intent of a key that was created is gone with the transaction that made its rows; one that
//! is still there once its lease is past means that no row knows the object: it is destroyed.

use crate::Error;
use crate::operation::Context;
use crate::store::{AdoptedObject, Intent};
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
        if let Err(error) = finish(cx, &intent).await {
            log::warn!("worker: key version {}: {error}", intent.version);
        }
    }
    Ok(())
}

/// Destroys the object, then forgets the intent. Destroying what is not there is no error: the
/// token was asked and answered.
pub(super) async fn finish(cx: &Arc<Context>, intent: &Intent) -> Result<(), Error> {
    let version = intent.version;
    let token = cx.tokens.with_serial(intent.token_serial.as_deref())?;
    match &intent.adopted {
        None => token.destroy(version).await?,
        Some(adopted) => {
            let AdoptedObject { object_id, spec } = adopted.clone();
            token.destroy_adopted(version, object_id, spec).await?
        }
    };
    cx.store.drop_intent(version).await
}
