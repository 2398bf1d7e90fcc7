//! Who may do what: pure, no I/O, no clock.
//!
//! So far one rule: an account's principals may do everything in their own account, and nobody
//! else anything. Policies and grants come here.

mod policy;

pub use policy::KeyPolicy;

use crate::model::AccountId;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The principal's ARN, `arn:aws:iam::ACCOUNT:root` so far.
    pub arn: String,
    /// The account that it acts for.
    pub account: AccountId,
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
