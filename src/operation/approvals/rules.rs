//! Which calls wait for approvals, and whose.

use crate::model::AccountId;
use crate::operation::OperationName;
use std::time::Duration;

/// One rule of the configuration.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The operations that it is about.
    pub operations: Vec<OperationName>,
    /// The accounts that it is about; none for all.
    pub accounts: Vec<AccountId>,
    /// How many approvals a call needs.
    pub approvals: i32,
    /// The ARNs of the identities that may give one.
    pub approvers: Vec<String>,
    /// How long a request stays open.
    pub expires: Duration,
}

/// All rules. They are the deployment's: every gateway of it must have the same.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// From the configuration, where no two are about the same.
    ///
    /// # Errors
    /// Says which operation approvals cannot be asked for.
    pub fn new(rules: Vec<Rule>) -> Result<Self, String> {
        let mut operations = rules.iter().flat_map(|rule| &rule.operations);
        let deciding = [OperationName::ApproveRequest, OperationName::DenyRequest];
        let wrong = operations.find(|name| !name.is_change() || deciding.contains(name));
        match wrong {
            Some(name) if name.is_change() => Err(format!(
                "{name} decides on approvals and can need none itself"
            )),
            Some(name) => Err(format!(
                "{name} changes nothing: approvals can be asked for changes alone"
            )),
            None => Ok(Self(rules)),
        }
    }

    /// The rule for an operation that comes to these accounts, the first that has one.
    pub(super) fn of(
        &self,
        operation: OperationName,
        mut accounts: impl Iterator<Item = AccountId>,
    ) -> Option<&Rule> {
        let about = |rule: &&Rule| rule.operations.contains(&operation);
        if !self.0.iter().any(|rule| about(&rule)) {
            return None;
        }
        accounts.find_map(|account| {
            let mut rules = self.0.iter().filter(about);
            rules.find(|rule| rule.accounts.is_empty() || rule.accounts.contains(&account))
        })
    }
}
