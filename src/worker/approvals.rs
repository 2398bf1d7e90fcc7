//! Forgets approval requests that are long over, so that their table is bounded.

use crate::Error;
use crate::operation::Context;

/// Requests that are removed in one round.
const ROUND: i64 = 1000;

pub(super) async fn forget(cx: &Context) -> Result<(), Error> {
    let forgotten = cx.store.forget_approval_requests(ROUND).await?;
    if forgotten > 0 {
        log::info!("forgot {forgotten} approval requests that were over");
    }
    Ok(())
}
