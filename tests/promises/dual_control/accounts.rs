//! Approvers are of the same account or of the management account; nobody else learns of a request.

use super::*;
use crate::dev::scratch;

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";

#[tokio::test]
async fn the_management_account_approves_for_others_and_another_account_sees_nothing() {
    let dev = Dev::start(&scratch(), &[]);
    let (management, tenant, other) = (
        Caller::root(&dev),
        account(&dev, ACCOUNT),
        account(&dev, OTHER),
    );
    let [a, b, c] = [MANAGEMENT, ACCOUNT, OTHER].map(root_arn);
    let rule = rule(&["DisableKey"], 1, &[&a, &b, &c]);
    let gateway = with_rules(&format!("[{rule}]")).serve(&dev);
    let key = new_key(&tenant, &gateway);
    let body = json!({ "KeyId": key });
    let disable = || kms(&tenant, &gateway, "DisableKey", &body);

    let refused = disable();
    let id = waits(&refused);
    assert_eq!(waits(&disable()), id, "one request for one call");
    assert_eq!(key_state(&tenant, &gateway, &key), "Enabled");

    // One that is not there, and one that is another account's.
    let missing = "00000000-0000-4000-8000-000000000000";
    for operation in ["ApproveRequest", "DenyRequest", "DescribeApprovalRequest"] {
        let foreign = decide(&other, &gateway, operation, &id);
        let absent = decide(&other, &gateway, operation, missing);
        assert_eq!(foreign.code(), "NotFoundException", "{operation}");
        let as_absent = foreign.body.to_string().replace(&id, missing);
        assert_eq!(as_absent, absent.body.to_string(), "{operation}");
    }
    let listed = own(&other, &gateway, "ListApprovalRequests", &json!({})).done();
    assert_eq!(listed["ApprovalRequests"], json!([]));
    for caller in [&tenant, &management] {
        let listed = own(caller, &gateway, "ListApprovalRequests", &json!({})).done();
        assert_eq!(listed["ApprovalRequests"][0]["ApprovalId"], id.as_str());
        assert_eq!(listed["ApprovalRequests"][0]["Status"], "PENDING");
    }

    let own_approval = decide(&tenant, &gateway, "ApproveRequest", &id);
    assert_eq!(own_approval.code(), "AccessDeniedException");
    assert_eq!(waits(&disable()), id);

    let approved = approve(&management, &gateway, &id);
    assert_eq!(approved["Status"], "APPROVED", "{approved}");
    assert_eq!(key_state(&tenant, &gateway, &key), "Enabled");
    disable().done();
    assert_eq!(key_state(&tenant, &gateway, &key), "Disabled");
    let again = waits(&disable());
    assert_ne!(again, id, "an approval is good for one call");

    let events = records(&dev, "DisableKey");
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["errorCode"].as_str(),
                event["additionalEventData"].clone(),
            )
        })
        .collect();
    let waited = (
        Some("ApprovalRequiredException"),
        json!({ "approvalId": id }),
    );
    let executed = json!({ "approvalId": id, "approvers": [root_arn(MANAGEMENT)] });
    let another = (waited.0, json!({ "approvalId": again }));
    assert_eq!(
        told,
        [
            waited.clone(),
            waited.clone(),
            waited,
            (None, executed),
            another
        ]
    );
    let approvals = records(&dev, "ApproveRequest");
    let last = approvals.last().unwrap();
    assert_eq!(last["requestParameters"]["approvalId"], id.as_str());
    assert_eq!(last["responseElements"]["requester"], root_arn(ACCOUNT));
    // It is found by what it is about.
    assert_eq!(last["resources"][0]["ARN"], approved["Resources"][0]);
    drop(gateway);
    dev.stop();
}

#[tokio::test]
async fn the_account_of_the_key_approves_whoever_calls() {
    let dev = Dev::start(&scratch(), &[]);
    let (owner, caller) = (account(&dev, ACCOUNT), account(&dev, OTHER));
    let peer = format!("arn:aws:iam::{OTHER}:user/peer");
    let [a, b] = [ACCOUNT, OTHER].map(root_arn);
    let operations = ["CreateGrant", "RevokeGrant"];
    let gateway = with_rules(&format!("[{}]", rule(&operations, 1, &[&a, &b, &peer]))).serve(&dev);
    let all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    own(
        &caller,
        &gateway,
        "CreateUser",
        &json!({ "UserName": "peer" }),
    )
    .done();
    let policy = json!({ "UserName": "peer", "PolicyName": "all", "PolicyDocument": all });
    own(&caller, &gateway, "PutUserPolicy", &policy).done();
    let peer = access_key(
        &dev,
        &own(
            &caller,
            &gateway,
            "CreateAccessKey",
            &json!({ "UserName": "peer" }),
        )
        .done(),
    );

    let key = new_key(&owner, &gateway);
    let everything = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": [&a, &b] }, "Action": "kms:*", "Resource": "*" }
    ] });
    let policy = json!({ "KeyId": key, "Policy": everything.to_string() });
    kms(&owner, &gateway, "PutKeyPolicy", &policy).done();
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}");
    let grant = json!({ "KeyId": arn, "GranteePrincipal": b, "Operations": ["Encrypt"] });
    let id = waits(&kms(&caller, &gateway, "CreateGrant", &grant));

    // The rule names them, and the key is not theirs.
    for other in [&caller, &peer] {
        let refused = decide(other, &gateway, "ApproveRequest", &id);
        assert_eq!(refused.code(), "AccessDeniedException");
    }
    let listed = own(&owner, &gateway, "ListApprovalRequests", &json!({})).done();
    assert_eq!(listed["ApprovalRequests"][0]["ApprovalId"], id.as_str());
    assert_eq!(approve(&owner, &gateway, &id)["Status"], "APPROVED");
    let made = kms(&caller, &gateway, "CreateGrant", &grant).done();

    // And nobody of the key's account approves what they ask for themselves.
    let revoke = json!({ "KeyId": key, "GrantId": made["GrantId"] });
    let id = waits(&kms(&owner, &gateway, "RevokeGrant", &revoke));
    for other in [&owner, &caller, &peer] {
        let refused = decide(other, &gateway, "ApproveRequest", &id);
        assert_ne!(refused.status, 200, "{}", refused.body);
    }
    drop(gateway);
    dev.stop();
}
