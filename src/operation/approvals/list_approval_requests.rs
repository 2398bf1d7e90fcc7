//! Strongroom.ListApprovalRequests: those of the caller's account, and those of others on which the
//! caller may decide. The gateway's own, see `docs/dual-control.md`.

use super::approvers::may_see;
use super::description::Description;
use super::own;
use crate::Error;
use crate::model::arn::root_arn;
use crate::model::member::input;
use crate::model::shapes::{ApprovalLimit, Marker};
use crate::operation::authorized::Source;
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use uuid::Uuid;

/// See the module.
pub struct ListApprovalRequests;

input! {
    required {}
    optional {
        limit: ApprovalLimit,
        marker: Marker,
    }
}

/// Where the caller names no limit.
const DEFAULT_LIMIT: i64 = 50;

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub approval_requests: Vec<Description>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

impl Operation for ListApprovalRequests {
    const NAME: OperationName = OperationName::ListApprovalRequests;
    type Input = Input;
    type Output = Output;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::account())
    }
}

impl Use for ListApprovalRequests {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let (identity, source) = (own(call.identity())?, Source::Cache(&cx.store));
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let after = page
            .after
            .as_deref()
            .and_then(|id| Uuid::parse_str(id).ok());
        let root = cx.store.identity(&root_arn(&identity.account)).await?;
        let everywhere = root.is_some_and(|root| root.management);
        let found = cx.store.list_approval_requests(
            &identity.account,
            everywhere,
            &identity.arn,
            after.unwrap_or_default(),
            page.limit + 1,
        );
        let found = found.await?.into_iter();
        let mut named: Vec<_> = found.map(|one| (one.row.to_string(), one)).collect();
        let next_marker = page.cut(&mut named, |(id, _)| id);
        let mut approval_requests = Vec::with_capacity(named.len());
        for (_, found) in &named {
            if may_see(identity, found, source, cx).await? {
                approval_requests.push(Description::new(found, source, cx).await?);
            }
        }
        Ok(Output {
            approval_requests,
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
