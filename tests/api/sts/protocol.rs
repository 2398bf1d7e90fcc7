//! The query protocol itself.

use super::sessions::record;
use super::{Caller, FORM, form, kms, own, post, root, sts, user};
use serde_json::json;

#[test]
fn who_asks() {
    let answer = sts(Some(&root()), "GetCallerIdentity", &[]);
    assert_eq!(answer.status, 200);
    let expected = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n\
                    <GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn>\
                    <UserId>000000000000</UserId><Account>000000000000</Account></GetCallerIdentityResult>\n\
                    <ResponseMetadata><RequestId>";
    assert!(answer.text.starts_with(expected), "{}", answer.text);
}

#[test]
fn what_is_wrong_is_said_in_xml() {
    let root = root();
    let wrong = Caller {
        secret: "wrong".into(),
        ..root.clone()
    };
    let (call, identity) = (Some(&root), form("GetCallerIdentity", &[]));
    for (answer, status, code) in [
        (
            sts(None, "GetCallerIdentity", &[]),
            403,
            "MissingAuthenticationToken",
        ),
        (
            sts(Some(&wrong), "GetCallerIdentity", &[]),
            403,
            "SignatureDoesNotMatch",
        ),
        (sts(call, "GetSessionToken", &[]), 400, "InvalidAction"),
        (sts(call, "AssumeRole", &[]), 400, "ValidationError"),
        (
            post(
                call,
                "sts",
                &[FORM],
                &format!("{identity}&Action=AssumeRole"),
            ),
            400,
            "MalformedInput",
        ),
        (
            post(
                call,
                "sts",
                &[FORM],
                &format!("{identity}&%41ction=AssumeRole"),
            ),
            400,
            "MalformedInput",
        ),
        (
            post(call, "sts", &[FORM], "Action=GetCallerIdentity"),
            400,
            "InvalidAction",
        ),
        (
            post(call, "sts", &[FORM], "Action=Encrypt&Version=2011-06-15"),
            400,
            "InvalidAction",
        ),
        (
            post(call, "kms", &[FORM], &identity),
            403,
            "SignatureDoesNotMatch",
        ),
        (
            post(
                call,
                "sts",
                &[FORM, ("x-amz-target", "TrentService.ListKeys")],
                &identity,
            ),
            400,
            "InvalidAction",
        ),
        (
            post(call, "sts", &[FORM, FORM], &identity),
            400,
            "IncompleteSignature",
        ),
    ] {
        assert_eq!(
            (answer.status, answer.get("Code")),
            (status, code),
            "{}",
            answer.text
        );
        assert!(
            answer
                .text
                .starts_with("<ErrorResponse xmlns=\"https://sts.amazonaws.com/")
        );
        assert_eq!(answer.get("Type"), "Sender");
        assert_eq!(answer.get("RequestId").len(), 36);
    }
}

#[test]
fn each_service_has_its_protocol() {
    let root = root();
    let answer = post(
        Some(&root),
        "sts",
        &[("x-amz-target", "TrentService.ListKeys")],
        "{}",
    );
    assert_eq!(answer.code(), "InvalidSignatureException");
    for target in ["TrentService.GetCallerIdentity", "Strongroom.AssumeRole"] {
        assert_eq!(
            kms(&root, target, &json!({})).code(),
            "UnknownOperationException"
        );
    }
}

#[test]
fn an_unsigned_body_is_short() {
    let long = "x".repeat(70_000);
    let answer = sts(
        None,
        "AssumeRoleWithWebIdentity",
        &[("WebIdentityToken", &long)],
    );
    assert_eq!(
        (answer.status, answer.get("Code")),
        (413, "RequestEntityTooLarge")
    );
}

/// Of a `User-Agent` policies and records have the first 512 characters.
#[test]
fn a_user_agent_is_cut() {
    let caller = user("agent");
    let kept = "x".repeat(512);
    let policy = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*",
        "Condition": {"StringEquals": {"aws:UserAgent": kept}},
    }});
    let put = json!({"UserName": "agent", "PolicyName": "p", "PolicyDocument": policy.to_string()});
    own("PutUserPolicy", &put);
    let trust = json!({
        "Effect": "Allow", "Principal": {"AWS": super::ACCOUNT}, "Action": "sts:AssumeRole",
    });
    let role = super::role("agent", &trust);
    let members = [("RoleArn", &*role), ("RoleSessionName", "s1")];
    let body = form("AssumeRole", &members);
    let by = |agent: &str| post(Some(&caller), "sts", &[FORM, ("user-agent", agent)], &body);
    let answer = by(&"x".repeat(600));
    answer.credentials();
    assert_eq!(record(answer.get("RequestId"))["userAgent"], kept);
    assert_eq!(by(&"x".repeat(511)).get("Code"), "AccessDenied");
}
