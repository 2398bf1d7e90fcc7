//! The rules of dual control, as the pipeline takes them.

use crate::config::{ApprovalSection, Config};
use crate::model::AccountId;
use crate::operation::OperationName;
use crate::operation::approvals::{Rule, Rules};
use crate::{Error, ErrorCode};
use std::time::Duration;

/// Which calls wait for approvals.
///
/// # Errors
/// A rule names what is no operation, or one that approvals cannot be asked for.
pub fn rules(config: &Config) -> Result<Rules, Error> {
    let wrong = |message: String| Error::new(ErrorCode::Validation, message);
    let rules: Result<Vec<Rule>, Error> = config.approval.iter().map(rule).collect();
    Rules::new(rules?).map_err(|what| wrong(format!("approval: operations: {what}")))
}

fn rule(section: &ApprovalSection) -> Result<Rule, Error> {
    let operation = |name: &String| {
        OperationName::parse(name).ok_or_else(|| {
            let message = format!("approval: operations: {name:?} is no operation's name");
            Error::new(ErrorCode::Validation, message)
        })
    };
    let operations: Result<Vec<_>, _> = section.operations.iter().map(operation).collect();
    let accounts = section.accounts.iter();
    Ok(Rule {
        operations: operations?,
        accounts: accounts.filter_map(|id| AccountId::parse(id)).collect(),
        approvals: i32::try_from(section.approvals).map_err(Error::internal)?,
        approvers: section.approvers.clone(),
        expires: Duration::from_secs(section.expires_seconds),
    })
}
