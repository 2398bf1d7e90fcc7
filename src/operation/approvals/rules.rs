//! Which calls wait for approvals, and whose.

use crate::model::AccountId;
use crate::operation::OperationName as Name;
use std::time::Duration;

/// Operations that do in another way what others do, the gravest first: a rule about one of those is
/// about them as well, unless they have one of their own.
const ALSO: &[(Name, &[Name])] = &[
    (Name::AdoptKey, &[Name::CreateKey]),
    // It sets a trust policy: under the name of a role that is gone, which key policies still name.
    (Name::CreateRole, &[Name::UpdateAssumeRolePolicy]),
    // It sets the primary version.
    (Name::CreateKeyVersion, &[Name::SetPrimaryKeyVersion]),
    (Name::DeleteAccessKey, &[Name::UpdateAccessKey]),
    // What was deleted can be made again, to point elsewhere.
    (Name::DeleteAlias, &[Name::UpdateAlias]),
    (
        Name::DeleteImportedKeyMaterial,
        &[Name::ScheduleKeyDeletion, Name::DisableKey],
    ),
    (Name::DeleteRolePolicy, &[Name::PutRolePolicy]),
    (Name::DeleteUserPolicy, &[Name::PutUserPolicy]),
    (Name::DisableKeyVersion, &[Name::DisableKey]),
    // Its keys cannot be used.
    (Name::DisconnectCustomKeyStore, &[Name::DisableKey]),
    (Name::EnableKeyVersion, &[Name::EnableKey]),
    // A disabled key whose material was deleted, or has expired, is enabled by its import.
    (Name::ImportKeyMaterial, &[Name::EnableKey]),
    (Name::PutRolePolicy, &[Name::DeleteRolePolicy]),
    (Name::PutUserPolicy, &[Name::DeleteUserPolicy]),
    // The replica has a policy of its own, which is the default one where none is given.
    (Name::ReplicateKey, &[Name::PutKeyPolicy, Name::CreateKey]),
    (Name::RetireGrant, &[Name::RevokeGrant]),
    (Name::RevokeGrant, &[Name::RetireGrant]),
    (Name::ScheduleKeyDeletion, &[Name::DisableKey]),
    // It makes one usable again, or useless.
    (
        Name::UpdateAccessKey,
        &[Name::CreateAccessKey, Name::DeleteAccessKey],
    ),
];

/// One rule of the configuration.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The operations that it is about.
    pub operations: Vec<Name>,
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
        let deciding = [Name::ApproveRequest, Name::DenyRequest];
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

    /// The rule for an operation that comes to these accounts: of the first that has one, and there
    /// the operation's own before those of what else it does.
    pub(super) fn of(
        &self,
        operation: Name,
        mut accounts: impl Iterator<Item = AccountId>,
    ) -> Option<Held<'_>> {
        let also = ALSO.iter().find(|(name, _)| *name == operation);
        let names = || std::iter::once(&operation).chain(also.into_iter().flat_map(|it| it.1));
        accounts.find_map(|account| {
            let of = |name: &Name| self.0.iter().find(|rule| rule.is_about(*name, &account));
            let rule = names().find_map(of)?;
            Some(Held { rule, account })
        })
    }
}

impl Rule {
    fn is_about(&self, operation: Name, account: &AccountId) -> bool {
        self.operations.contains(&operation)
            && (self.accounts.is_empty() || self.accounts.contains(account))
    }
}

/// The rule that a call is held by.
pub(super) struct Held<'r> {
    pub(super) rule: &'r Rule,
    /// The account whose rule it is: who approves belongs to it, whoever calls.
    pub(super) account: AccountId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(operation: Name, accounts: &[&AccountId], approvals: i32) -> Rule {
        Rule {
            operations: vec![operation],
            accounts: accounts.iter().map(|id| (*id).clone()).collect(),
            approvals,
            approvers: Vec::new(),
            expires: Duration::ZERO,
        }
    }

    #[test]
    fn what_has_the_same_effect_is_a_change_and_is_told_once() {
        let mut seen = std::collections::HashSet::new();
        for (name, others) in ALSO {
            assert!(seen.insert(*name), "{name} twice");
            assert!(name.is_change() && others.iter().all(|other| other.is_change()));
            assert!(!others.contains(name));
        }
    }

    #[test]
    fn an_operations_own_rule_goes_before_that_of_its_effect_and_the_first_account_before_all() {
        let [a, b] = ["111122223333", "444455556666"].map(|id| AccountId::parse(id).unwrap());
        let rules = Rules(vec![
            rule(Name::DisableKey, &[], 1),
            rule(Name::ScheduleKeyDeletion, &[&b], 2),
        ]);
        let of = |name, accounts: &[&AccountId]| {
            let accounts = accounts.iter().map(|id| (*id).clone());
            let held = rules.of(name, accounts)?;
            Some((held.rule.approvals, held.account))
        };
        assert_eq!(of(Name::EnableKey, &[&a]), None);
        assert_eq!(of(Name::DisableKeyVersion, &[&b]), Some((1, b.clone())));
        assert_eq!(of(Name::ScheduleKeyDeletion, &[&a]), Some((1, a.clone())));
        assert_eq!(of(Name::ScheduleKeyDeletion, &[&b]), Some((2, b.clone())));
        assert_eq!(of(Name::ScheduleKeyDeletion, &[&a, &b]), Some((1, a)));
        assert_eq!(of(Name::DeleteImportedKeyMaterial, &[&b]), Some((2, b)));
    }

    #[test]
    fn an_access_key_is_taken_away_in_two_ways() {
        let account = AccountId::parse("111122223333").unwrap();
        let held_by = |of, operation| {
            let rules = Rules(vec![rule(of, &[], 1)]);
            rules
                .of(operation, std::iter::once(account.clone()))
                .is_some()
        };
        assert!(held_by(Name::UpdateAccessKey, Name::DeleteAccessKey));
        assert!(held_by(Name::DeleteAccessKey, Name::UpdateAccessKey));
        assert!(!held_by(Name::CreateAccessKey, Name::DeleteAccessKey));
    }
}
