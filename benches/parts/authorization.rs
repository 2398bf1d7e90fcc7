//! What a decision costs on a key with a policy of 4 KiB and 100 grants.

use criterion::Criterion;
use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;
use strongroom::authz::{
    Allowed, ConditionKey, Decision, Facts, Permit, Policies, Policy, PolicyKind, Principal,
    PrincipalKind, Question, Reason, Values, decide,
};
use strongroom::model::arn::{role_arn, user_arn};
use strongroom::model::shapes::GrantOperation;
use strongroom::model::{AccountId, Constraints, EncryptionContext, GrantOperationSet};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// An Encrypt with an encryption context.
struct Request;

impl Facts for Request {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let one = |text: &'static str| Some(Values::One(Cow::Borrowed(text)));
        match (key.name.as_str(), key.part.as_deref()) {
            ("aws:sourceip", None) => one("203.0.113.200"),
            ("aws:currenttime", None) => one("2026-11-24T18:00:00Z"),
            ("aws:securetransport", None) => one("true"),
            ("aws:username", None) => one("alice"),
            ("aws:principaltag", Some("team")) => one("payments"),
            ("aws:resourcetag", Some("team")) => one("payments"),
            ("kms:encryptioncontext", Some("Department")) => one("IT"),
            ("kms:encryptioncontextkeys", None) => {
                Some(Values::Many(vec![Cow::Borrowed("Department")]))
            }
            ("kms:keyspec", None) => one("SYMMETRIC_DEFAULT"),
            _ => None,
        }
    }
}

/// A key policy of 4 KiB: administrators, users by tag and address, denials by date, transport and
/// context, and who is spared of one.
fn key_policy() -> String {
    let users: Vec<_> = (0..16)
        .map(|n| format!(r#""arn:aws:iam::{ACCOUNT}:user/application-{n:02}""#))
        .collect();
    let statement = |sid: &str, effect: &str, who: &str, actions: &str, condition: &str| {
        format!(
            r#"{{"Sid": "{sid}", "Effect": "{effect}", {who}, "Action": {actions}, "Resource": "*", "Condition": {condition}}}"#
        )
    };
    let everybody = r#""Principal": "*""#;
    let admin = r#""Principal": {"AWS": "arn:aws:iam::111122223333:role/KeyAdministrator"}"#;
    let listed = format!(r#""Principal": {{"AWS": [{}]}}"#, users.join(", "));
    let manage = r#"["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"]"#;
    let using = r#"["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]"#;
    let statements = [
        statement(
            "Administer",
            "Allow",
            admin,
            manage,
            r#"{"Bool": {"aws:SecureTransport": "true"}}"#,
        ),
        statement(
            "Use",
            "Allow",
            &listed,
            using,
            r#"{"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "203.0.113.0/24"]}}"#,
        ),
        statement(
            "UseInTime",
            "Allow",
            &listed,
            using,
            r#"{"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}, "StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}"#,
        ),
        statement(
            "PlainText",
            "Deny",
            everybody,
            r#""kms:*""#,
            r#"{"Bool": {"aws:SecureTransport": "false"}}"#,
        ),
        statement(
            "Late",
            "Deny",
            everybody,
            r#""kms:*""#,
            r#"{"DateGreaterThan": {"aws:CurrentTime": "2040-01-01T00:00:00Z"}}"#,
        ),
        statement(
            "Elsewhere",
            "Deny",
            everybody,
            using,
            r#"{"NotIpAddress": {"aws:SourceIp": ["198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]}}"#,
        ),
        statement(
            "Context",
            "Deny",
            everybody,
            using,
            r#"{"StringNotLike": {"kms:EncryptionContext:Department": ["I?", "Finance*"]}, "Null": {"kms:EncryptionContextKeys": "false"}}"#,
        ),
        statement(
            "ContextKeys",
            "Deny",
            everybody,
            using,
            r#"{"ForAnyValue:StringNotEquals": {"kms:EncryptionContextKeys": ["Department", "Purpose"]}}"#,
        ),
        statement(
            "Tags",
            "Deny",
            everybody,
            r#"["kms:TagResource", "kms:UntagResource"]"#,
            r#"{"ForAllValues:StringLike": {"aws:TagKeys": "protected-*"}}"#,
        ),
        statement(
            "Delegate",
            "Allow",
            r#""Principal": {"AWS": "arn:aws:iam::111122223333:root"}"#,
            r#""kms:*""#,
            r#"{"StringLike": {"kms:KeySpec": "SYMMETRIC_*"}}"#,
        ),
    ];
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#,
        statements.join(", ")
    );
    assert!((4096..4400).contains(&text.len()), "{} bytes", text.len());
    text
}

fn identity(action: &str) -> Arc<Policy> {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": [
            {{"Effect": "Allow", "Action": ["kms:List*", "kms:Describe*", "{action}"], "Resource": "arn:aws:kms:*:{ACCOUNT}:key/*"}},
            {{"Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:*:{ACCOUNT}:alias/${{aws:username}}/*"}},
            {{"Effect": "Deny", "NotAction": "kms:*", "Resource": "*", "Condition": {{"StringNotEquals": {{"aws:PrincipalTag/team": "payments"}}}}}}
        ]}}"#
    );
    Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap())
}

fn user(name: &str) -> Principal {
    let account = AccountId::parse(ACCOUNT).unwrap();
    Principal {
        arn: user_arn(&account, name),
        kind: PrincipalKind::User,
        user_id: "AIDA".into(),
        account,
    }
}

pub fn benches(c: &mut Criterion) {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let policy = Policy::parse(&key_policy(), PolicyKind::Key).unwrap();
    let (silent, allowing) = ([identity("kms:Get*")], [identity("kms:Encrypt")]);
    let pairs = [("Department".to_owned(), "IT".to_owned())];
    let constraints = Constraints {
        encryption_context_subset: Some(EncryptionContext(pairs.into())),
        ..Constraints::default()
    };
    let operations: GrantOperationSet = [GrantOperation::Encrypt, GrantOperation::Decrypt]
        .into_iter()
        .collect();
    let mut grantees: Vec<_> = (0..99)
        .map(|n| role_arn(&account, &format!("worker-{n:02}")))
        .collect();
    grantees.push(user("grantee").arn);
    let grants: Vec<_> = grantees
        .iter()
        .map(|grantee| Permit {
            grantee,
            operations,
            constraints: Some(&constraints),
        })
        .collect();
    let mut group = c.benchmark_group("authorization");
    for (name, principal, identity, expected) in [
        (
            "allowed by the key policy",
            user("application-15"),
            &silent,
            Decision::Allow(Allowed::ResourcePolicy),
        ),
        (
            "allowed by an identity policy",
            user("alice"),
            &allowing,
            Decision::Allow(Allowed::Identity),
        ),
        (
            "allowed by the last of 100 grants",
            user("grantee"),
            &silent,
            Decision::Allow(Allowed::Grant(99)),
        ),
        (
            "denied",
            user("alice"),
            &silent,
            Decision::Deny(Reason::NoIdentity),
        ),
    ] {
        let question = Question {
            principal: &principal,
            action: "kms:Encrypt",
            resource: KEY,
            owner: &account,
            facts: &Request,
        };
        let policies = Policies {
            identity,
            session: None,
            resource: Some(&policy),
        };
        assert_eq!(decide(&question, &policies, &grants), expected, "{name}");
        group.bench_function(name, |b| {
            b.iter(|| decide(black_box(&question), black_box(&policies), &grants));
        });
    }
}
