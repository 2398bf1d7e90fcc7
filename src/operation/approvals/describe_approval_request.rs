//! Strongroom.DescribeApprovalRequest: what an approver is to decide on. The gateway's own, see
//! `docs/dual-control.md`.

use super::approvers::may_see;
use super::description::Description;
use super::{not_found, own, row_of};
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::ApprovalId;
use crate::operation::authorized::Source;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct DescribeApprovalRequest;

input! {
    required {
        approval_id: ApprovalId,
    }
    optional {}
}

impl Operation for DescribeApprovalRequest {
    const NAME: OperationName = OperationName::DescribeApprovalRequest;
    type Input = Input;
    type Output = Description;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::account())
    }
}

impl Use for DescribeApprovalRequest {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Description, Error> {
        let (identity, source) = (own(call.identity())?, Source::Cache(&cx.store));
        let id = &input.approval_id;
        let found = cx.store.approval_request(row_of(id)).await?;
        let found = found.ok_or_else(|| not_found(id))?;
        if !may_see(identity, &found, source, cx).await? {
            return Err(not_found(id));
        }
        let description = Description::new(&found, source, cx).await?;
        description.with_parameters(&found)
    }
}
