//! Strongroom.ApproveRequest: gives an approval. The gateway's own, see `docs/dual-control.md`.

use super::approvers::{check_approver, may_see};
use super::description::Description;
use super::{check_open, not_found, own, row_of, share_a_hand};
use crate::model::member::input;
use crate::model::shapes::ApprovalId;
use crate::operation::authorized::Source;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Approval, Transaction};
use crate::{Error, ErrorCode};

/// See the module.
pub struct ApproveRequest;

input! {
    required {
        approval_id: ApprovalId,
    }
    optional {}
}

impl Operation for ApproveRequest {
    const NAME: OperationName = OperationName::ApproveRequest;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Description;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::account())
    }
}

impl Change for ApproveRequest {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Description, Error> {
        let (identity, source) = (own(call.identity())?, Source::Locked(tx));
        let id = &input.approval_id;
        let found = tx.lock_approval_request(row_of(id)).await?;
        let mut found = found.ok_or_else(|| not_found(id))?;
        if !may_see(identity, &found, source, cx).await? {
            return Err(not_found(id));
        }
        let principal = &request.principal.arn;
        let hands = request.hands(call.identity());
        if share_a_hand(&hands, &found.hands) {
            let message = format!(
                "User: {principal} is not authorized to perform: {} on resource: {} because it is \
                 the requester",
                Self::NAME.action(),
                found.row
            );
            return Err(Error::new(ErrorCode::AccessDenied, message));
        }
        let action = Self::NAME.action();
        check_approver(identity, principal, &found, action, source, cx).await?;
        check_open(&found)?;
        let own = |approval: &Approval| approval.identity_row == identity.row;
        // A second time is no second approval.
        if !found.approvals.iter().any(own) {
            let approval = Approval {
                identity_row: identity.row,
                approver: identity.arn.clone(),
                hands,
                principal: principal.clone(),
                access_key: request.proof.access_key_id().map(str::to_owned),
                created: tx.now().await?,
            };
            tx.insert_approval(found.row, &approval).await?;
            found.approvals.push(approval);
        }
        Description::new(&found, source, cx).await
    }
}
