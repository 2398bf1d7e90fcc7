//! Step 6 for a role that is to be assumed: its trust policy, and where that is not enough by
//! itself, the caller's own policies.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-assume-role.html>.

use super::facts::On;
use super::permit::{Caller, Resource};
use super::{Request, Seen, Source};
use crate::authz::{Decision, PrincipalKind};
use crate::model::arn::principal_account;
use crate::operation::sts::{AssumeFacts, Assuming};
use crate::store::{Identity, RowVersion};
use crate::{Error, ErrorCode};
use std::sync::Arc;

impl Caller<'_> {
    /// The role, if the caller may assume it. One that there is not is asked and answered as one
    /// that they may not.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) async fn assumed(
        &self,
        wanted: Assuming<'_>,
        source: Source<'_>,
        seen: &mut Seen,
    ) -> Result<Arc<Identity>, Error> {
        let (request, action) = (self.request, self.operation.action());
        if request.principal.kind == PrincipalKind::Root {
            let message = "Roles may not be assumed by root accounts.";
            return Err(Error::new(ErrorCode::AccessDenied, message));
        }
        let denied = |action| may_not_assume(action, wanted, request);
        let owner = principal_account(wanted.role).ok_or_else(|| denied(action))?;
        let own = self.identity.as_ref();
        let foreign = own.is_none_or(|own| own.account != owner);
        let role = source.role_to_assume(wanted.role, foreign).await?;
        if let Some(role) = &role {
            seen.uses
                .push(RowVersion::Identity(role.row, role.row_version));
            seen.resources.push(role.arn.clone());
        }
        let trust = self.cache.of_trust(role.as_deref());
        let trust = trust.as_ref().and_then(|trust| trust.policies.first());
        // Without one, it would be the caller's own policies that let them in.
        let trust = trust.ok_or_else(|| denied(action))?;
        let resource = Resource {
            arn: wanted.role,
            owner: &owner,
            policy: Some(trust),
        };
        let facts = AssumeFacts {
            wanted,
            role: role.as_deref(),
            known: self.known(On::default(), &owner),
        };
        let tagging = (!wanted.tags.is_empty()).then_some("sts:TagSession");
        for action in [Some(action), tagging].into_iter().flatten() {
            let question = self.question(action, &resource, &facts);
            let judgement = self.judge(&question, resource.policy);
            if let Decision::Deny(_) = judgement.or_by(&[], &question) {
                return Err(denied(action));
            }
        }
        role.ok_or_else(|| denied(action))
    }
}

/// AWS's sentences, which say nothing of why.
fn may_not_assume(action: &str, wanted: Assuming<'_>, request: &Request) -> Error {
    let message = match request.proof.web_identity() {
        Some(_) => format!("Not authorized to perform {action}"),
        None => format!(
            "User: {} is not authorized to perform: {action} on resource: {}",
            request.principal.arn, wanted.role
        ),
    };
    Error::new(ErrorCode::AccessDenied, message)
}
