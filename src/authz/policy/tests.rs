use super::super::Principal;
use super::super::facts::NoFacts;
use super::*;
use crate::model::AccountId;
use serde_json::{Map, Value, json};

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

fn error(text: &str, kind: PolicyKind) -> String {
    Policy::parse(text, kind).expect_err(text).to_string()
}

#[test]
fn what_is_no_policy() {
    for text in [
        "",
        "[]",
        "1",
        "{}",
        "{} {}",
        r#"{"Statement": {}}"#,
        r#"{"Statement": 1}"#,
        r#"{"statement": []}"#,
        r#"{"Version": 2012, "Statement": []}"#,
    ] {
        assert!(Policy::parse(text, PolicyKind::Key).is_err(), "{text}");
    }
    for (name, value) in [
        ("Effect", json!("allow")),
        ("Effect", json!(["Allow"])),
        ("Principal", json!("111122223333")),
        ("Principal", json!([])),
        ("Principal", json!({})),
        ("Principal", json!({"AWS": []})),
        ("Principal", json!({"AWS": "alice"})),
        (
            "Principal",
            json!({"AWS": "arn:aws:iam::111122223333:user/*"}),
        ),
        ("Principal", json!({"Federated": ""})),
        ("Principal", json!({"Somebody": "*"})),
        ("NotPrincipal", json!("*")),
        ("NotAction", json!("*")),
        ("NotResource", json!("*")),
        ("Action", json!(1)),
        ("Action", json!([])),
        ("Action", json!("Encrypt")),
        ("Action", json!("kms:")),
        ("Resource", json!([[]])),
        ("Condition", json!("x")),
        ("Condition", json!({"StringEquals": {}})),
        ("Condition", json!({"StringEquals": {"username": "x"}})),
        ("Condition", json!({"StringEquals": {"aws:username": []}})),
        ("Condition", json!({"StringEquals": {"aws:username": null}})),
        ("Unknown", json!("x")),
        ("Sid", json!(1)),
    ] {
        let text = with(name, value);
        assert!(Policy::parse(&text, PolicyKind::Key).is_err(), "{text}");
    }
    let text = statement(|s| drop(s.remove("Principal")));
    assert!(Policy::parse(&text, PolicyKind::Key).is_err());
    let mut old = serde_json::from_str::<Value>(&statement(|_| ())).unwrap();
    for (version, right) in [
        ("2012-10-17", true),
        ("2008-10-17", true),
        ("2024-01-01", false),
    ] {
        old["Version"] = json!(version);
        let parsed = Policy::parse(&old.to_string(), PolicyKind::Key);
        assert_eq!(parsed.is_ok(), right, "{version}");
    }
}

