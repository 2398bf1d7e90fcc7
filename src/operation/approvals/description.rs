//! What is shown of an approval request.

use super::approvers::{counting, held, needed};
use crate::Error;
use crate::model::shapes::Timestamp;
use crate::operation::authorized::Source;
use crate::operation::{Context, OperationName};
use crate::store::{ApprovalRequest, ApprovalState};
use serde_json::Value;

/// An approval request, as answers have it.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Description {
    pub approval_id: String,
    /// `PENDING`, `APPROVED`, `DENIED`, `EXECUTED`, `EXPIRED`.
    pub status: &'static str,
    /// As policies name it.
    pub action: String,
    pub account: String,
    pub region: String,
    pub requester: String,
    /// The ARNs of the keys that the call comes to.
    pub resources: Vec<String>,
    /// As the audit record shows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    pub approvals_needed: usize,
    /// How many of those given count now.
    pub approvals_counted: usize,
    pub approvals: Vec<Given>,
    pub approvers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied_by: Option<String>,
    pub creation_date: Timestamp,
    pub expiration_date: Timestamp,
}

/// One approval.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Given {
    pub approver: String,
    pub principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    pub approval_date: Timestamp,
}

impl Description {
    /// As it is now; without the parameters, which may be long.
    pub(super) async fn new(
        request: &ApprovalRequest,
        source: Source<'_>,
        cx: &Context,
    ) -> Result<Self, Error> {
        let held = held(request, cx);
        let counted = counting(request, held.as_ref(), source).await?.len();
        let needed = needed(request, held.as_ref());
        let status = match request.state {
            ApprovalState::Executed => "EXECUTED",
            ApprovalState::Denied => "DENIED",
            ApprovalState::Expired => "EXPIRED",
            ApprovalState::Pending if request.expired => "EXPIRED",
            ApprovalState::Pending if counted >= needed => "APPROVED",
            ApprovalState::Pending => "PENDING",
        };
        let action = OperationName::parse(&request.operation).map(OperationName::action);
        let given = request.approvals.iter().map(|approval| Given {
            approver: approval.approver.clone(),
            principal: approval.principal.clone(),
            access_key_id: approval.access_key.clone(),
            approval_date: Timestamp(approval.created),
        });
        Ok(Self {
            approval_id: request.row.to_string(),
            status,
            action: action.unwrap_or(&request.operation).to_owned(),
            account: request.account.to_string(),
            region: request.region.to_string(),
            requester: request.requester.clone(),
            resources: request.resources.clone(),
            parameters: None,
            approvals_needed: needed,
            approvals_counted: counted,
            approvals: given.collect(),
            approvers: request.approvers.clone(),
            denied_by: request.denied_by.clone(),
            creation_date: Timestamp(request.created),
            expiration_date: Timestamp(request.expires),
        })
    }

    /// With the parameters.
    pub(super) fn with_parameters(self, request: &ApprovalRequest) -> Result<Self, Error> {
        let parameters = serde_json::from_str(&request.parameters).map_err(Error::internal)?;
        Ok(Self {
            parameters: Some(parameters),
            ..self
        })
    }
}
