//! Strongroom.ApproveRequest: gives an approval. The gateway's own, see `docs/dual-control.md`.

use super::approvers::check_approver;
use super::description::Description;
use super::{check_open, lock, own, share_a_hand};
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

    /// What the decision is about.
    fn further_resources(_: &Input, output: &Description, _: &Request) -> Vec<String> {
        output.resources.clone()
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
        let mut found = lock(&input.approval_id, identity, tx, cx).await?;
        let (principal, action) = (&request.principal.arn, Self::NAME.action());
        let hands = request.hands(call.identity());
        if share_a_hand(&hands, &found.hands) {
            let message = format!(
                "User: {principal} is not authorized to perform: {action} on resource: {} because it \
                 is the requester",
                found.row
            );
            return Err(Error::new(ErrorCode::AccessDenied, message));
        }
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