#[test]
fn errors_say_where() {
    let allow = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*""#;
    for (text, expected) in [
        (
            r#"{"Version": "2012"}"#.to_owned(),
            r#"Version: must be "2012-10-17" or "2008-10-17""#,
        ),
        (
            format!(r#"{{"Statement": [{allow}}}, {allow}, "Effect": "Deny"}}]}}"#),
            "Statement[1].Effect: is given twice",
        ),
        (
            format!(
                r#"{{"Statement": [{allow}, "Condition": {{"StringEqual": {{"aws:username": "a"}}}}}}]}}"#
            ),
            r#"Statement[0].Condition.StringEqual: "StringEqual" is not a condition operator"#,
        ),
        (
            format!(
                r#"{{"Statement": {allow}, "Condition": {{"IpAddress": {{"aws:SourceIp": ["::1", "x"]}}}}}}}}"#
            ),
            r#"Statement.Condition.IpAddress.aws:SourceIp[1]: "x" is not an IP address or range"#,
        ),
        (
            format!(r#"{{"Statement": [{allow}, "Sid": "a"}}, {allow}, "Sid": "a"}}]}}"#),
            r#"Statement[1]: the Sid "a" is not the only one"#,
        ),
        (
            format!(r#"{{"Statement": [{allow}, "NotAction": "kms:Encrypt"}}]}}"#),
            "Statement[0].NotAction: stands beside Action",
        ),
        (
            r#"{"Statement": [{"Principal": {"AWS": ["*", "bob"]}}]}"#.to_owned(),
            r#"Statement[0].Principal.AWS[1]: "bob" is not a valid principal"#,
        ),
        (
            "{".to_owned(),
            "The policy is not JSON: EOF while parsing an object at line 1 column 1",
        ),
    ] {
        assert_eq!(error(&text, PolicyKind::Key), expected, "{text}");
    }
}

#[test]
fn each_kind_has_its_elements() {
    use PolicyKind::{Identity, Key, Session, Trust};
    let without =
        |names: &[&str]| statement(|s| names.iter().for_each(|name| drop(s.remove(*name))));
    for (text, right) in [
        (without(&[]), &[Key][..]),
        (without(&["Resource"]), &[Key, Trust]),
        (without(&["Principal"]), &[Identity, Session]),
        (without(&["Principal", "Resource"]), &[]),
        (without(&["Action"]), &[Key]),
        (without(&["Principal", "Action"]), &[]),
        (without(&["Effect"]), &[]),
        (r#"{"Statement": []}"#.into(), &[Key]),
        (r#"{"Id": "i", "Statement": []}"#.into(), &[Key]),
        (with("Sid", json!("Allow use of the key")), &[Key]),
        (
            statement(|s| {
                let principal = s.remove("Principal").unwrap();
                s.insert("NotPrincipal".into(), principal);
                s.insert("Effect".into(), json!("Deny"));
            }),
            &[Key],
        ),
        (
            statement(|s| {
                let principal = s.remove("Principal").unwrap();
                s.insert("NotPrincipal".into(), principal);
            }),
            &[],
        ),
        (
            statement(|s| {
                s.remove("Principal");
                s.insert("Resource".into(), json!("key/x"));
            }),
            &[],
        ),
        (with("Resource", json!("key/x")), &[Key]),
    ] {
        for kind in [Key, Identity, Session, Trust] {
            let parsed = Policy::parse(&text, kind);
            assert_eq!(parsed.is_ok(), right.contains(&kind), "{kind:?} {text}");
        }
    }
    let identity =
        r#"{"Id": "i", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    assert_eq!(
        error(identity, Identity),
        "Id: an identity-based policy has no Id"
    );
}

#[test]
fn variables_are_for_the_newer_version_and_the_end_of_an_arn() {
    let text = |resource: &str| {
        let statement = json!({"Effect": "Allow", "Action": "*", "Resource": resource});
        json!({"Version": "2012-10-17", "Statement": statement}).to_string()
    };
    for (resource, right) in [
        ("arn:aws:kms:*:*:key/${aws:username}", true),
        ("arn:aws:kms:*:${aws:username}:key/x", false),
        ("arn:aws:kms:*:*:key/${aws:username", false),
        ("arn:aws:kms:*:*:key/${username}", false),
        ("arn:aws:kms:*:*:key/${aws:username, x}", false),
    ] {
        let parsed = Policy::parse(&text(resource), PolicyKind::Identity);
        assert_eq!(parsed.is_ok(), right, "{resource}");
        let old = text(resource).replace("2012", "2008");
        assert!(Policy::parse(&old, PolicyKind::Identity).is_ok());
    }
}

#[test]
fn what_a_policy_mentions() {
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "*",
        "Resource": "arn:aws:kms:*:*:key/${aws:PrincipalTag/key}",
        "Condition": {
            "StringLike": {"kms:EncryptionContext:App": "${aws:username}-*"},
            "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/${aws:userid, 'x'}"}
        }
    }});
    let policy = Policy::parse(&text.to_string(), PolicyKind::Identity).unwrap();
    for (key, expected) in [
        ("kms:EncryptionContext", true),
        ("kms:EncryptionContext:App", true),
        ("kms:EncryptionContext:Other", false),
        ("kms:EncryptionContextKeys", false),
        ("AWS:UserName", true),
        ("aws:PrincipalTag/key", true),
        ("aws:principalarn", true),
        ("aws:userid", true),
        ("aws:SourceIp", false),
        ("nonsense", false),
    ] {
        assert_eq!(policy.mentions(key), expected, "{key}");
    }
}

#[test]
fn a_policy_answers_with_its_strongest_statement_and_a_deny_is_stronger() {
    let account = AccountId::parse("111122223333").unwrap();
    let mut user = Principal::root(&account);
    user.kind = super::super::PrincipalKind::User;
    user.arn = "arn:aws:iam::111122223333:user/a".into();
    let verdict = |statements: Value| {
        let text = json!({"Statement": statements}).to_string();
        let policy = Policy::parse(&text, PolicyKind::Key).unwrap();
        let question = Question {
            principal: &user,
            action: "kms:Encrypt",
            resource: "arn:aws:kms:us-east-1:111122223333:key/k",
            owner: &account,
            facts: &NoFacts,
        };
        policy.verdict(&question, Conditions::Tested)
    };
    let one = |effect: &str, principal: &str| json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": "*", "Resource": "*"});
    let (root, user) = ("111122223333", "arn:aws:iam::111122223333:user/a");
    let allowed = verdict(json!([one("Allow", root)]));
    assert_eq!(allowed, Verdict::Allowed(Named::Account));
    let allowed = verdict(json!([one("Allow", user), one("Allow", root)]));
    assert_eq!(allowed, Verdict::Allowed(Named::Itself));
    let denied = verdict(json!([one("Allow", user), one("Deny", root)]));
    assert_eq!(denied, Verdict::Denied);
    let silent = verdict(json!([one("Allow", "111122223334")]));
    assert_eq!(silent, Verdict::Silent);
}

#[test]
fn wildcards_are_bounded() {
    let policy = |count: usize| {
        let pattern = "?".repeat(count);
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "kms:Encrypt",
                "Resource": "*", "Condition": {{"StringLike": {{"aws:UserAgent": "{pattern}"}}}}}}}}"#
        )
    };
    Policy::parse(&policy(999), PolicyKind::Identity).unwrap();
    let error = Policy::parse(&policy(1000), PolicyKind::Identity).unwrap_err();
    assert!(error.to_string().contains("more than 1000"), "{error}");
}
