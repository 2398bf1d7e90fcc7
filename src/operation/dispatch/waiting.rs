//! A call that waits for approvals: its request and the record of its refusal are one transaction.

use super::{approvals, record, resolve};
use crate::Error;
use crate::audit::{Approval, Outcome};
use crate::operation::approvals::Asked;
use crate::operation::authorized::{Seen, Source};
use crate::operation::{Context, Operation, Request};
use futures_util::FutureExt;
use serde_json::{Map, Value};
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
            let mut seen = Seen::default();
            let source = Source::Locked(tx);
            let call = resolve::<O>(&input, &request, source, &mut seen, &cx).await?;
            let keys = seen.resources;
            let Some(guard) = approvals::guard(&*input, &call, &keys, &request, &cx).await? else {
                return Ok(Asked::Approved);
            };
            let asked = approvals::ask(&guard, &call, &keys, &parameters, &request, tx).await?;
            if let Asked::Waits(error) = &asked {
                let approval = error.member().map(|(_, id)| Approval {
                    approval_id: id.to_owned(),
                    approvers: Vec::new(),
                });
                let outcome = Outcome::Failure(error);
                let record =
                    record::<O>(&request, Some(&parameters), keys, outcome, approval, &cx)?;
                tx.record(request.request_id, &record).await?;
            }
            Ok(asked)
        }
        .boxed()
    });
    asked.await
}
