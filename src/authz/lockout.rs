//! Whether a key stays manageable under a policy.

use super::Principal;
use super::decide::{Question, of_identity};
use super::facts::NoFacts;
use super::policy::{Policy, Verdict};
use super::principals::Named;
use super::statement::Conditions;
use std::sync::Arc;

/// The lockout safety check: whether under a new policy of its own the key `arn` lets `principal`
/// put another policy on it. Statements with conditions are left out: an Allow may not come to
/// apply, and neither may a Deny. Where the policy leaves it to the account, the principal's own
/// policies must allow it.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html#KMS-PutKeyPolicy-request-Policy>.
pub fn keeps_control(
    policy: &Policy,
    principal: &Principal,
    identity: &[Arc<Policy>],
    arn: &str,
) -> bool {
    let question = Question {
        principal,
        action: "kms:PutKeyPolicy",
        resource: arn,
        owner: &principal.account,
        facts: &NoFacts,
    };
    let ask = |policy: &Policy| policy.verdict(&question, Conditions::LeftOut);
    let identity = of_identity(principal, identity, ask);
    match ask(policy) {
        Verdict::Denied | Verdict::Silent => false,
        Verdict::Allowed(Named::Account) => matches!(identity, Verdict::Allowed(_)),
        Verdict::Allowed(_) => identity != Verdict::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PolicyKind, PrincipalKind};
    use super::*;
    use crate::model::AccountId;
    use serde_json::{Map, Value, json};

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

    fn root() -> Principal {
        Principal::root(&AccountId::parse("111122223333").unwrap())
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
        let policy = Policy::parse(text, PolicyKind::Key).unwrap();
        keeps_control(&policy, &root(), &[], ARN)
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
    fn a_deny_that_may_never_apply_does_not_count() {
        let allow = serde_json::from_str::<Value>(&statement(|_| ())).unwrap();
        let deny = json!({
            "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}
        });
        let both = json!({"Statement": [allow["Statement"], deny]}).to_string();
        assert!(allows(&both));
    }

    #[test]
    fn what_is_left_to_the_account_is_for_the_callers_own_policies() {
        let user = Principal {
            arn: "arn:aws:iam::111122223333:user/a".into(),
            kind: PrincipalKind::User,
            ..root()
        };
        let identity = |effect: &str, action: &str, condition: Value| {
            let statement = json!({
                "Effect": effect, "Action": action, "Resource": "*", "Condition": condition
            });
            let text = json!({"Statement": statement}).to_string();
            Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap())
        };
        let all = identity("Allow", "kms:*", json!({}));
        let other = identity("Allow", "kms:Get*", json!({}));
        let secure = json!({"Bool": {"aws:SecureTransport": "true"}});
        let conditional = identity("Allow", "kms:*", secure);
        let denied = identity("Deny", "kms:PutKeyPolicy", json!({}));
        let keeps = |text: &str, identity: &[Arc<Policy>]| {
            let policy = Policy::parse(text, PolicyKind::Key).unwrap();
            keeps_control(&policy, &user, identity, ARN)
        };
        let delegating = statement(|_| ());
        assert!(keeps(&delegating, std::slice::from_ref(&all)));
        for wrong in [other, conditional] {
            assert!(!keeps(&delegating, &[wrong]));
        }
        assert!(!keeps(&delegating, &[]));
        assert!(!keeps(&delegating, &[all, denied.clone()]));
        let naming = with("Principal", json!({"AWS": user.arn}));
        assert!(keeps(&naming, &[]));
        assert!(!keeps(&naming, &[denied]));
    }
}
