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

/// Which policies have a say.
#[derive(Debug, Clone, Copy)]
pub struct Policies<'a> {
    /// The policies of the user, or of the role that a session is of.
    pub identity: &'a [Arc<Policy>],
    /// The policy that limits a session.
    pub session: Option<&'a Policy>,
    /// The resource's own policy: a key's or a role's. `None` where the resource has none.
    pub resource: Option<&'a Policy>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowed {
    /// The resource's policy; from another account, together with the identity's.
    ResourcePolicy,
    /// The identity's policies, by themselves or because the resource's policy leaves it to them.
    Identity,
    /// A grant, by its index.
    Grant(usize),
}

/// What the policies say: a grant may allow what they do not, unless one of them denies it.
#[derive(Debug, Clone, Copy)]
pub struct Judgement {
    decision: Decision,
    own: bool,
    identity: bool,
    session: bool,
}

/// Whether a principal may do something. An explicit deny goes before everything.
///
/// In its own account, what the resource's policy allows to the principal itself is allowed; what
/// it allows to the account is for the identity's policies to allow, too; and a resource without a
/// policy leaves everything to them. From another account both must allow it. A grant allows what
/// the resource's policy does not, in either case. A session's policy limits all of this but what
/// is allowed, in its own account, to the very session.
pub fn decide(question: &Question<'_>, policies: &Policies<'_>, grants: &[Permit<'_>]) -> Decision {
    judge(question, policies).or_by(grants, question)
}

/// The part of [`decide()`] that needs no grants.
pub fn judge(question: &Question<'_>, policies: &Policies<'_>) -> Judgement {
    judge_under(question, policies, Conditions::Tested)
}

pub(super) fn judge_under(
    question: &Question<'_>,
    policies: &Policies<'_>,
    conditions: Conditions,
) -> Judgement {
    let principal = question.principal;
    let ask = |policy: &Policy| policy.verdict(question, conditions);
    let identity = of_identity(principal, policies.identity, ask);
    if identity == Verdict::Denied {
        return Judgement::denied(Reason::ExplicitIdentity);
    }
    let resource = policies.resource.map_or(Verdict::Silent, ask);
    if resource == Verdict::Denied {
        return Judgement::denied(Reason::ExplicitResource);
    }
    let session = policies.session.map(ask);
    if session == Some(Verdict::Denied) {
        return Judgement::denied(Reason::ExplicitSession);
    }
    let judgement = Judgement {
        decision: Decision::Deny(Reason::NoResource),
        own: principal.account == *question.owner,
        identity: identity != Verdict::Silent,
        session: session != Some(Verdict::Silent),
    };
    let web = matches!(principal.kind, PrincipalKind::WebIdentity { .. });
    let decision = match (resource, policies.resource) {
        // Whom a token names has no account's policies: the role's trust alone decides.
        (Verdict::Allowed(_), _) if web => Decision::Allow(Allowed::ResourcePolicy),
        (Verdict::Allowed(_), _) if !judgement.own => {
            judgement.by_identity(Allowed::ResourcePolicy)
        }
        (Verdict::Allowed(Named::Itself), _) => Decision::Allow(Allowed::ResourcePolicy),
        (Verdict::Allowed(Named::Role), _) => judgement.by_role(Allowed::ResourcePolicy),
        (Verdict::Allowed(Named::Account), _) => judgement.by_identity(Allowed::Identity),
        (_, None) if judgement.own && !web => judgement.by_identity(Allowed::Identity),
        _ => judgement.decision,
    };
    Judgement {
        decision,
        ..judgement
    }
}

impl Judgement {
    /// An explicit deny.
    pub(crate) fn denied(reason: Reason) -> Self {
        Self {
            decision: Decision::Deny(reason),
            own: false,
            identity: false,
            session: false,
        }
    }

    /// Whether a grant could make a difference.
    pub fn is_open(&self) -> bool {
        match self.decision {
            Decision::Allow(_) => false,
            Decision::Deny(reason) => !reason.is_explicit(),
        }
    }

    /// The decision, the resource's grants included; the question is the one that was judged.
    pub fn or_by(&self, grants: &[Permit<'_>], question: &Question<'_>) -> Decision {
        let mut decision = self.decision;
        if !self.is_open() {
            return decision;
        }
        for (at, named) in permitting(grants, question) {
            decision = match named {
                Named::Itself if self.own => Decision::Allow(Allowed::Grant(at)),
                Named::Itself | Named::Role => self.by_role(Allowed::Grant(at)),
                Named::Account => self.by_identity(Allowed::Grant(at)),
            };
            if let Decision::Allow(_) = decision {
                break;
            }
        }
        decision
    }

    /// What is missing where the identity's policies decide.
    fn by_identity(&self, allowed: Allowed) -> Decision {
        match (self.identity, self.session) {
            (false, _) => Decision::Deny(Reason::NoIdentity),
            (true, false) => Decision::Deny(Reason::NoSession),
            (true, true) => Decision::Allow(allowed),
        }
    }

    fn by_role(&self, allowed: Allowed) -> Decision {
        match self.session {
            false => Decision::Deny(Reason::NoSession),
            true => Decision::Allow(allowed),
        }
    }
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
