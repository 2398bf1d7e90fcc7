use super::super::facts::Known;
use super::super::json::Json;
use super::super::{Facts, Principal};
use super::*;
use crate::model::AccountId;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

/// Whether a statement of an identity-based policy applies.
fn applies(rest: &str, action: &str, resource: &str, facts: &dyn Facts) -> bool {
    let json: Json = serde_json::from_str(&format!("{{{rest}}}")).unwrap();
    let parsed = Statement::parse(&Node::root(&json), PolicyKind::Identity, true);
    let statement = parsed.unwrap_or_else(|e| panic!("{rest}: {e}")).1.unwrap();
    let account = AccountId::parse("111122223333").unwrap();
    let asked = Question {
        principal: &Principal::root(&account),
        action,
        resource,
        owner: &account,
        facts,
    };
    statement.applies(&asked, Conditions::Tested).is_some()
}

#[test]
fn actions_have_no_case_and_resources_have() {
    for (rest, expected) in [
        (r#""Action": "KMS:encrypt", "Resource": "*""#, true),
        (r#""Action": "kms:Enc*", "Resource": "*""#, true),
        (r#""Action": "*", "Resource": "*""#, true),
        (
            r#""Action": ["kms:Decrypt", "kms:?ncrypt"], "Resource": "*""#,
            true,
        ),
        (r#""Action": "kms:ReEncrypt*", "Resource": "*""#, false),
        (r#""NotAction": "kms:Encrypt", "Resource": "*""#, false),
        (r#""NotAction": ["kms:D*", "sts:*"], "Resource": "*""#, true),
        (
            r#""Action": "*", "Resource": "arn:aws:kms:*:111122223333:key/*""#,
            true,
        ),
        (r#""Action": "*", "Resource": "arn:aws:kms:*""#, true),
        (
            r#""Action": "*", "Resource": "arn:aws:kms:us-east-1:111122223333:key/?""#,
            true,
        ),
        (
            r#""Action": "*", "Resource": "arn:aws:kms:us-east-1:111122223333:key/K""#,
            false,
        ),
        (
            r#""Action": "*", "Resource": "arn:aws:kms:us-east-1:111122223333:key""#,
            false,
        ),
        (
            r#""Action": "*", "NotResource": "arn:aws:kms:*:*:key/*""#,
            false,
        ),
        (
            r#""Action": "*", "NotResource": "arn:aws:kms:*:*:alias/*""#,
            true,
        ),
    ] {
        let rest = format!(r#""Effect": "Allow", {rest}"#);
        assert_eq!(
            applies(&rest, "kms:Encrypt", KEY, &Known(Vec::new())),
            expected,
            "{rest}"
        );
    }
}

#[test]
fn a_variable_without_a_value_is_like_nothing() {
    let facts = Known(vec![("aws:username", vec!["k"])]);
    for (effect, element, variable, expected) in [
        ("Allow", "Resource", "aws:username", true),
        ("Allow", "Resource", "aws:userid", false),
        ("Deny", "Resource", "aws:userid", false),
        ("Allow", "NotResource", "aws:username", false),
        ("Allow", "NotResource", "aws:userid", true),
        ("Deny", "NotResource", "aws:userid", true),
    ] {
        let rest = format!(
            r#""Effect": "{effect}", "Action": "*", "{element}": "arn:aws:kms:*:*:key/${{{variable}}}""#
        );
        assert_eq!(
            applies(&rest, "kms:Encrypt", KEY, &facts),
            expected,
            "{rest}"
        );
    }
}

#[test]
fn all_conditions_must_hold() {
    let facts = Known(vec![
        ("aws:username", vec!["alice"]),
        ("aws:SourceIp", vec!["203.0.113.9"]),
    ]);
    for (conditions, expected) in [
        (r#"{"StringEquals": {"aws:username": "alice"}}"#, true),
        (
            r#"{"StringEquals": {"aws:username": ["bob", "alice"]}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
            true,
        ),
        (
            r#"{"StringEquals": {"aws:username": "alice"}, "IpAddress": {"aws:SourceIp": "203.0.114.0/24"}}"#,
            false,
        ),
        (
            r#"{"StringEquals": {"aws:username": "alice", "aws:userid": "x"}}"#,
            false,
        ),
        ("{}", true),
    ] {
        let rest = format!(
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {conditions}"#
        );
        assert_eq!(
            applies(&rest, "kms:Encrypt", KEY, &facts),
            expected,
            "{rest}"
        );
    }
}
