//! Who may do what: pure, no I/O, no clock.
//!
//! A policy is parsed once and asked often ([`Policy::parse`], [`decide()`]). What is known of a
//! request is looked up only where a policy asks for it ([`Facts`]).

mod condition;
mod decide;
mod facts;
mod grants;
mod json;
mod lockout;
mod pattern;
mod policy;
mod principals;
mod reach;
mod reason;
mod statement;
mod variables;

pub use decide::{Allowed, Decision, Judgement, Policies, Question, decide, judge};
pub use facts::{ConditionKey, Facts, Values};
pub use grants::Permit;
pub use lockout::keeps_control;
pub use policy::{Policy, PolicyError, PolicyKind};
pub use reach::{Reach, reach};
pub use reason::Reason;

use crate::model::AccountId;
use crate::model::arn::root_arn;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The principal's ARN; of a session, `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// The account that it acts for.
    pub account: AccountId,
    /// What it is.
    pub kind: PrincipalKind,
    /// `aws:userid`: `AIDA…`, `AROA…:SESSION`, the account id for a root.
    pub user_id: String,
}

/// What a principal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalKind {
    /// An account's root.
    Root,
    /// A user.
    User,
    /// A session of a role.
    AssumedRole {
        /// The role's ARN.
        role: String,
    },
    /// Whom an OIDC issuer has named, before they assume a role.
    WebIdentity {
        /// The ARN of the issuer as a provider.
        provider: String,
    },
}

impl Principal {
    /// An account's root.
    pub fn root(account: &AccountId) -> Self {
        Self {
            arn: root_arn(account),
            account: account.clone(),
            kind: PrincipalKind::Root,
            user_id: account.to_string(),
        }
    }

    /// The ARN of the identity whose policies are the principal's; `None` for one that has none here.
    pub fn identity(&self) -> Option<&str> {
        match &self.kind {
            PrincipalKind::Root | PrincipalKind::User => Some(&self.arn),
            PrincipalKind::AssumedRole { role } => Some(role),
            PrincipalKind::WebIdentity { .. } => None,
        }
    }
}
