//! Key policies: the grammar, and the one question that is asked of a policy before it is put on a
//! key.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use super::Principal;
use crate::model::AccountId;
use crate::model::arn::{principal_account, root_arn};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A policy document whose grammar is right.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyPolicy {
    #[serde(rename = "Version")]
    _version: Option<Version>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<Statement>,
}

#[derive(Debug, Deserialize)]
enum Version {
    #[serde(rename = "2012-10-17")]
    Current,
    #[serde(rename = "2008-10-17")]
    Old,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    principal: Option<Principals>,
    not_principal: Option<Principals>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    condition: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Principals {
    /// `"*"`.
    Everybody(String),
    Some(Kinds),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    #[serde(rename = "AWS")]
    aws: Option<OneOrMany<String>>,
    #[serde(rename = "Service")]
    _service: Option<OneOrMany<String>>,
    #[serde(rename = "Federated")]
    _federated: Option<OneOrMany<String>>,
    #[serde(rename = "CanonicalUser")]
    _canonical_user: Option<OneOrMany<String>>,
}

impl<T> OneOrMany<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

impl KeyPolicy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// What is wrong with it, for whoever wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("The policy is not JSON: {error}."))?;
        if !value.is_object() {
            return Err("The policy is not a JSON object.".into());
        }
        let policy = Self::deserialize(value)
            .map_err(|error| format!("Syntax errors in policy: {error}."))?;
        for statement in policy.statement.as_slice() {
            statement.check()?;
        }
        Ok(policy)
    }

    /// Whether the policy by itself lets `principal` do `action` to the key `arn`, whatever the
    /// circumstances. Conditions are not looked into: an Allow that has one does not count, and
    /// neither does a Deny, which may never come to apply.
    pub fn allows(&self, principal: &Principal, action: &str, arn: &str) -> bool {
        let mut allowed = false;
        for statement in self.statement.as_slice() {
            if statement.condition.as_ref().is_none_or(Map::is_empty)
                && statement.is_about(principal, action, arn)
            {
                match statement.effect {
                    Effect::Allow => allowed = true,
                    Effect::Deny => return false,
                }
            }
        }
        allowed
    }
}

impl Statement {
    fn check(&self) -> Result<(), String> {
        let both = |name: &str| Err(format!("A statement has both {name} and Not{name}."));
        let principals = match (&self.principal, &self.not_principal) {
            (Some(_), Some(_)) => return both("Principal"),
            (Some(principals), None) | (None, Some(principals)) => principals,
            (None, None) => return Err("A statement has no principal.".into()),
        };
        if self.action.is_some() && self.not_action.is_some() {
            return both("Action");
        }
        if self.resource.is_some() && self.not_resource.is_some() {
            return both("Resource");
        }
        if !principals.are_valid() {
            let message = "Policy contains a statement with one or more invalid principals.";
            return Err(message.into());
        }
        Ok(())
    }

    /// A statement without an action or a resource is about nothing.
    fn is_about(&self, principal: &Principal, action: &str, arn: &str) -> bool {
        let who = match (&self.principal, &self.not_principal) {
            (Some(principals), _) => principals.name(principal),
            (None, Some(principals)) => !principals.name(principal),
            (None, None) => false,
        };
        let matches = |patterns: &OneOrMany<String>, text: &str| {
            let mut patterns = patterns.as_slice().iter();
            patterns.any(|pattern| is_like(text, pattern))
        };
        let what = match (&self.action, &self.not_action) {
            (Some(actions), _) => matches(actions, action),
            (None, Some(actions)) => !matches(actions, action),
            (None, None) => false,
        };
        let on = match (&self.resource, &self.not_resource) {
            (Some(resources), _) => matches(resources, arn),
            (None, Some(resources)) => !matches(resources, arn),
            (None, None) => false,
        };
        who && what && on
    }
}

impl Principals {
    fn aws(&self) -> &[String] {
        match self {
            Principals::Everybody(star) => std::slice::from_ref(star),
            Principals::Some(kinds) => kinds.aws.as_ref().map_or(&[], OneOrMany::as_slice),
        }
    }

    fn are_valid(&self) -> bool {
        let valid = |text: &String| {
            text == "*" || AccountId::parse(text).is_some() || principal_account(text).is_some()
        };
        match self {
            Principals::Everybody(star) => star == "*",
            Principals::Some(_) => self.aws().iter().all(valid),
        }
    }

    /// Whether a principal is among them: itself, its account, or everybody.
    fn name(&self, principal: &Principal) -> bool {
        let account = &principal.account;
        self.aws().iter().any(|text| {
            text == "*"
                || *text == principal.arn
                || text == account.as_str()
                || *text == root_arn(account)
        })
    }
}

