//! Whom a statement is about.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>.

use super::json::Node;
use super::policy::{Effect, PolicyError};
use super::{Principal, PrincipalKind};
use crate::model::AccountId;
use crate::model::arn::{principal_account, root_arn};

/// The `Principal` or `NotPrincipal` of a statement.
#[derive(Debug)]
pub(super) struct Principals {
    negated: bool,
    everybody: bool,
    accounts: Box<[AccountId]>,
    /// Of users, roles and sessions.
    arns: Box<[Box<str>]>,
    federated: Box<[Box<str>]>,
}

/// How a statement names a principal; what follows is the stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// Its account, whose own policies decide further.
    Account,
    /// The role that the session is of.
    Role,
    /// Itself, or everybody.
    Itself,
}

impl Principals {
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn parse(node: &Node<'_>, negated: bool) -> Result<Self, PolicyError> {
        let mut found = Self {
            negated,
            everybody: false,
            accounts: Box::default(),
            arns: Box::default(),
            federated: Box::default(),
        };
        if let Ok(text) = node.text() {
            if text != "*" {
                return Err(node.error(r#"must be "*" or an object"#));
            }
            found.everybody = true;
            return Ok(found);
        }
        let kinds = node.members()?;
        if kinds.is_empty() {
            return Err(node.error("has no principal"));
        }
        for (kind, values) in kinds {
            let values = values.one_or_many();
            match kind {
                "AWS" => found.read_aws(&values?)?,
                "Federated" => found.federated = texts(&values?)?,
                // Nobody here is one; the grammar has them.
                "Service" | "CanonicalUser" => drop(texts(&values?)?),
                _ => return Err(node.error(format!("{kind:?} is no kind of principal"))),
            }
        }
        Ok(found)
    }

    fn read_aws(&mut self, values: &[Node<'_>]) -> Result<(), PolicyError> {
        let (mut accounts, mut arns) = (Vec::new(), Vec::new());
        for value in values {
            let text = value.text()?;
            let of_account = AccountId::parse(text);
            let root_of = |account: &AccountId| text == root_arn(account);
            if text == "*" {
                self.everybody = true;
            } else if let Some(account) = of_account {
                accounts.push(account);
            } else {
                match principal_account(text).filter(|_| !text.contains(['*', '?'])) {
                    Some(account) if root_of(&account) => accounts.push(account),
                    Some(_) => arns.push(text.into()),
                    None => return Err(value.error(format!("{text:?} is not a valid principal"))),
                }
            }
        }
        (self.accounts, self.arns) = (accounts.into(), arns.into());
        Ok(())
    }

    /// Whether it says whom a statement is not about.
    pub(super) fn are_negated(&self) -> bool {
        self.negated
    }

    /// Whether a statement of this effect is about a principal, and how it names them.
    pub(super) fn name(&self, principal: &Principal, effect: Effect) -> Option<Named> {
        if self.negated {
            return (!self.spares(principal)).then_some(Named::Itself);
        }
        let has = |arn: &str| self.arns.iter().any(|named| **named == *arn);
        let account = || self.accounts.contains(&principal.account);
        match &principal.kind {
            // Whom a token names is let in by its issuer's name, never for being somebody.
            PrincipalKind::WebIdentity { provider } => {
                let named = self.federated.iter().any(|named| **named == **provider)
                    || self.everybody && effect == Effect::Deny;
                named.then_some(Named::Itself)
            }
            _ if self.everybody || has(&principal.arn) => Some(Named::Itself),
            PrincipalKind::AssumedRole { role } if has(role) => Some(Named::Role),
            PrincipalKind::Root if account() => Some(Named::Itself),
            _ if account() => Some(Named::Account),
            _ => None,
        }
    }

    /// Whether a `NotPrincipal` excepts a principal: its account must be listed, then the user or
    /// the role, then the session, as each of them is checked by itself.
    fn spares(&self, principal: &Principal) -> bool {
        let has = |arn: &str| self.arns.iter().any(|named| **named == *arn);
        let account = || self.accounts.contains(&principal.account);
        self.everybody
            || match &principal.kind {
                PrincipalKind::Root => account(),
                PrincipalKind::User => account() && has(&principal.arn),
                PrincipalKind::AssumedRole { role } => {
                    account() && has(role) && has(&principal.arn)
                }
                PrincipalKind::WebIdentity { provider } => {
                    self.federated.iter().any(|named| **named == **provider)
                }
            }
    }
}

fn texts(values: &[Node<'_>]) -> Result<Box<[Box<str>]>, PolicyError> {
    let text = |value: &Node<'_>| match value.text()? {
        "" => Err(value.error("must not be empty")),
        text => Ok(text.into()),
    };
    values.iter().map(text).collect()
}
