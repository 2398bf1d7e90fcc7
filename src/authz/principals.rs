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
                match principal_account(text).filter(|_| !text.contains(['*', '?', '$'])) {
                    Some(account) if root_of(&account) => accounts.push(account),
                    Some(_) => arns.push(text.into()),
                    None => return Err(value.error(format!("{text:?} is not a valid principal"))),
                }
            }
        }
        (self.accounts, self.arns) = (accounts.into(), arns.into());
        Ok(())
    }

    /// The ARNs of users, roles and sessions.
    pub(super) fn arns(&self) -> impl Iterator<Item = &str> {
        self.arns.iter().map(|arn| &**arn)
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

#[cfg(test)]
mod tests {
    use super::super::json::Json;
    use super::*;
    use Effect::{Allow, Deny};
    use Named::{Account, Itself, Role};

    const ACCOUNT: &str = "111122223333";
    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const USER: &str = "arn:aws:iam::111122223333:user/alice";
    const ROLE: &str = "arn:aws:iam::111122223333:role/r";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/r/s";
    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/token.example.com";

    fn root() -> Principal {
        Principal::root(&AccountId::parse(ACCOUNT).unwrap())
    }

    fn user() -> Principal {
        Principal {
            arn: USER.into(),
            kind: PrincipalKind::User,
            ..root()
        }
    }

    fn session() -> Principal {
        let role = ROLE.to_owned();
        Principal {
            arn: SESSION.into(),
            kind: PrincipalKind::AssumedRole { role },
            ..root()
        }
    }

    fn web() -> Principal {
        let provider = PROVIDER.to_owned();
        Principal {
            arn: "arn:aws:sts::111122223333:web-identity".into(),
            kind: PrincipalKind::WebIdentity { provider },
            ..root()
        }
    }

    fn parse(text: &str, negated: bool) -> Principals {
        let json: Json = serde_json::from_str(text).unwrap();
        Principals::parse(&Node::root(&json), negated).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn aws(arns: &[&str], negated: bool) -> Principals {
        parse(&serde_json::json!({ "AWS": arns }).to_string(), negated)
    }

    #[test]
    fn who_is_named_and_how() {
        for (named, by_root, by_user, by_session) in [
            ("*", Some(Itself), Some(Itself), Some(Itself)),
            (ACCOUNT, Some(Itself), Some(Account), Some(Account)),
            (ROOT, Some(Itself), Some(Account), Some(Account)),
            (USER, None, Some(Itself), None),
            (ROLE, None, None, Some(Role)),
            (SESSION, None, None, Some(Itself)),
            ("111122223334", None, None, None),
            ("arn:aws:iam::111122223334:root", None, None, None),
            ("arn:aws:iam::111122223333:user/alic", None, None, None),
            ("arn:aws:iam::111122223333:user/Alice", None, None, None),
            ("arn:aws:iam::111122223333:user/x/alice", None, None, None),
        ] {
            let principals = aws(&[named], false);
            for effect in [Allow, Deny] {
                let name = |principal| principals.name(&principal, effect);
                assert_eq!(name(root()), by_root, "{named}");
                assert_eq!(name(user()), by_user, "{named}");
                assert_eq!(name(session()), by_session, "{named}");
            }
        }
        // Of several, the strongest.
        let several = aws(&[ACCOUNT, ROLE, SESSION], false);
        assert_eq!(several.name(&session(), Allow), Some(Itself));
        let several = aws(&[ACCOUNT, ROLE], false);
        assert_eq!(several.name(&session(), Allow), Some(Role));
        assert_eq!(parse(r#""*""#, false).name(&user(), Allow), Some(Itself));
        let service = r#"{"Service": "ec2.amazonaws.com", "CanonicalUser": "x", "Federated": "y"}"#;
        for principal in [root(), user(), session(), web()] {
            assert_eq!(parse(service, false).name(&principal, Allow), None);
        }
    }

    #[test]
    fn a_not_principal_spares_whom_it_names_with_role_and_account() {
        for (principal, spared, expected) in [
            (user(), &[USER, ACCOUNT][..], true),
            (user(), &[USER, ROOT], true),
            (user(), &[USER], false),
            (user(), &[ROOT], false),
            (user(), &["*"], true),
            (root(), &[ROOT], true),
            (root(), &[USER], false),
            (session(), &[SESSION, ROLE, ROOT], true),
            (session(), &[ROLE, ROOT], false),
            (session(), &[SESSION, ROOT], false),
            (session(), &[SESSION, ROLE], false),
        ] {
            let denied = aws(spared, true).name(&principal, Deny).is_some();
            assert_eq!(!denied, expected, "{} {spared:?}", principal.arn);
        }
    }

    #[test]
    fn whom_an_issuer_names_is_let_in_by_the_issuers_name_alone() {
        for (text, allowed, denied) in [
            (format!(r#"{{"Federated": "{PROVIDER}"}}"#), true, true),
            (
                format!(r#"{{"Federated": ["x", "{PROVIDER}"]}}"#),
                true,
                true,
            ),
            (
                format!(r#"{{"Federated": "{}"}}"#, &PROVIDER[..50]),
                false,
                false,
            ),
            (r#"{"Federated": "*"}"#.into(), false, false),
            (r#"{"AWS": "111122223333"}"#.into(), false, false),
            (r#""*""#.into(), false, true),
        ] {
            let principals = parse(&text, false);
            assert_eq!(principals.name(&web(), Allow).is_some(), allowed, "{text}");
            assert_eq!(principals.name(&web(), Deny).is_some(), denied, "{text}");
        }
    }
}
