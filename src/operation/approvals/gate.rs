//! Step 8: a call that a rule is about is executed once, when enough approvers have approved exactly
//! it; until then it is answered with the id of the request that waits for them.

use super::approvers::{accounts, counting, needed};
use super::own;
use super::rules::Held;
use crate::audit::Approval;
use crate::model::JsonDigest;
use crate::model::member::Decode;
use crate::operation::authorized::Source;
use crate::operation::{Authorized, Context, Operation, Request};
use crate::store::{ApprovalRequest, ApprovalState, Call, Transaction};
use crate::{Error, ErrorCode};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Requests that may be open at once: of an account, and of one identity in it.
const OPEN_PER_ACCOUNT: i64 = 1000;
const OPEN_PER_IDENTITY: i64 = 50;
/// Requests of an identity that are over and kept, to be looked at; the audit log has all of them.
const OVER_PER_IDENTITY: i64 = 500;

/// A rule, and the call that it is about.
pub(in crate::operation) struct Guard<'c> {
    held: Held<'c>,
    call: Vec<u8>,
}

/// What came of asking.
pub(in crate::operation) enum Asked {
    /// The call waits; this is what the caller is told.
    Waits(Error),
    /// It was approved meanwhile.
    Approved,
}

/// The rule for a call, if there is one; `resources` are the keys that it was found to come to. A dry
/// run executes nothing, and waits for nobody.
pub(in crate::operation) async fn guard<'c, O: Operation>(
    input: &O::Input,
    authorized: &Authorized<O>,
    resources: &[String],
    request: &Request,
    cx: &'c Context,
) -> Result<Option<Guard<'c>>, Error> {
    if input.dry_run().is_some() {
        return Ok(None);
    }
    let principal = &request.principal;
    let accounts = accounts(resources, &principal.account);
    let Some(held) = cx.approvals.of(O::NAME, accounts) else {
        return Ok(None);
    };
    let parameters = JsonDigest::of(&request.body).ok_or_else(|| {
        let message = "A call that needs approvals must have each member once.";
        Error::new(ErrorCode::Serialization, message)
    })?;
    let call = Call {
        operation: O::NAME.as_str(),
        region: &request.region,
        requester: &principal.arn,
        identity: own(authorized.identity())?.row,
        resources,
        parameters: &parameters.0,
    };
    let call = cx.store.call(&call).await?;
    Ok(Some(Guard { held, call }))
}

/// Whether the call may go on, as far as can be seen without locks.
pub(in crate::operation) async fn is_approved(
    guard: &Guard<'_>,
    cx: &Context,
) -> Result<bool, Error> {
    let Some(open) = cx.store.open_approval_request(&guard.call).await? else {
        return Ok(false);
    };
    Ok(missing(&open, guard, Source::Cache(&cx.store)).await? == Some(0))
}

/// How many approvals an open request still needs; `None` for one that no approval helps any more.
async fn missing(
    open: &ApprovalRequest,
    guard: &Guard<'_>,
    source: Source<'_>,
) -> Result<Option<usize>, Error> {
    if open.expired || open.state != ApprovalState::Pending {
        return Ok(None);
    }
    let held = Some(&guard.held);
    let counted = counting(open, held, source).await?.len();
    Ok(Some(needed(open, held).saturating_sub(counted)))
}

/// Marks the approved request for the call as executed, in the transaction that executes it. Answers
/// what the audit record is to say of it.
///
/// # Errors
/// It is no longer approved, or another call was faster: nothing is executed.
pub(in crate::operation) async fn consume(
    guard: &Guard<'_>,
    tx: &Transaction<'_>,
) -> Result<Approval, Error> {
    let open = tx.lock_open_approval_request(&guard.call).await?;
    let open = open.ok_or_else(|| {
        let message = "The approval was used by another call meanwhile: it is good for one.";
        Error::new(ErrorCode::Conflict, message)
    })?;
    match missing(&open, guard, Source::Locked(tx)).await? {
        Some(0) => {}
        missing => return Err(waits(&open, missing)),
    }
    let approvers = counting(&open, Some(&guard.held), Source::Locked(tx)).await?;
    tx.update_approval_request(&ApprovalRequest {
        state: ApprovalState::Executed,
        ..open.clone()
    })
    .await?;
    Ok(Approval {
        approval_id: open.row.to_string(),
        approvers,
    })
}

/// The request that is open for the call, or a new one.
///
/// # Errors
/// `LimitExceededException`: too many are open.
pub(in crate::operation) async fn ask<O: Operation>(
    guard: &Guard<'_>,
    authorized: &Authorized<O>,
    resources: &[String],
    parameters: &Map<String, Value>,
    request: &Request,
    tx: &Transaction<'_>,
) -> Result<Asked, Error> {
    let identity = own(authorized.identity())?;
    let account = &request.principal.account;
    // From here on whoever asks at once waits, and finds what this transaction has made.
    let count = tx
        .count_open_approval_requests(account, &identity.arn)
        .await?;
    if let Some(open) = tx.lock_open_approval_request(&guard.call).await? {
        if !open.expired {
            return Ok(match missing(&open, guard, Source::Locked(tx)).await? {
                Some(0) => Asked::Approved,
                missing => Asked::Waits(waits(&open, missing)),
            });
        }
        tx.update_approval_request(&ApprovalRequest {
            state: ApprovalState::Expired,
            ..open
        })
        .await?;
    }
    if count.account >= OPEN_PER_ACCOUNT || count.identity >= OPEN_PER_IDENTITY {
        let message = "Too many approval requests are open: they wait for approvals, or to expire.";
        return Err(Error::new(ErrorCode::LimitExceeded, message));
    }
    let (rule, now) = (guard.held.rule, tx.now().await?);
    let made = ApprovalRequest {
        row: Uuid::new_v4(),
        row_version: 1,
        account: account.clone(),
        region: request.region.clone(),
        operation: O::NAME.as_str().to_owned(),
        requester: request.principal.arn.clone(),
        identity: identity.arn.clone(),
        hands: request.hands(authorized.identity()),
        call: guard.call.clone(),
        parameters: serde_json::to_string(parameters).map_err(Error::internal)?,
        resources: resources.to_vec(),
        needed: rule.approvals,
        approvers: rule.approvers.clone(),
        created: now,
        expires: now + rule.expires,
        state: ApprovalState::Pending,
        denied_by: None,
        expired: false,
        approvals: Vec::new(),
    };
    tx.insert_approval_request(&made, OVER_PER_IDENTITY).await?;
    let missing = usize::try_from(made.needed).ok();
    Ok(Asked::Waits(waits(&made, missing)))
}

/// What the caller is told of a request that is open.
fn waits(open: &ApprovalRequest, missing: Option<usize>) -> Error {
    let id = open.row;
    let (code, message) = match (missing, open.state) {
        (Some(missing), _) => {
            let plural = if missing == 1 { "" } else { "s" };
            let message = format!(
                "The call needs {missing} more approval{plural}: approval request {id}. Once it is \
                 approved, repeat the identical call."
            );
            (ErrorCode::ApprovalRequired, message)
        }
        (None, ApprovalState::Denied) => {
            let by = open.denied_by.as_deref().unwrap_or_default();
            let message = format!("The call was denied by {by}: approval request {id}.");
            (ErrorCode::AccessDenied, message)
        }
        (None, _) => {
            let message = format!("Approval request {id} has expired.");
            (ErrorCode::KmsInvalidState, message)
        }
    };
    Error::new(code, message).with_member("ApprovalId", id.to_string())
}
