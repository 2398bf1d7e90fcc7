//! A log that has lost its end, by an operator's word, says so itself: to every auditor, for ever.

use super::checkpoint::Signed;
use crate::Error;
use crate::audit::{Actor, Outcome, RESUMED, Record};
use crate::operation::Context;
use futures_util::FutureExt;
use serde_json::json;

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
    let region = cx.region();
    let record = Record {
        outcome: Outcome::Success {
            response: Some(response),
        },
        ..Record::unasked(
            cx.clock.now(),
            RESUMED,
            region.as_str(),
            Actor::Worker(&account),
        )
    };
    let (request_id, record) = (record.request_id, record.to_bytes()?);
    let recorded = cx.store.transaction(RESUMED, move |tx| {
        let record = record.clone();
        async move { tx.record(request_id, &record).await }.boxed()
    });
    recorded.await
}
