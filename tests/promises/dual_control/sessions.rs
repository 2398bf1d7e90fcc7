//! Sessions: whoever assumes a role is still the same person.

use super::*;
use crate::dev::SHARED;

#[tokio::test]
async fn a_session_is_its_role_and_whoever_assumed_it() {
    let dev = &*SHARED;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": root_arn(MANAGEMENT) },
                        "Action": "sts:AssumeRole" }],
    });
    let all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let role = |name: &str| {
        let body = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
        as_root(dev, "CreateRole", &body);
        let body = json!({ "RoleName": name, "PolicyName": "all", "PolicyDocument": all });
        as_root(dev, "PutRolePolicy", &body);
        format!("arn:aws:iam::{MANAGEMENT}:role/{name}")
    };
    let (operators, officers) = (role("operators"), role("officers"));
    let [alice, bob, carol] =
        ["sessions-alice", "sessions-bob", "sessions-carol"].map(|name| user(dev, name));
    let named = [
        &*operators,
        &officers,
        &user_arn("sessions-alice"),
        &user_arn("sessions-bob"),
    ];
    let gateway = with_rules(&format!("[{}]", rule(&["DisableKey"], 2, &named))).serve(dev);
    let key = new_key(&alice, &gateway);
    let body = json!({ "KeyId": key });
    let denied = |caller: &Caller, id: &str| {
        let answer = decide(caller, &gateway, "ApproveRequest", id);
        assert_eq!(answer.code(), "AccessDeniedException", "{}", answer.body);
        assert!(
            answer.message().ends_with("it is the requester"),
            "{}",
            answer.message()
        );
    };

    // Alice asks as an operator: neither another operator's session, nor she herself, nor she as an
    // officer, approves.
    let asks = alice.assume(dev, &operators, "alice");
    let id = waits(&kms(&asks, &gateway, "DisableKey", &body));
    denied(&asks, &id);
    denied(&bob.assume(dev, &operators, "bob"), &id);
    denied(&alice, &id);
    denied(&alice.assume(dev, &officers, "alice"), &id);
    denied(&asks.assume(dev, &officers, "chained"), &id);
    // Another of her sessions, or she herself, does not have the call.
    assert_ne!(waits(&kms(&alice, &gateway, "DisableKey", &body)), id);
    let renamed = alice.assume(dev, &operators, "alice-2");
    assert_ne!(waits(&kms(&renamed, &gateway, "DisableKey", &body)), id);

    // Bob approves; as an officer he is nobody else. Officers are one approver, whoever they are.
    approve(&bob, &gateway, &id);
    let twice = approve(&bob.assume(dev, &officers, "bob"), &gateway, &id);
    assert_eq!(
        (&twice["Status"], &twice["ApprovalsCounted"]),
        (&json!("PENDING"), &json!(1))
    );
    assert_eq!(waits(&kms(&asks, &gateway, "DisableKey", &body)), id);

    // From Alice herself: Carol as an officer, and again under another name, is one of two.
    let other = new_key(&alice, &gateway);
    let body = json!({ "KeyId": other });
    let id = waits(&kms(&alice, &gateway, "DisableKey", &body));
    denied(&alice.assume(dev, &officers, "again"), &id);
    approve(&carol.assume(dev, &officers, "carol"), &gateway, &id);
    let twice = approve(&carol.assume(dev, &officers, "caroline"), &gateway, &id);
    assert_eq!(twice["ApprovalsCounted"], 1);
    assert_eq!(waits(&kms(&alice, &gateway, "DisableKey", &body)), id);
    assert_eq!(approve(&bob, &gateway, &id)["Status"], "APPROVED");
    kms(&alice, &gateway, "DisableKey", &body).done();
    assert_eq!(key_state(&alice, &gateway, &other), "Disabled");

    // The same session, with other temporary credentials.
    let third = json!({ "KeyId": new_key(&alice, &gateway) });
    let id = waits(&kms(&asks, &gateway, "DisableKey", &third));
    let renewed = alice.assume(dev, &operators, "alice");
    assert_eq!(waits(&kms(&renewed, &gateway, "DisableKey", &third)), id);
}
