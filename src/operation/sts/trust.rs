//! Whether a caller may assume a role: the role's trust policy, and where that is not enough by
//! itself, the caller's own policies.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-assume-role.html>.

use super::facts::AssumeFacts;
use crate::authz::{Decision, Policies, Policy, PolicyKind, PrincipalKind, Question, decide};
use crate::model::arn::principal_account;
use crate::model::shapes::IdentityTag;
use crate::operation::authorized::{Known, On, Seen, Source};
use crate::operation::{OperationName, Request};
use crate::store::{Identity, IdentityKind, RowVersion};
use crate::{Error, ErrorCode};
use std::sync::Arc;
use time::OffsetDateTime;

/// What is said of the session that a role is to be assumed for.
#[derive(Debug, Clone, Copy)]
pub struct Assuming<'i> {
    /// The role's ARN.
    pub role: &'i str,
    /// `RoleSessionName`.
    pub session: &'i str,
    /// `ExternalId`.
    pub external_id: Option<&'i str>,
    /// Session tags.
    pub tags: &'i [IdentityTag],
}

/// The role, if the caller may assume it. One that there is not is answered as one that they may not.
///
/// # Errors
/// `AccessDeniedException`.
pub(in crate::operation) async fn check(
    wanted: Assuming<'_>,
    caller: Option<&Identity>,
    request: &Request,
    now: OffsetDateTime,
    source: Source<'_>,
    seen: &mut Seen,
) -> Result<Arc<Identity>, Error> {
    if request.principal.kind == PrincipalKind::Root {
        let message = "Roles may not be assumed by root accounts.";
        return Err(Error::new(ErrorCode::AccessDenied, message));
    }
    let operation = match request.proof.web_identity() {
        Some(_) => OperationName::AssumeRoleWithWebIdentity,
        None => OperationName::AssumeRole,
    };
    let action = operation.action();
    let role = match principal_account(wanted.role) {
        Some(_) => source.identity(wanted.role).await?,
        None => None,
    };
    let role = role.filter(|role| role.kind == IdentityKind::Role);
    let Some(role) = role else {
        return Err(denied(action, wanted, request));
    };
    seen.uses
        .push(RowVersion::Identity(role.row, role.row_version));
    seen.resources.push(role.arn.clone());
    let facts = AssumeFacts {
        wanted,
        role: &role,
        known: Known {
            operation,
            request,
            identity: caller,
            now,
            input: None,
            owner: &role.account,
            on: On::default(),
        },
    };
    let tagging = (!wanted.tags.is_empty()).then_some("sts:TagSession");
    for action in [Some(action), tagging].into_iter().flatten() {
        if !may(action, &role, &facts)? {
            return Err(denied(action, wanted, request));
        }
    }
    Ok(role)
}

fn may(action: &str, role: &Identity, facts: &AssumeFacts<'_>) -> Result<bool, Error> {
    let request = facts.known.request;
    let read = |text: &String, kind| {
        Policy::parse(text, kind).map_err(|error| {
            Error::internal(format!(
                "a stored {kind:?} policy is none any more: {error}"
            ))
        })
    };
    let trust = role
        .trust
        .as_ref()
        .map(|text| read(text, PolicyKind::Trust));
    let Some(trust) = trust.transpose()? else {
        return Ok(false);
    };
    let own = facts
        .known
        .identity
        .into_iter()
        .flat_map(|caller| caller.policies.values());
    let identity = own
        .map(|text| read(text, PolicyKind::Identity).map(Arc::new))
        .collect::<Result<Vec<_>, Error>>()?;
    let session = request.proof.session();
    let session = session.and_then(|session| session.policy.as_ref());
    let session = session
        .map(|text| read(text, PolicyKind::Session))
        .transpose()?;
    let question = Question {
        principal: &request.principal,
        action,
        resource: &role.arn,
        owner: &role.account,
        facts,
    };
    let policies = Policies {
        identity: &identity,
        session: session.as_ref(),
        resource: Some(&trust),
        grants: &[],
    };
    Ok(matches!(decide(&question, &policies), Decision::Allow(_)))
}

/// AWS's sentences, which say nothing of why.
fn denied(action: &str, wanted: Assuming<'_>, request: &Request) -> Error {
    let message = match request.proof.web_identity() {
        Some(_) => format!("Not authorized to perform {action}"),
        None => format!(
            "User: {} is not authorized to perform: {action} on resource: {}",
            request.principal.arn, wanted.role
        ),
    };
    Error::new(ErrorCode::AccessDenied, message)
}
