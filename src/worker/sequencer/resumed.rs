//! A log that has lost its end, by an operator's word, says so itself: to every auditor, for ever.

use super::checkpoint::Signed;
use crate::Error;
use crate::audit::{Actor, KMS, Outcome, RESUMED, Record};
use crate::operation::Context;
use futures_util::FutureExt;
use serde_json::json;
use uuid::Uuid;

/// Records that the log goes on from `leaves`, and what the token had signed of the one before.
///
/// # Errors
/// Those of the database.
pub(super) async fn record(cx: &Context, lost: &Signed, leaves: u64) -> Result<(), Error> {
    let account = cx.store.management_account().await?;
    let response = json!({
        "leaves": leaves,
        "signedLeaves": lost.checkpoint.size,
        "signedCheckpoint": lost.note,
    });
    let (request_id, region) = (Uuid::new_v4(), cx.region());
    let record = Record {
        time: cx.clock.now(),
        request_id,
        event_source: KMS,
        event_name: RESUMED,
        region: region.as_str(),
        actor: Actor::Worker(&account),
        source_ip: None,
        user_agent: None,
        trace: None,
        read_only: false,
        parameters: None,
        resources: Vec::new(),
        outcome: Outcome::Success {
            response: Some(response),
        },
        approval: None,
    };
    let record = record.to_bytes()?;
    let recorded = cx.store.transaction(RESUMED, move |tx| {
        let record = record.clone();
        async move { tx.record(request_id, &record).await }.boxed()
    });
    recorded.await
}
