//! The decision: identity-based policies, the resource's policy, grants and a session's policy
//! together.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/control-access.html>.

use super::facts::Facts;
use super::grants::{Permit, permitting};
use super::policy::{Policy, Verdict};
use super::principals::Named;
use super::reason::Reason;
use super::statement::Conditions;
use super::{Principal, PrincipalKind};
use crate::model::AccountId;
use std::sync::Arc;

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// What for: `kms:Encrypt`, `strongroom:CreateUser`, `sts:AssumeRole`.
    pub action: &'a str,
    /// On what: its ARN, or `*`.
    pub resource: &'a str,
    /// Whose that is.
    pub owner: &'a AccountId,
    /// What is known of the request.
    pub facts: &'a dyn Facts,
}

/// Who has a say.
#[derive(Debug, Clone, Copy)]
pub struct Policies<'a> {
    /// The policies of the user, or of the role that a session is of.
    pub identity: &'a [Arc<Policy>],
    /// The policy that limits a session.
    pub session: Option<&'a Policy>,
    /// The resource's own policy: a key's or a role's. `None` where the resource has none.
    pub resource: Option<&'a Policy>,
    /// The key's grants.
    pub grants: &'a [Permit<'a>],
}

/// What authorization answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allow(Allowed),
    /// No.
    Deny(Reason),
}

/// What allows a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// The resource's policy; from another account, together with the identity's.
    ResourcePolicy,
    /// The identity's policies, by themselves or because the resource's policy leaves it to them.
    Identity,
    /// A grant, by its index.
    Grant(usize),
}

/// Whether a principal may do something. An explicit deny goes before everything.
///
/// In its own account, what the resource's policy allows to the principal itself is allowed; what
/// it allows to the account is for the identity's policies to allow, too; and a resource without a
/// policy leaves everything to them. From another account both must allow it. A grant allows what
/// the resource's policy does not, in either case. A session's policy limits all of this but what
/// is allowed, in its own account, to the very session.
pub fn decide(question: &Question<'_>, policies: &Policies<'_>) -> Decision {
    let principal = question.principal;
    let ask = |policy: &Policy| policy.verdict(question, Conditions::Tested);
    let identity = of_identity(principal, policies.identity, ask);
    if identity == Verdict::Denied {
        return Decision::Deny(Reason::ExplicitIdentity);
    }
    let resource = policies.resource.map_or(Verdict::Silent, ask);
    if resource == Verdict::Denied {
        return Decision::Deny(Reason::ExplicitResource);
    }
    let session = policies.session.map(ask);
    if session == Some(Verdict::Denied) {
        return Decision::Deny(Reason::ExplicitSession);
    }
    let identity = identity != Verdict::Silent;
    let session = session != Some(Verdict::Silent);
    // What is missing where the identity's policies decide.
    let by_identity = |allowed: Allowed| match (identity, session) {
        (false, _) => Decision::Deny(Reason::NoIdentity),
        (true, false) => Decision::Deny(Reason::NoSession),
        (true, true) => Decision::Allow(allowed),
    };
    let by_role = |allowed: Allowed| match session {
        false => Decision::Deny(Reason::NoSession),
        true => Decision::Allow(allowed),
    };
    let web = matches!(principal.kind, PrincipalKind::WebIdentity { .. });
    let own = principal.account == *question.owner;
    let mut decision = match (resource, policies.resource) {
        // Whom a token names has no account's policies: the role's trust alone decides.
        (Verdict::Allowed(_), _) if web => Decision::Allow(Allowed::ResourcePolicy),
        (Verdict::Allowed(_), _) if !own => by_identity(Allowed::ResourcePolicy),
        (Verdict::Allowed(Named::Itself), _) => Decision::Allow(Allowed::ResourcePolicy),
        (Verdict::Allowed(Named::Role), _) => by_role(Allowed::ResourcePolicy),
        (Verdict::Allowed(Named::Account), _) => by_identity(Allowed::Identity),
        (_, None) if own && !web => by_identity(Allowed::Identity),
        _ => Decision::Deny(Reason::NoResource),
    };
    let Decision::Deny(_) = decision else {
        return decision;
    };
    for (at, named) in permitting(policies.grants, question) {
        decision = match named {
            Named::Itself if own => Decision::Allow(Allowed::Grant(at)),
            Named::Itself | Named::Role => by_role(Allowed::Grant(at)),
            Named::Account => by_identity(Allowed::Grant(at)),
        };
        if let Decision::Allow(_) = decision {
            break;
        }
    }
    decision
}

/// What an identity's policies say together. A root needs none to be allowed everything.
pub(super) fn of_identity(
    principal: &Principal,
    policies: &[Arc<Policy>],
    ask: impl Fn(&Policy) -> Verdict,
) -> Verdict {
    let mut all = match principal.kind {
        PrincipalKind::Root => Verdict::Allowed(Named::Itself),
        _ => Verdict::Silent,
    };
    for policy in policies {
        match ask(policy) {
            Verdict::Denied => return Verdict::Denied,
            Verdict::Silent => {}
            allowed @ Verdict::Allowed(_) => all = allowed,
        }
    }
    all
}

#[cfg(test)]
mod tests;
