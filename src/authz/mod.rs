//! Who may do what: pure, no I/O, no clock.
//!
//! So far one rule: an account's principals may do everything in their own account, and nobody
//! else anything. Policies and grants come here.

mod policy;

pub use policy::KeyPolicy;

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

/// What authorization answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Decision {
    Allow,
    Deny,
}

/// Whether `principal` may do anything to what `owner` owns.
pub fn decide(principal: &Principal, owner: &AccountId) -> Decision {
    if principal.account == *owner {
        Decision::Allow
    } else {
        Decision::Deny
    }
}
