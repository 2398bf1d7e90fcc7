//! What somebody could do, whatever the request: for those who look at permissions as they stand.

use super::decide::{Allowed, Decision, Policies, Question, judge_under};
use super::grants::Permit;
use super::statement::Conditions;
use crate::model::GrantOperationSet;

/// Whether there are requests that would be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// None is.
    Never,
    /// That depends on what is known of a request alone: its address, its encryption context.
    Conditional(Allowed),
    /// Every one is.
    Always(Allowed),
}

/// Whether a principal may do something, of which the question's facts know only what all requests
/// have in common. A condition on anything else is asked twice: once as if it were met in the
/// caller's favour, once against them. So are the constraints of grants.
pub fn reach(question: &Question<'_>, policies: &Policies<'_>, grants: &[Permit<'_>]) -> Reach {
    let under = |conditions, grants: &[Permit<'_>]| {
        let judgement = judge_under(question, policies, conditions);
        match judgement.or_by(grants, question) {
            Decision::Allow(allowed) => Some(allowed),
            Decision::Deny(_) => None,
        }
    };
    // In the same order, so that an index is the same grant's.
    let free: Vec<Permit<'_>> = grants.iter().map(|p| p.of(p.operations)).collect();
    let Some(at_best) = under(Conditions::Favourable, &free) else {
        return Reach::Never;
    };
    let unless = |permit: &Permit<'_>| match permit.constraints {
        Some(_) => GrantOperationSet::default(),
        None => permit.operations,
    };
    let constrained: Vec<Permit<'_>> = grants.iter().map(|p| p.of(unless(p))).collect();
    match under(Conditions::Adverse, &constrained) {
        Some(allowed) => Reach::Always(allowed),
        None => Reach::Conditional(at_best),
    }
}

impl<'a> Permit<'a> {
    /// One of the same grantee, without constraints.
    fn of(&self, operations: GrantOperationSet) -> Permit<'a> {
        Permit {
            operations,
            constraints: None,
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConditionKey, Facts, Policy, PolicyKind, Principal, PrincipalKind, Values};
    use super::*;
    use crate::model::shapes::GrantOperation;
    use crate::model::{AccountId, Constraints};
    use serde_json::{Value, json};

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";
    const USER: &str = "arn:aws:iam::111122223333:user/alice";

    /// All that is known is a tag of the key.
    struct Tagged;

    impl Facts for Tagged {
        fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
            (key.part.as_deref() == Some("team")).then(|| Values::One("a".into()))
        }

        fn knows(&self, key: &ConditionKey) -> bool {
            key.name == "aws:resourcetag"
        }
    }

    fn asked(statements: Value, grants: &[Permit<'_>]) -> Reach {
        let account = AccountId::parse("111122223333").unwrap();
        let principal = Principal {
            arn: USER.into(),
            kind: PrincipalKind::User,
            ..Principal::root(&account)
        };
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let policy = Policy::parse(&text, PolicyKind::Key).unwrap();
        let question = Question {
            principal: &principal,
            action: "kms:Encrypt",
            resource: KEY,
            owner: &account,
            facts: &Tagged,
        };
        let policies = Policies {
            identity: &[],
            session: None,
            resource: Some(&policy),
        };
        reach(&question, &policies, grants)
    }

    fn statement(effect: &str, condition: Value) -> Value {
        json!({
            "Effect": effect, "Principal": {"AWS": USER}, "Action": "kms:Encrypt",
            "Resource": "*", "Condition": condition
        })
    }

    fn from_address() -> Value {
        json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    }

    fn of_team(team: &str) -> Value {
        json!({"StringEquals": {"aws:ResourceTag/team": team}})
    }

    #[test]
    fn what_is_not_known_makes_it_conditional() {
        use Allowed::ResourcePolicy;
        let allow = |condition| statement("Allow", condition);
        let deny = |condition| statement("Deny", condition);
        let both = |one: Value, other: Value| {
            let mut one = one;
            one.as_object_mut()
                .unwrap()
                .extend(other.as_object().unwrap().clone());
            one
        };
        for (statements, expected) in [
            (json!([allow(json!({}))]), Reach::Always(ResourcePolicy)),
            (json!([]), Reach::Never),
            (
                json!([allow(from_address())]),
                Reach::Conditional(ResourcePolicy),
            ),
            (json!([allow(of_team("a"))]), Reach::Always(ResourcePolicy)),
            (json!([allow(of_team("b"))]), Reach::Never),
            (
                json!([allow(both(from_address(), of_team("b")))]),
                Reach::Never,
            ),
            (
                json!([allow(json!({})), deny(from_address())]),
                Reach::Conditional(ResourcePolicy),
            ),
            (
                json!([allow(json!({})), deny(both(from_address(), of_team("b")))]),
                Reach::Always(ResourcePolicy),
            ),
            (json!([allow(json!({})), deny(of_team("a"))]), Reach::Never),
        ] {
            assert_eq!(asked(statements.clone(), &[]), expected, "{statements}");
        }
    }

    #[test]
    fn a_variable_that_is_not_known_is_as_a_condition() {
        let mut statement = statement("Allow", json!({}));
        statement["Resource"] = json!("arn:aws:kms:us-east-1:111122223333:key/${aws:username}");
        assert!(matches!(
            asked(json!([statement]), &[]),
            Reach::Conditional(_)
        ));
    }

    #[test]
    fn a_constraint_is_as_a_condition() {
        let constraints = Constraints {
            encryption_context_subset: Some(serde_json::from_value(json!({"a": "b"})).unwrap()),
            ..Constraints::default()
        };
        let permit = |operation: GrantOperation, constraints| Permit {
            grantee: USER,
            operations: [operation].into_iter().collect(),
            constraints,
        };
        let encrypt = |constraints| permit(GrantOperation::Encrypt, constraints);
        let decrypt = permit(GrantOperation::Decrypt, None);
        let none = || json!([]);
        assert_eq!(
            asked(none(), &[decrypt, encrypt(None)]),
            Reach::Always(Allowed::Grant(1))
        );
        assert_eq!(
            asked(none(), &[encrypt(Some(&constraints))]),
            Reach::Conditional(Allowed::Grant(0))
        );
        assert_eq!(asked(none(), &[decrypt]), Reach::Never);
    }
}
