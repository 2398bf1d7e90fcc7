//! `[[approval]]`: the calls that wait for approvals, and who may give them.

use super::wrong;
use crate::Error;
use crate::model::AccountId;
use crate::model::arn::principal_account;
use serde::Deserialize;
use std::collections::BTreeSet;

/// How long a request may stay open: from a minute to thirty days.
const SECONDS: std::ops::RangeInclusive<u64> = 60..=30 * 86_400;

/// `[[approval]]`: dual control, calls that wait until as many of the approvers as `approvals` says
/// have approved exactly them; see [dual-control.md](dual-control.md). As many rules as there are.
/// Every gateway of a deployment must have the same. By the environment all of them at once, as
/// `STRONGROOM_APPROVAL`: a list of tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalSection {
    /// Operations of AWS KMS and of Strongroom that change something.
    pub operations: Vec<String>,
    /// The accounts that the rule is about; without it, all of them.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// How many of the approvers must have approved.
    pub approvals: u32,
    /// ARNs of users, roles and roots; the requester's own approval does not count.
    pub approvers: Vec<String>,
    /// How long a request waits: a minute to thirty days.
    #[serde(default = "expires_seconds")]
    pub expires_seconds: u64,
}

fn expires_seconds() -> u64 {
    86_400
}

/// Checks the rules; which operations there are is not known here.
pub(super) fn validate(rules: &[ApprovalSection]) -> Result<(), Error> {
    let mut covered: BTreeSet<(&str, Option<&str>)> = BTreeSet::new();
    for (at, rule) in rules.iter().enumerate() {
        let wrong = |what: String| Err(wrong(format!("approval {}: {what}", at + 1)));
        if rule.operations.is_empty() {
            return wrong("operations is empty: name some".into());
        }
        if let Some(account) = rule.accounts.iter().find(|a| AccountId::parse(a).is_none()) {
            return wrong(format!("accounts: {account:?} is no account's 12 digits"));
        }
        for approver in &rule.approvers {
            // A session comes and goes; its role stays.
            let named = principal_account(approver).is_some() && !approver.contains(":sts:");
            if !named {
                return wrong(format!(
                    "approvers: {approver:?} is not the ARN of a user, a role or an account's root"
                ));
            }
        }
        let approvers: BTreeSet<&String> = rule.approvers.iter().collect();
        if approvers.len() != rule.approvers.len() {
            return wrong("approvers names somebody twice".into());
        }
        if rule.approvals == 0 {
            return wrong("approvals must be at least 1".into());
        }
        if rule.approvals as usize > approvers.len() {
            return wrong(format!(
                "approvals is {}, and approvers are only {}: no call would ever be executed",
                rule.approvals,
                approvers.len()
            ));
        }
        if !SECONDS.contains(&rule.expires_seconds) {
            return wrong(format!(
                "expires_seconds must be from {} to {}",
                SECONDS.start(),
                SECONDS.end()
            ));
        }
        // Which of two rules is meant must not depend on their order.
        for operation in &rule.operations {
            let everywhere = rule.accounts.is_empty().then_some(None);
            let accounts = rule.accounts.iter().map(|account| Some(account.as_str()));
            for account in everywhere.into_iter().chain(accounts) {
                let overlaps = match account {
                    None => covered.iter().any(|(other, _)| other == operation),
                    some => {
                        covered.contains(&(operation, None)) || covered.contains(&(operation, some))
                    }
                };
                if overlaps {
                    return wrong(format!("another rule covers {operation} there already"));
                }
                covered.insert((operation, account));
            }
        }
    }
    Ok(())
}
