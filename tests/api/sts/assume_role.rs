//! AssumeRole, and the credentials that it gives.

use super::{ACCOUNT, Answer, Caller, HOUSE, kms, lets, own, role, root, sts, user};
use serde_json::{Value, json};

pub(super) fn assume(caller: &Caller, role: &str, more: &[(&str, &str)]) -> Answer {
    let mut members = vec![("RoleArn", role), ("RoleSessionName", "s1")];
    members.extend(more);
    sts(Some(caller), "AssumeRole", &members)
}

pub(super) fn who(caller: &Caller) -> Answer {
    sts(Some(caller), "GetCallerIdentity", &[])
}

#[test]
fn a_session_is_its_role_and_encrypts() {
    let caller = user("plain");
    let role = role("plain", &lets("plain"));
    let answer = assume(&caller, &role, &[("DurationSeconds", "900")]);
    let session = answer.credentials();
    assert!(session.id.starts_with("ASIA") && session.id.len() == 20);
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/plain/s1");
    assert_eq!(answer.get("Arn"), arn);
    assert!(
        answer.get("AssumedRoleId").starts_with("AROA")
            && answer.get("AssumedRoleId").ends_with(":s1")
    );
    assert_eq!(answer.get("PackedPolicySize"), "");
    assert_eq!(who(&session).get("Arn"), arn);
    assert_eq!(who(&session).get("UserId"), answer.get("AssumedRoleId"));
    let list = || kms(&session, "TrentService.ListKeys", &json!({}));
    assert_eq!(list().code(), "AccessDeniedException");
    let policy = json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}});
    let policy = policy.to_string();
    own(
        "PutRolePolicy",
        &json!({"RoleName": "plain", "PolicyName": "p", "PolicyDocument": policy}),
    );
    assert_eq!(list().status, 200, "{}", list().text);
}

