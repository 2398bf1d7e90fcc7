//! Temporary credentials: what is not whole, what has ended, and what is recorded.

use super::assume_role::{assume, who};
use super::{ACCOUNT, Caller, HOUSE, kms, lets, own, role, user};
use serde_json::{Value, json};

/// Every way of using temporary credentials that are not whole.
#[test]
fn what_is_not_the_sessions_own_is_refused() {
    let caller = user("thief");
    let role_arn = role("stolen", &lets("thief"));
    let (one, two) = (
        assume(&caller, &role_arn, &[]).credentials(),
        assume(&caller, &role_arn, &[]).credentials(),
    );
    let token = one.token.clone().unwrap();
    let refused = |what: &str, caller: Caller, code: &str| {
        assert_eq!(who(&caller).get("Code"), code, "{what}");
        let answer = kms(&caller, "TrentService.ListKeys", &json!({}));
        assert_eq!(answer.status, 400, "{what}");
    };
    let invalid = "InvalidClientTokenId";
    refused(
        "no token",
        Caller {
            token: None,
            ..one.clone()
        },
        invalid,
    );
    refused(
        "the other's token",
        Caller {
            token: two.token.clone(),
            ..one.clone()
        },
        invalid,
    );
    refused(
        "the other's id",
        Caller {
            id: two.id.clone(),
            ..one.clone()
        },
        invalid,
    );
    refused(
        "the other's secret",
        Caller {
            secret: two.secret.clone(),
            ..one.clone()
        },
        "SignatureDoesNotMatch",
    );
    refused(
        "a long-term key's token",
        Caller {
            token: Some(token.clone()),
            ..caller
        },
        invalid,
    );
    for (at, c) in [0, 10, 40, 200, token.len() - 10].map(|at| (at, token.as_bytes()[at])) {
        let mut edited = token.clone().into_bytes();
        edited[at] = if c == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).unwrap();
        refused(
            "an edited token",
            Caller {
                token: Some(edited),
                ..one.clone()
            },
            invalid,
        );
    }
    for made_up in [
        "x",
        "AQ==",
        &token[..40],
        &"A".repeat(4096),
        &"A".repeat(8000),
    ] {
        refused(
            "a made-up token",
            Caller {
                token: Some(made_up.into()),
                ..one.clone()
            },
            invalid,
        );
    }
    assert_eq!(who(&one).status, 200);
}

#[test]
fn sessions_end_with_their_role_and_not_with_its_trust() {
    let caller = user("leaver");
    let trust = lets("leaver");
    let role_arn = role("brief", &trust);
    let session = assume(&caller, &role_arn, &[]).credentials();
    let nobody = json!({"Version": "2012-10-17", "Statement": lets("somebody-else")}).to_string();
    own(
        "UpdateAssumeRolePolicy",
        &json!({"RoleName": "brief", "PolicyDocument": nobody}),
    );
    assert_eq!(assume(&caller, &role_arn, &[]).get("Code"), "AccessDenied");
    assert_eq!(who(&session).status, 200);
    own("DeleteRole", &json!({"RoleName": "brief"}));
    assert_eq!(who(&session).get("Code"), "InvalidClientTokenId");
    role("brief", &trust);
    assert_eq!(who(&session).get("Code"), "InvalidClientTokenId");
    let list = kms(&session, "TrentService.ListKeys", &json!({}));
    assert_eq!(list.code(), "UnrecognizedClientException");
    assert!(who(&assume(&caller, &role_arn, &[]).credentials()).status == 200);
}

/// What CloudTrail has of sessions, and no secret.
#[test]
fn the_records() {
    let caller = user("recorded");
    let role_arn = role("recorded", &lets("recorded"));
    let answer = assume(&caller, &role_arn, &[]);
    let session = answer.credentials();
    let id = who(&session).get("RequestId").to_owned();
    let record = record(&id);
    let identity = &record["userIdentity"];
    assert_eq!(record["eventSource"], "sts.amazonaws.com");
    assert_eq!(identity["type"], "AssumedRole");
    assert_eq!(identity["principalId"], answer.get("AssumedRoleId"));
    assert_eq!(identity["arn"], answer.get("Arn"));
    assert_eq!(identity["accountId"], ACCOUNT);
    assert_eq!(identity["accessKeyId"], session.id);
    let issuer = &identity["sessionContext"]["sessionIssuer"];
    assert_eq!(issuer["type"], "Role");
    assert_eq!(issuer["arn"], role_arn);
    assert_eq!(issuer["userName"], "recorded");
    assert_eq!(
        issuer["principalId"],
        answer.get("AssumedRoleId").strip_suffix(":s1").unwrap()
    );
    assert_eq!(
        identity["sessionContext"]["attributes"]["mfaAuthenticated"],
        "false"
    );
    let made = self::record(answer.get("RequestId"));
    assert_eq!(made["userIdentity"]["type"], "IAMUser");
    assert_eq!(made["userIdentity"]["userName"], "recorded");
    assert_eq!(made["resources"][0]["type"], "AWS::IAM::Role");
    assert_eq!(made["resources"][0]["ARN"], role_arn);
    assert_eq!(
        made["responseElements"]["credentials"]["accessKeyId"],
        session.id
    );
}

/// The record of a request.
pub(super) fn record(request_id: &str) -> Value {
    let config = std::fs::read_to_string(HOUSE.dev.dir.join("strongroom.toml")).unwrap();
    let url = config
        .lines()
        .find_map(|line| line.strip_prefix("url = \"")?.strip_suffix('"'));
    let sql = "select convert_from(record, 'UTF8') from audit_log";
    let output = std::process::Command::new("psql")
        .args(["-At", "-d", url.unwrap(), "-c", sql])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut records = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    records
        .find(|record| record["requestID"] == request_id)
        .expect("a record")
}
