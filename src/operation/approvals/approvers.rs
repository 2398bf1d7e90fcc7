//! Whose approval counts.

use super::rules::Held;
use super::share_a_hand;
use crate::model::{AccountId, arn};
use crate::operation::authorized::Source;
use crate::operation::{Context, OperationName};
use crate::store::{ApprovalRequest, Identity};
use crate::{Error, ErrorCode};

/// The accounts that a call comes to: those of its keys, then the caller's.
pub(super) fn accounts<'a>(
    resources: &'a [String],
    caller: &'a AccountId,
) -> impl Iterator<Item = AccountId> + 'a {
    let owner = |arn: &String| AccountId::parse(arn.split(':').nth(4)?);
    let owners = resources.iter().filter_map(owner);
    owners.chain(std::iter::once(caller.clone()))
}

/// The rule that this gateway has for the call of a request.
pub(super) fn held<'c>(request: &ApprovalRequest, cx: &'c Context) -> Option<Held<'c>> {
    let operation = OperationName::parse(&request.operation)?;
    let accounts = accounts(&request.resources, &request.account);
    cx.approvals.of(operation, accounts)
}

/// Whether an identity may decide on the request: the rule names it, as it was when the request was
/// made and as it is, and it belongs to the account whose rule it is or to the management account.
pub(super) async fn is_approver(
    identity: &Identity,
    request: &ApprovalRequest,
    held: Option<&Held<'_>>,
    source: Source<'_>,
) -> Result<bool, Error> {
    let named = request.approvers.contains(&identity.arn)
        && held.is_none_or(|held| held.rule.approvers.contains(&identity.arn));
    let account = match held {
        Some(held) => held.account.clone(),
        None => request.account.clone(),
    };
    Ok(named && reaches(identity, &account, source).await?)
}

/// Whether an identity decides in an account at all.
async fn reaches(
    identity: &Identity,
    account: &AccountId,
    source: Source<'_>,
) -> Result<bool, Error> {
    if identity.account == *account {
        return Ok(true);
    }
    let root = source.identity(&arn::root_arn(&identity.account)).await?;
    Ok(root.is_some_and(|root| root.management))
}

/// Whether an identity may see the request: it is of the same account, or may decide on it.
pub(super) async fn may_see(
    identity: &Identity,
    request: &ApprovalRequest,
    source: Source<'_>,
    cx: &Context,
) -> Result<bool, Error> {
    let same = identity.account == request.account;
    Ok(same || is_approver(identity, request, held(request, cx).as_ref(), source).await?)
}

/// The ARNs of those whose approval counts now: an approver who is gone, or named no longer, has
/// approved nothing, and whoever may be the requester, or one who counts already, is no other.
pub(super) async fn counting(
    request: &ApprovalRequest,
    held: Option<&Held<'_>>,
    source: Source<'_>,
) -> Result<Vec<String>, Error> {
    let mut counting = Vec::new();
    let mut hands = request.hands.clone();
    for approval in &request.approvals {
        let Some(identity) = source.identity(&approval.approver).await? else {
            continue;
        };
        if identity.row == approval.identity_row
            && !share_a_hand(&approval.hands, &hands)
            && is_approver(&identity, request, held, source).await?
        {
            hands.extend_from_slice(&approval.hands);
            counting.push(approval.approver.clone());
        }
    }
    Ok(counting)
}

/// How many approvals the request needs: the stricter of the rule then and the rule now.
pub(super) fn needed(request: &ApprovalRequest, held: Option<&Held<'_>>) -> usize {
    let now = held.map_or(0, |held| held.rule.approvals);
    usize::try_from(now.max(request.needed)).unwrap_or(usize::MAX)
}

/// Refuses whoever is not to decide.
pub(super) async fn check_approver(
    identity: &Identity,
    principal: &str,
    request: &ApprovalRequest,
    action: &str,
    source: Source<'_>,
    cx: &Context,
) -> Result<(), Error> {
    if is_approver(identity, request, held(request, cx).as_ref(), source).await? {
        return Ok(());
    }
    let message = format!(
        "User: {principal} is not authorized to perform: {action} on resource: {} because no \
         approval rule for the account that the call is about names it as an approver",
        request.row
    );
    Err(Error::new(ErrorCode::AccessDenied, message))
}