/// Whether a text is like a pattern of `*` (any characters) and `?` (one). Letters are compared
/// without their case, as IAM compares actions.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p) = (0, 0);
    // Where to go on if what follows the last star does not fit: one character further on.
    let mut again = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((t, p));
                p += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&text[t]) => {
                t += 1;
                p += 1;
            }
            _ => match again {
                Some((from, star)) => {
                    again = Some((from + 1, star));
                    t = from + 1;
                    p = star + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

    fn root() -> Principal {
        let account = AccountId::parse("111122223333").unwrap();
        Principal::root(&account)
    }

    fn statement(change: impl Fn(&mut Map<String, Value>)) -> String {
        let mut statement = json!({
            "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"
        });
        change(statement.as_object_mut().unwrap());
        json!({"Statement": statement}).to_string()
    }

    fn with(name: &str, value: Value) -> String {
        statement(|s| {
            s.insert(name.into(), value.clone());
        })
    }

    fn allows(text: &str) -> bool {
        let policy = KeyPolicy::parse(text).unwrap();
        policy.allows(&root(), "kms:PutKeyPolicy", ARN)
    }

    #[test]
    fn what_lets_the_root_change_the_policy_again() {
        for text in [
            statement(|_| ()),
            with("Principal", json!("*")),
            with("Principal", json!({"AWS": ["*"]})),
            with(
                "Principal",
                json!({"AWS": ["111122223334", "arn:aws:iam::111122223333:root"]}),
            ),
            with("Action", json!(["kms:Get*", "KMS:putkeypolic?"])),
            with("Resource", json!(ARN)),
            with("Condition", json!({})),
            statement(|s| {
                s.remove("Action");
                s.insert("NotAction".into(), json!("kms:Encrypt"));
            }),
        ] {
            assert!(allows(&text), "{text}");
        }
    }

    #[test]
    fn what_does_not() {
        let deny =
            json!({"Effect": "Deny", "Principal": "*", "Action": "kms:Put*", "Resource": "*"});
        let allow = serde_json::from_str::<Value>(&statement(|_| ())).unwrap();
        for text in [
            with("Effect", json!("Deny")),
            with("Principal", json!({"AWS": "111122223334"})),
            with(
                "Principal",
                json!({"AWS": "arn:aws:iam::111122223333:user/a"}),
            ),
            with("Principal", json!({"Service": "ec2.amazonaws.com"})),
            with("Action", json!(["kms:Get*", "kms:PutKey"])),
            with(
                "Resource",
                json!("arn:aws:kms:us-east-1:111122223333:key/other"),
            ),
            with(
                "Condition",
                json!({"Bool": {"aws:SecureTransport": "true"}}),
            ),
            statement(|s| drop(s.remove("Action"))),
            statement(|s| drop(s.remove("Resource"))),
            json!({"Statement": [allow["Statement"], deny]}).to_string(),
            json!({"Version": "2012-10-17", "Id": "i", "Statement": []}).to_string(),
        ] {
            assert!(!allows(&text), "{text}");
        }
    }

    #[test]
    fn what_is_no_policy() {
        for text in [
            "",
            "[]",
            "1",
            "{}",
            r#"{"Statement": {}}"#,
            r#"{"Statement": 1}"#,
        ] {
            assert!(KeyPolicy::parse(text).is_err(), "{text}");
        }
        for (name, value) in [
            ("Effect", json!("allow")),
            ("Principal", json!("111122223333")),
            ("Principal", json!({"AWS": "alice"})),
            ("Principal", json!({"Somebody": "*"})),
            ("NotPrincipal", json!("*")),
            ("NotAction", json!("*")),
            ("NotResource", json!("*")),
            ("Action", json!(1)),
            ("Condition", json!("x")),
            ("Unknown", json!("x")),
        ] {
            let text = with(name, value);
            assert!(KeyPolicy::parse(&text).is_err(), "{text}");
        }
        let text = statement(|s| drop(s.remove("Principal")));
        assert!(KeyPolicy::parse(&text).is_err());
        let mut old = serde_json::from_str::<Value>(&statement(|_| ())).unwrap();
        for (version, right) in [
            ("2012-10-17", true),
            ("2008-10-17", true),
            ("2024-01-01", false),
        ] {
            old["Version"] = json!(version);
            assert_eq!(
                KeyPolicy::parse(&old.to_string()).is_ok(),
                right,
                "{version}"
            );
        }
    }

    #[test]
    fn patterns() {
        for (text, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "A*C", true),
            ("abc", "a?c", true),
            ("abc", "**", true),
            ("", "*", true),
            ("aXbXc", "*b*c", true),
            ("aab", "*ab", true),
            ("abc", "a", false),
            ("a", "abc", false),
            ("abc", "?", false),
            ("", "?", false),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} {pattern}");
        }
    }
}
