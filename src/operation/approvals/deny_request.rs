//! Strongroom.DenyRequest: an approver's no, or the requester's taking it back. The gateway's own,
//! see `docs/dual-control.md`.

use super::approvers::check_approver;
use super::description::Description;
use super::{check_open, lock, own, share_a_hand};
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::ApprovalId;
use crate::operation::authorized::Source;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{ApprovalState, Transaction};

/// See the module.
pub struct DenyRequest;

input! {
    required {
        approval_id: ApprovalId,
    }
    optional {}
}

impl Operation for DenyRequest {
    const NAME: OperationName = OperationName::DenyRequest;
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

impl Change for DenyRequest {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Description, Error> {
        let (identity, source) = (own(call.identity())?, Source::Locked(tx));
        let mut found = lock(&input.approval_id, identity, tx, cx).await?;
        let principal = &request.principal.arn;
        if !share_a_hand(&request.hands(call.identity()), &found.hands) {
            let action = Self::NAME.action();
            check_approver(identity, principal, &found, action, source, cx).await?;
        }
        check_open(&found)?;
        found.state = ApprovalState::Denied;
        found.denied_by = Some(principal.clone());
        tx.update_approval_request(&found).await?;
        Description::new(&found, source, cx).await
    }
}
