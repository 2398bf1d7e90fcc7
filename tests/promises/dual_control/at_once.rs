//! Several gateways, and gateways whose rules are not the same.

use super::*;
use crate::dev::SHARED;
use std::thread;

/// Sends a call by both gateways at once, many times; answers how often it was executed.
fn storm(scene: &Scene, other: &Gateway, operation: &str, body: &Value) -> usize {
    let (ours, theirs) = (scene.gateway.address(), other.address());
    let answers: Vec<Answer> = thread::scope(|scope| {
        let calls = (0..12).map(|n| {
            let address = if n % 2 == 0 { &ours } else { &theirs };
            let target = format!("TrentService.{operation}");
            scope.spawn(move || scene.asks.call(address, &target, body))
        });
        let calls: Vec<_> = calls.collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let refused = ["ApprovalRequiredException", "ConflictException"];
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert!(refused.contains(&answer.code()), "{}", answer.body);
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[tokio::test]
async fn two_gateways_at_once_ask_once_and_execute_once() {
    let dev = &*SHARED;
    let operations = ["TagResource", "CreateKey", "RotateKeyOnDemand"];
    let scene = Scene::new(dev, "both", &operations, 1, 1);
    let other = Scene::settings("both", &operations, 1, 1).serve(dev);
    let made = Caller::root(dev).call(
        &dev.env["AWS_ENDPOINT_URL_KMS"],
        "TrentService.CreateKey",
        &json!({}),
    );
    let key = made.done()["KeyMetadata"]["KeyId"]
        .as_str()
        .unwrap()
        .to_owned();
    let tags = [json!({ "TagKey": "k", "TagValue": "v" })];
    let open = |operation: &str| {
        let sql = sql(
            dev,
            &format!(
                "select id from approval_request where operation = '{operation}' and state = 'PENDING' \
             and requester = '{}'",
                user_arn("both-asks")
            ),
        );
        assert_eq!(sql.len(), 1, "{operation}");
        sql[0].clone()
    };
    for (operation, body) in [
        ("TagResource", json!({ "KeyId": key, "Tags": tags })),
        ("CreateKey", json!({ "Description": "both at once" })),
        ("RotateKeyOnDemand", json!({ "KeyId": key })),
    ] {
        assert_eq!(storm(&scene, &other, operation, &body), 0);
        let id = open(operation);
        scene.approve(0, &id);
        assert_eq!(storm(&scene, &other, operation, &body), 1, "{operation}");
        let state = sql(
            dev,
            &format!("select state from approval_request where id = '{id}'"),
        );
        assert_eq!(state, ["EXECUTED"]);
    }
    let keys = sql(
        dev,
        "select count(*) from kms_key where description = 'both at once'",
    );
    assert_eq!(keys, ["1"]);
    let versions = sql(
        dev,
        &format!(
            "select count(*) from key_version v join kms_key k using (material_set) where k.key_id = '{key}'"
        ),
    );
    assert_eq!(versions, ["2"]);
}

#[tokio::test]
async fn of_two_rules_the_stricter_counts() {
    let dev = &*SHARED;
    let strict = Scene::new(dev, "strict", &["DisableKey"], 2, 2);
    let mallory = user(dev, "strict-mallory");
    let named = [&*user_arn("strict-0"), &user_arn("strict-mallory")];
    let weak = with_rules(&format!("[{}]", rule(&["DisableKey"], 1, &named))).serve(dev);
    let key = strict.new_key();
    let body = json!({ "KeyId": key });
    let weakly = || kms(&strict.asks, &weak, "DisableKey", &body);

    // Asked for where the rule is strict.
    let id = waits(&strict.call("DisableKey", &body));
    assert_eq!(waits(&weakly()), id);
    let denied = decide(&mallory, &weak, "ApproveRequest", &id);
    assert_eq!(denied.code(), "AccessDeniedException");
    assert_eq!(
        approve(&strict.approvers[0], &weak, &id)["Status"],
        "PENDING"
    );
    assert_eq!(waits(&weakly()), id);
    decide(&strict.approvers[1], &strict.gateway, "DenyRequest", &id).done();

    // Asked for where it is weak: enough there, and not here.
    let other = json!({ "KeyId": strict.new_key() });
    let id = waits(&kms(&strict.asks, &weak, "DisableKey", &other));
    assert_eq!(approve(&mallory, &weak, &id)["Status"], "APPROVED");
    let waiting = strict.call("DisableKey", &other);
    assert_eq!(waits(&waiting), id);
    assert!(
        waiting.message().contains("2 more approvals"),
        "{}",
        waiting.message()
    );
    assert_eq!(strict.key_state(&key), "Enabled");
}
