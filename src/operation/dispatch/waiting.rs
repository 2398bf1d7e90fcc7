//! A call that waits for approvals: its request and the record of its refusal are one transaction.

use super::{approvals, record};
use crate::Error;
use crate::audit::Outcome;
use crate::operation::approvals::Asked;
use crate::operation::authorized::{Authorized, Seen, Source};
use crate::operation::{Context, Operation, Request};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Asks for the approvals that a call needs, on locked rows: nobody who may not call asks.
pub(super) async fn ask<O: Operation>(
    input: &Arc<O::Input>,
    parameters: &Arc<Map<String, Value>>,
    request: &Arc<Request>,
    cx: &Arc<Context>,
) -> Result<Asked, Error> {
    let shared = (
        input.clone(),
        parameters.clone(),
        request.clone(),
        cx.clone(),
    );
    let asked = cx.store.transaction("AskForApproval", move |tx| {
        let (input, parameters, request, cx) = shared.clone();
        async move {
            let access = O::access(&input)?.of(&*input);
            let (source, now) = (Source::Locked(tx), cx.clock.now());
            let mut seen = Seen::default();
            let call =
                Authorized::<O>::resolve(&access, &request, now, source, &mut seen, &cx.policies)
                    .await?;
            let keys = seen.resources;
            let Some(guard) = approvals::guard(&*input, &call, &keys, &request, &cx).await? else {
                return Ok(Asked::Approved);
            };
            let asked = approvals::ask(&guard, &call, &keys, &parameters, &request, tx).await?;
            if let Asked::Waits(error) = &asked {
                let id = error.member().map(|(_, id)| json!({ "approvalId": id }));
                let outcome = Outcome::Failure(error);
                let record = record::<O>(&request, Some(&parameters), keys, outcome, id, &cx)?;
                tx.record(request.request_id, &record).await?;
            }
            Ok(asked)
        }
        .boxed()
    });
    asked.await
}