#[test]
fn who_may_assume() {
    let [named, other, by_account] = ["named", "other", "by-account"].map(user);
    let role_arn = role("guarded", &json!([lets("named")]));
    let missing = format!("arn:aws:iam::{ACCOUNT}:role/missing");
    assert_eq!(assume(&named, &role_arn, &[]).status, 200);
    let sentence = |user: &str, arn: &str| {
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )
    };
    for arn in [&role_arn, &missing] {
        let refused = assume(&other, arn, &[]);
        assert_eq!((refused.status, refused.get("Code")), (403, "AccessDenied"));
        assert_eq!(refused.get("Message"), sentence("other", arn));
    }
    let foreign = "arn:aws:iam::999999999999:role/guarded";
    assert_eq!(
        assume(&named, foreign, &[]).get("Message"),
        sentence("named", foreign)
    );
    // A user is no role.
    let user = format!("arn:aws:iam::{ACCOUNT}:user/named");
    assert_eq!(
        assume(&named, &user, &[]).get("Message"),
        sentence("named", &user)
    );
    assert_eq!(assume(&root(), &role_arn, &[]).get("Code"), "AccessDenied");
    // The account's being named leaves it to the user's own policies.
    let trust =
        json!({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"});
    let delegated = role("delegated", &trust);
    assert_eq!(
        assume(&by_account, &delegated, &[]).get("Code"),
        "AccessDenied"
    );
    let policy = json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": delegated}});
    own(
        "PutUserPolicy",
        &json!({"UserName": "by-account", "PolicyName": "p", "PolicyDocument": policy.to_string()}),
    );
    assert_eq!(assume(&by_account, &delegated, &[]).status, 200);
    assert_eq!(
        assume(&by_account, &role_arn, &[]).get("Code"),
        "AccessDenied"
    );
}

#[test]
fn another_accounts_role_is_answered_as_one_that_it_has_not() {
    let asks = user("stranger");
    let all = json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let all = json!({"UserName": "stranger", "PolicyName": "p", "PolicyDocument": all.to_string()});
    own("PutUserPolicy", &all);
    let made = own("CreateAccount", &json!({}));
    let account = made["Account"]["AccountId"].as_str().unwrap();
    let text = |member: &str| made["AccessKey"][member].as_str().unwrap().to_owned();
    let owner = Caller {
        id: text("AccessKeyId"),
        secret: text("SecretAccessKey"),
        token: None,
    };
    let overheard = &HOUSE.dev.overheard;
    overheard.secret("a secret access key", owner.secret.as_bytes());
    let role = |name: &str, statement: &Value| {
        let trust = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
        let made = kms(&owner, "Strongroom.CreateRole", &role);
        assert_eq!(made.status, 200, "{}", made.text);
    };
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/stranger");
    let statement = |effect: &str, principal: &str| json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
    role("another", &statement("Allow", account));
    role("denying", &statement("Deny", &arn));
    role("letting", &statement("Allow", &arn));
    kms(
        &owner,
        "Strongroom.CreateUser",
        &json!({"UserName": "no-role"}),
    );
    let answer = |kind: &str, name: &str, more: &[(&str, &str)]| {
        let arn = format!("arn:aws:iam::{account}:{kind}/{name}");
        let answer = assume(&asks, &arn, more);
        let id = answer.get("RequestId").to_owned();
        (
            answer.status,
            answer.text.replace(&arn, "ARN").replace(&id, "ID"),
        )
    };
    let tags = [("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")];
    for more in [&[][..], &tags] {
        let absent = answer("role", "absent", more);
        assert_eq!(absent.0, 403);
        assert!(
            absent.1.contains("sts:AssumeRole on resource: ARN"),
            "{}",
            absent.1
        );
        for (kind, name) in [
            ("role", "another"),
            ("role", "denying"),
            ("user", "no-role"),
            ("user", "absent"),
            ("role", "absent"),
        ] {
            assert_eq!(answer(kind, name, more), absent, "{kind}/{name}");
        }
    }
    assert_eq!(answer("role", "letting", &[]).0, 200);
    // What was not there is, as soon as it is made.
    role("absent", &statement("Allow", &arn));
    assert_eq!(answer("role", "absent", &[]).0, 200);
}

#[test]
fn conditions_and_tags() {
    let caller = user("conditional");
    let mut statement = lets("conditional");
    statement["Condition"] =
        json!({"StringEquals": {"sts:ExternalId": "e/1", "sts:RoleSessionName": "s1"}});
    let strict = role("strict", &statement);
    assert_eq!(assume(&caller, &strict, &[]).get("Code"), "AccessDenied");
    assert_eq!(
        assume(&caller, &strict, &[("ExternalId", "e/2")]).get("Code"),
        "AccessDenied"
    );
    assert_eq!(
        assume(&caller, &strict, &[("ExternalId", "e/1")]).status,
        200
    );
    let tags = [
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "a b"),
    ];
    let mut more = vec![("ExternalId", "e/1")];
    more.extend(tags);
    let refused = assume(&caller, &strict, &more);
    assert!(
        refused.get("Message").contains("sts:TagSession"),
        "{}",
        refused.text
    );
    let mut statement = lets("conditional");
    statement["Action"] = json!(["sts:AssumeRole", "sts:TagSession"]);
    statement["Condition"] = json!({"StringLike": {"aws:RequestTag/Team": "a*"}});
    let tagged = role("tagged", &statement);
    let answer = assume(&caller, &tagged, &tags);
    assert_ne!(answer.get("PackedPolicySize"), "", "{}", answer.text);
    let twice = [
        ("Tags.member.1.Key", "a"),
        ("Tags.member.1.Value", ""),
        ("Tags.member.2.Key", "A"),
        ("Tags.member.2.Value", ""),
    ];
    let mut twice = twice.to_vec();
    twice.extend([("Tags.member.3.Key", "Team"), ("Tags.member.3.Value", "a")]);
    assert_eq!(
        assume(&caller, &tagged, &twice).get("Code"),
        "InvalidParameterValue"
    );
}

