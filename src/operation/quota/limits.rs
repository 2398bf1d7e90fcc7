//! How much of everything there may be, as the configuration says.

use super::{Group, Rate};
use crate::model::{AccountId, Region};
use std::collections::HashMap;

/// The rates that are in force.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests of each account.
    pub account: Rate,
    /// Requests of each user, role and root.
    pub principal: Rate,
    /// Failures of each address.
    pub failures: Rate,
    /// Whether AWS's defaults hold where nothing else is said.
    pub aws: bool,
    /// Of each account in each Region.
    pub groups: HashMap<Group, Rate>,
    /// Where an account has other rates.
    pub accounts: HashMap<AccountId, AccountLimits>,
    /// Where a principal has another rate, by its ARN.
    pub principals: HashMap<String, Rate>,
}

/// The rates of one account.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct AccountLimits {
    pub account: Option<Rate>,
    pub groups: HashMap<Group, Rate>,
}

impl Limits {
    pub(super) fn account(&self, account: &AccountId) -> Rate {
        let own = self.accounts.get(account).and_then(|own| own.account);
        own.unwrap_or(self.account)
    }

    pub(super) fn principal(&self, arn: &str) -> Rate {
        self.principals.get(arn).copied().unwrap_or(self.principal)
    }

    /// `None` for as many as one likes.
    pub(super) fn group(&self, account: &AccountId, region: &Region, group: Group) -> Option<Rate> {
        let own = self.accounts.get(account);
        own.and_then(|own| own.groups.get(&group).copied())
            .or_else(|| self.groups.get(&group).copied())
            .or_else(|| self.aws.then(|| group.aws(region)).flatten())
    }
}