/// What no user or role may have for a tag no session may.
#[test]
fn session_tags_are_tags() {
    let caller = user("tagging");
    let mut statement = lets("tagging");
    statement["Action"] = json!(["sts:AssumeRole", "sts:TagSession"]);
    let role_arn = role("tagging", &statement);
    let tags = |pairs: &[(&str, &str)]| {
        let mut members = Vec::new();
        for (at, (key, value)) in pairs.iter().enumerate() {
            members.push((format!("Tags.member.{}.Key", at + 1), *key));
            members.push((format!("Tags.member.{}.Value", at + 1), *value));
        }
        let members: Vec<_> = members
            .iter()
            .map(|(name, text)| (&**name, *text))
            .collect();
        assume(&caller, &role_arn, &members)
    };
    let [key, value] = ["k".repeat(128), "v".repeat(256)];
    assert_eq!(tags(&[(&key, &value), ("é/=+ @", "")]).status, 200);
    let names: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "")).collect();
    let (long_key, long_value) = (format!("{key}k"), format!("{value}v"));
    for (wrong, code) in [
        (&[("a\u{1}", "b")][..], "InvalidParameterValue"),
        (&[("a", "b\u{7f}")], "InvalidParameterValue"),
        (&[("aws:a", "b")], "InvalidParameterValue"),
        (&[("AWS:a", "b")], "InvalidParameterValue"),
        (&[("a", "b"), ("a", "c")], "InvalidParameterValue"),
        (&[("a", "b"), ("A", "c")], "InvalidParameterValue"),
        (&many, "InvalidParameterValue"),
        (&[(&long_key, "b")], "ValidationError"),
        (&[("a", &long_value)], "ValidationError"),
        (&[("", "b")], "ValidationError"),
    ] {
        let refused = tags(wrong);
        assert_eq!(refused.get("Code"), code, "{wrong:?}: {}", refused.text);
    }
}

#[test]
fn what_is_no_session() {
    let caller = user("limits");
    let role = role("limits", &lets("limits"));
    let policy = json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    .to_string();
    let huge = format!(
        "{{\"Version\": \"2012-10-17\", \"Statement\": [], \"Id\": \"{}\"}}",
        "x".repeat(2040)
    );
    for (more, code) in [
        (vec![("DurationSeconds", "899")], "ValidationError"),
        (vec![("DurationSeconds", "7201")], "ValidationError"),
        (vec![("DurationSeconds", "soon")], "ValidationError"),
        (vec![("Policy", "")], "ValidationError"),
        (vec![("Policy", "{}")], "MalformedPolicyDocument"),
        (vec![("Policy", "x")], "MalformedPolicyDocument"),
        (vec![("Policy", &*huge)], "ValidationError"),
        (vec![("ExternalId", "é")], "ValidationError"),
        (vec![("SourceIdentity", "x")], "UnsupportedOperation"),
        (
            vec![(
                "PolicyArns.member.1.arn",
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
            )],
            "UnsupportedOperation",
        ),
        (
            vec![("TransitiveTagKeys.member.1", "x")],
            "UnsupportedOperation",
        ),
    ] {
        assert_eq!(assume(&caller, &role, &more).get("Code"), code, "{more:?}");
    }
    let sized = assume(
        &caller,
        &role,
        &[("MinimumSessionTokenSize", "4096"), ("Policy", &policy)],
    );
    assert_eq!(sized.get("SessionToken").len(), 4096, "{}", sized.text);
    assert_eq!(sized.get("PackedPolicySize"), "100");
    assert_eq!(who(&sized.credentials()).status, 200);
    let sized = assume(&caller, &role, &[("MinimumSessionTokenSize", "4096")]);
    assert_eq!(sized.get("SessionToken").len(), 4096, "{}", sized.text);
    assert_eq!(who(&sized.credentials()).status, 200);
}

#[test]
fn a_session_of_a_session_is_an_hour_at_most() {
    let caller = user("chaining");
    let first = role("first", &lets("chaining"));
    let second = role(
        "second",
        &json!({"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"}),
    );
    assert_eq!(assume(&caller, &second, &[]).get("Code"), "AccessDenied");
    let session = assume(&caller, &first, &[("DurationSeconds", "7200")]).credentials();
    assert_eq!(
        assume(&session, &second, &[("DurationSeconds", "3601")]).get("Code"),
        "ValidationError"
    );
    let chained = assume(&session, &second, &[("DurationSeconds", "3600")]).credentials();
    assert!(who(&chained).get("Arn").ends_with("assumed-role/second/s1"));
}
