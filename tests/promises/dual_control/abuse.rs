//! What a requester, an approver or a bystander might try.

use super::*;
use crate::dev::SHARED;
use std::collections::BTreeSet;

#[tokio::test]
async fn two_of_three_approve_and_it_runs_once() {
    let dev = &*SHARED;
    let scene = Scene::new(dev, "two", &["ScheduleKeyDeletion"], 2, 3);
    let key = scene.new_key();
    let body = json!({ "KeyId": key, "PendingWindowInDays": 9 });
    let call = || scene.call("ScheduleKeyDeletion", &body);
    let id = waits(&call());
    // The same call in other words.
    let other = format!(
        "{{ \"PendingWindowInDays\":9 ,\n\"KeyId\":\"\\u00{:x}{}\" }}",
        key.as_bytes()[0],
        &key[1..]
    );
    let address = scene.gateway.address();
    let same = scene
        .asks
        .try_call(&address, "TrentService.ScheduleKeyDeletion", &other);
    assert_eq!(waits(&same.unwrap()), id);

    // Nobody decides in their own matter, by whichever key; nor does whoever is not named.
    let refused = |caller: &Caller| {
        let answer = decide(caller, &scene.gateway, "ApproveRequest", &id);
        assert_eq!(answer.code(), "AccessDeniedException");
        answer.message().to_owned()
    };
    assert!(refused(&scene.asks).ends_with("because it is the requester"));
    let second_key = another_key(dev, "two-asks");
    assert!(refused(&second_key).ends_with("because it is the requester"));
    let bystander = user(dev, "two-bystander");
    assert!(refused(&bystander).ends_with("names it as an approver"));
    let deny = decide(&bystander, &scene.gateway, "DenyRequest", &id);
    assert_eq!(deny.code(), "AccessDeniedException");

    // The same approver twice, by two keys, is one.
    assert_eq!(scene.approve(0, &id)["Status"], "PENDING");
    let again = approve(&another_key(dev, "two-0"), &scene.gateway, &id);
    assert_eq!(again["Approvals"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&again["ApprovalsCounted"], &again["ApprovalsNeeded"]),
        (&json!(1), &json!(2))
    );
    let waiting = call();
    assert_eq!(waits(&waiting), id);
    assert!(
        waiting.message().contains("1 more approval:"),
        "{}",
        waiting.message()
    );

    let described = decide(
        &scene.approvers[2],
        &scene.gateway,
        "DescribeApprovalRequest",
        &id,
    )
    .done();
    let parameters = json!({ "keyId": key, "pendingWindowInDays": 9 });
    assert_eq!(described["Parameters"], parameters);
    assert_eq!(described["Action"], "kms:ScheduleKeyDeletion");
    assert_eq!(described["Requester"], user_arn("two-asks"));
    assert_eq!(
        described["Resources"],
        json!([format!("arn:aws:kms:us-east-1:{MANAGEMENT}:key/{key}")])
    );

    assert_eq!(scene.approve(2, &id)["Status"], "APPROVED");
    assert_eq!(scene.key_state(&key), "Enabled", "approved is not executed");
    let done = call().done();
    assert_eq!(done["PendingWindowInDays"], 9);
    assert_eq!(scene.key_state(&key), "PendingDeletion");
    let described = decide(&scene.asks, &scene.gateway, "DescribeApprovalRequest", &id).done();
    assert_eq!(described["Status"], "EXECUTED");

    // Replayed: once the key is back, the call is another, and what is done is not approved again.
    scene
        .call("CancelKeyDeletion", &json!({ "KeyId": key }))
        .done();
    assert_ne!(waits(&call()), id);
    let late = decide(&scene.approvers[1], &scene.gateway, "ApproveRequest", &id);
    assert_eq!(late.code(), "KMSInvalidStateException");
    assert!(
        late.message().contains("executed already"),
        "{}",
        late.message()
    );

    let executed = records(dev, "ScheduleKeyDeletion");
    let executed: Vec<_> = executed
        .iter()
        .filter(|record| {
            record["errorCode"].is_null() && record["requestParameters"]["keyId"] == key.as_str()
        })
        .collect();
    assert_eq!(executed.len(), 1);
    let approvers = json!([user_arn("two-0"), user_arn("two-2")]);
    let told = json!({ "approvalId": id, "approvers": approvers });
    assert_eq!(executed[0]["additionalEventData"], told);
}

#[tokio::test]
async fn any_other_parameter_is_another_call() {
    let operations = [
        "ScheduleKeyDeletion",
        "DisableKey",
        "EnableKey",
        "PutKeyPolicy",
        "ImportKeyMaterial",
        "TagResource",
        "CreateCustomKeyStore",
        "UpdateAlias",
        "CreateKey",
    ];
    let dev = &*SHARED;
    let scene = Scene::new(dev, "other", &operations, 1, 1);
    // The rule is this gateway's: the other one makes what is needed.
    let root = Caller::root(dev);
    let elsewhere = |operation: &str, body: &Value| {
        let target = format!("TrentService.{operation}");
        root.call(&dev.env["AWS_ENDPOINT_URL_KMS"], &target, body)
            .done()
    };
    let key = |body: &Value| {
        let made = elsewhere("CreateKey", body);
        made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    };
    let (a, b, external) = (
        key(&json!({})),
        key(&json!({})),
        key(&json!({ "Origin": "EXTERNAL" })),
    );
    elsewhere(
        "CreateAlias",
        &json!({ "AliasName": "alias/other", "TargetKeyId": a }),
    );
    let policy = |sid: &str| {
        json!({
        "Version": "2012-10-17",
        "Statement": [{ "Sid": sid, "Effect": "Allow", "Principal": { "AWS": root_arn(MANAGEMENT) },
                        "Action": "kms:*", "Resource": "*" }],
    }).to_string()
    };
    let import = json!({
        "KeyId": external, "ImportToken": "AAAA", "EncryptedKeyMaterial": "c2VjcmV0IG1hdGVyaWFs",
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    let store = json!({
        "CustomKeyStoreName": "vault", "CloudHsmClusterId": "cluster-strongroomdeva",
        "TrustAnchorCertificate": "none", "KeyStorePassword": "the password 1",
    });
    let tags = |names: [&str; 2]| names.map(|name| json!({ "TagKey": name, "TagValue": "v" }));
    let schedule = json!({ "KeyId": a, "PendingWindowInDays": 8 });
    let put = json!({ "KeyId": a, "Policy": policy("1") });
    let with = |base: &Value, member: &str, value: Value| {
        let mut body = base.clone();
        body[member] = value;
        body
    };
    let calls = [
        ("ScheduleKeyDeletion", schedule.clone()),
        (
            "ScheduleKeyDeletion",
            with(&schedule, "PendingWindowInDays", json!(9)),
        ),
        ("ScheduleKeyDeletion", with(&schedule, "KeyId", json!(b))),
        ("ScheduleKeyDeletion", json!({ "KeyId": a })),
        ("DisableKey", json!({ "KeyId": a })),
        ("EnableKey", json!({ "KeyId": a })),
        ("PutKeyPolicy", put.clone()),
        ("PutKeyPolicy", with(&put, "KeyId", json!(b))),
        ("PutKeyPolicy", with(&put, "Policy", json!(policy("2")))),
        ("PutKeyPolicy", with(&put, "PolicyName", json!("default"))),
        (
            "PutKeyPolicy",
            with(&put, "BypassPolicyLockoutSafetyCheck", json!(true)),
        ),
        ("ImportKeyMaterial", import.clone()),
        (
            "ImportKeyMaterial",
            with(
                &import,
                "EncryptedKeyMaterial",
                json!("c2VjcmV0IG1hdGVyaWFt"),
            ),
        ),
        (
            "ImportKeyMaterial",
            with(&import, "ImportToken", json!("AAAB")),
        ),
        (
            "ImportKeyMaterial",
            with(&import, "ImportType", json!("NEW_KEY_MATERIAL")),
        ),
        (
            "ImportKeyMaterial",
            with(&import, "KeyMaterialDescription", json!("x")),
        ),
        (
            "ImportKeyMaterial",
            json!({
                "KeyId": external, "ImportToken": "AAAA", "EncryptedKeyMaterial": "c2VjcmV0IG1hdGVyaWFs",
                "ValidTo": 4_000_000_000_u64,
            }),
        ),
        (
            "ImportKeyMaterial",
            json!({
                "KeyId": external, "ImportToken": "AAAA", "EncryptedKeyMaterial": "c2VjcmV0IG1hdGVyaWFs",
                "ValidTo": 4_000_000_000.001,
            }),
        ),
        (
            "TagResource",
            json!({ "KeyId": a, "Tags": tags(["k", "l"]) }),
        ),
        (
            "TagResource",
            json!({ "KeyId": a, "Tags": tags(["k", "m"]) }),
        ),
        ("CreateCustomKeyStore", store.clone()),
        (
            "CreateCustomKeyStore",
            with(&store, "KeyStorePassword", json!("the password 2")),
        ),
        (
            "CreateCustomKeyStore",
            with(&store, "CustomKeyStoreName", json!("vaults")),
        ),
        (
            "UpdateAlias",
            json!({ "AliasName": "alias/other", "TargetKeyId": b }),
        ),
        ("CreateKey", json!({})),
        ("CreateKey", json!({ "Description": "x" })),
    ];
    let ids: Vec<String> = calls
        .iter()
        .map(|(operation, body)| waits(&scene.call(operation, body)))
        .collect();
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        calls.len(),
        "{ids:?}"
    );
    for ((operation, body), id) in calls.iter().zip(&ids) {
        assert_eq!(
            waits(&scene.call(operation, body)),
            *id,
            "{operation} {body}"
        );
    }
    // The same text in another Region is another call.
    let elsewhere_in_the_world = Caller {
        region: "eu-west-1",
        ..scene.asks.clone()
    };
    let abroad = kms(
        &elsewhere_in_the_world,
        &scene.gateway,
        "CreateKey",
        &json!({}),
    );
    assert!(!ids.contains(&waits(&abroad)));
    // So is the same alias once it is of another key.
    elsewhere(
        "UpdateAlias",
        &json!({ "AliasName": "alias/other", "TargetKeyId": external }),
    );
    let (operation, body) = &calls[23];
    assert_ne!(waits(&scene.call(operation, body)), ids[23]);
    // Each is approved, and the others wait still.
    scene.approve(0, &ids[1]);
    assert_eq!(
        waits(&scene.call("ScheduleKeyDeletion", &calls[0].1)),
        ids[0]
    );
    assert_eq!(
        waits(&scene.call("ScheduleKeyDeletion", &calls[2].1)),
        ids[2]
    );
    scene.call("ScheduleKeyDeletion", &calls[1].1).done();
    // Secrets are told from each other, and kept nowhere.
    for secret in ["the password 1", "c2VjcmV0IG1hdGVyaWFs", "secret material"] {
        let found = sql(
            dev,
            &format!(
                "select id from approval_request r where r::text like '%{secret}%' \
             or encode(call, 'escape') like '%{secret}%'"
            ),
        );
        assert_eq!(found, Vec::<String>::new(), "{secret}");
    }
}

#[tokio::test]
async fn an_approval_is_the_requesters_alone_and_an_approver_who_is_gone_has_given_none() {
    let dev = &*SHARED;
    let scene = Scene::new(dev, "alone", &["DisableKey"], 1, 1);
    let key = scene.new_key();
    let body = json!({ "KeyId": key });
    let id = waits(&scene.call("DisableKey", &body));
    let other = user(dev, "alone-other");
    let theirs = waits(&kms(&other, &scene.gateway, "DisableKey", &body));
    assert_ne!(theirs, id);
    assert_eq!(scene.approve(0, &id)["Status"], "APPROVED");
    assert_eq!(
        waits(&kms(&other, &scene.gateway, "DisableKey", &body)),
        theirs
    );

    // The approver is deleted, and another of the same name comes.
    let name = json!({ "UserName": "alone-0" });
    let delete_user = || {
        let listed = as_root(dev, "ListAccessKeys", &name);
        for listed in listed["AccessKeyMetadata"].as_array().unwrap() {
            as_root(
                dev,
                "DeleteAccessKey",
                &json!({ "UserName": "alone-0", "AccessKeyId": listed["AccessKeyId"] }),
            );
        }
        as_root(
            dev,
            "DeleteUserPolicy",
            &json!({ "UserName": "alone-0", "PolicyName": "all" }),
        );
        as_root(dev, "DeleteUser", &name);
    };
    delete_user();
    assert_eq!(waits(&scene.call("DisableKey", &body)), id);
    let namesake = user(dev, "alone-0");
    assert_eq!(waits(&scene.call("DisableKey", &body)), id);
    let described = decide(&namesake, &scene.gateway, "DescribeApprovalRequest", &id).done();
    assert_eq!(
        (&described["Status"], &described["ApprovalsCounted"]),
        (&json!("PENDING"), &json!(0))
    );
    assert_eq!(scene.key_state(&key), "Enabled");
    approve(&namesake, &scene.gateway, &id);
    scene.call("DisableKey", &body).done();
    assert_eq!(scene.key_state(&key), "Disabled");
}

#[tokio::test]
async fn what_was_denied_stays_denied_and_the_requester_may_take_it_back() {
    let dev = &*SHARED;
    let scene = Scene::new(dev, "denied", &["DisableKey"], 1, 2);
    let key = scene.new_key();
    let body = json!({ "KeyId": key });
    let id = waits(&scene.call("DisableKey", &body));
    scene.approve(0, &id);
    // A no outweighs what was approved.
    let denied = decide(&scene.approvers[1], &scene.gateway, "DenyRequest", &id).done();
    assert_eq!(
        (&denied["Status"], &denied["DeniedBy"]),
        (&json!("DENIED"), &json!(user_arn("denied-1")))
    );
    let refused = scene.call("DisableKey", &body);
    assert_eq!(refused.code(), "AccessDeniedException");
    assert_eq!(refused.body["ApprovalId"], id.as_str());
    assert!(
        refused.message().contains(&user_arn("denied-1")),
        "{}",
        refused.message()
    );
    for operation in ["ApproveRequest", "DenyRequest"] {
        let late = decide(&scene.approvers[0], &scene.gateway, operation, &id);
        assert_eq!(late.code(), "KMSInvalidStateException");
        assert!(late.message().contains("was denied"), "{}", late.message());
    }
    assert_eq!(scene.key_state(&key), "Enabled");

    let other = json!({ "KeyId": scene.new_key() });
    let id = waits(&scene.call("DisableKey", &other));
    decide(&scene.asks, &scene.gateway, "DenyRequest", &id).done();
    assert_eq!(
        scene.call("DisableKey", &other).code(),
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn a_change_that_fails_uses_no_approval_up_and_a_dry_run_asks_for_none() {
    let dev = &*SHARED;
    let scene = Scene::new(dev, "fails", &["EnableKeyRotation", "RevokeGrant"], 1, 1);
    let key = scene.new_key();
    let body = json!({ "KeyId": key, "RotationPeriodInDays": 100 });
    let id = waits(&scene.call("EnableKeyRotation", &body));
    scene.approve(0, &id);
    scene.call("DisableKey", &json!({ "KeyId": key })).done();
    assert_eq!(
        scene.call("EnableKeyRotation", &body).code(),
        "DisabledException"
    );
    scene.call("EnableKey", &json!({ "KeyId": key })).done();
    scene.call("EnableKeyRotation", &body).done();
    assert_ne!(waits(&scene.call("EnableKeyRotation", &body)), id);

    let grant =
        json!({ "KeyId": key, "GranteePrincipal": user_arn("fails-0"), "Operations": ["Encrypt"] });
    let grant = scene.call("CreateGrant", &grant).done();
    let revoke = json!({ "KeyId": key, "GrantId": grant["GrantId"], "DryRun": true });
    assert_eq!(
        scene.call("RevokeGrant", &revoke).code(),
        "DryRunOperationException"
    );
    let absent = json!({ "KeyId": key, "GrantId": "0".repeat(64), "DryRun": true });
    assert_eq!(
        scene.call("RevokeGrant", &absent).code(),
        "NotFoundException"
    );
    let asked = sql(
        dev,
        &format!(
            "select count(*) from approval_request where requester = '{}'",
            user_arn("fails-asks")
        ),
    );
    assert_eq!(asked, ["2"], "those of EnableKeyRotation");
    let revoke = json!({ "KeyId": key, "GrantId": grant["GrantId"] });
    let id = waits(&scene.call("RevokeGrant", &revoke));
    scene.approve(0, &id);
    let dry = json!({ "KeyId": key, "GrantId": grant["GrantId"], "DryRun": true });
    assert_eq!(
        scene.call("RevokeGrant", &dry).code(),
        "DryRunOperationException"
    );
    scene.call("RevokeGrant", &revoke).done();
}

#[tokio::test]
async fn nobody_fills_the_table() {
    let dev = &*SHARED;
    let scene = Scene::new(dev, "fills", &["DisableKey", "TagResource"], 1, 1);
    // Who may not, or could not, does not ask.
    let missing = json!({ "KeyId": "00000000-0000-4000-8000-000000000000" });
    assert_eq!(
        scene.call("DisableKey", &missing).code(),
        "NotFoundException"
    );
    let key = scene.new_key();
    let schedule = json!({ "KeyId": key });
    // By the gateway that has no rule.
    let address = &dev.env["AWS_ENDPOINT_URL_KMS"];
    let target = "TrentService.ScheduleKeyDeletion";
    Caller::root(dev).call(address, target, &schedule).done();
    assert_eq!(
        scene.call("DisableKey", &schedule).code(),
        "KMSInvalidStateException"
    );
    let bad = json!({ "KeyId": key, "Tags": [{ "TagKey": "" }] });
    assert_eq!(
        scene.call("TagResource", &bad).code(),
        "ValidationException"
    );
    let count = || {
        sql(
            dev,
            &format!(
                "select count(*) from approval_request where requester = '{}'",
                user_arn("fills-asks")
            ),
        )
    };
    assert_eq!(count(), ["0"]);

    let key = scene.new_key();
    let tag = |n: usize| {
        let tags = [json!({ "TagKey": "k", "TagValue": n.to_string() })];
        scene.call("TagResource", &json!({ "KeyId": key, "Tags": tags }))
    };
    let first = waits(&tag(0));
    for n in 1..50 {
        waits(&tag(n));
    }
    assert_eq!(tag(50).code(), "LimitExceededException");
    assert_eq!(waits(&tag(0)), first, "those that are open are answered");
    assert_eq!(count(), ["50"]);
    // Others are not kept from asking.
    let other = user(dev, "fills-other");
    waits(&kms(
        &other,
        &scene.gateway,
        "DisableKey",
        &json!({ "KeyId": key }),
    ));
    // Pages.
    let page = own(
        &scene.asks,
        &scene.gateway,
        "ListApprovalRequests",
        &json!({ "Limit": 7 }),
    )
    .done();
    assert_eq!(page["ApprovalRequests"].as_array().unwrap().len(), 7);
    let next = json!({ "Limit": 7, "Marker": page["NextMarker"] });
    let next = own(&scene.asks, &scene.gateway, "ListApprovalRequests", &next).done();
    let ids = |page: &Value| -> BTreeSet<String> {
        let requests = page["ApprovalRequests"].as_array().unwrap().iter();
        requests
            .map(|one| one["ApprovalId"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&page).union(&ids(&next)).count(), 14);
}

#[tokio::test]
async fn an_sdk_does_not_try_again_by_itself() {
    use aws_sdk_kms::config::retry::RetryConfig;
    use aws_sdk_kms::error::ProvideErrorMetadata;
    let dev = &*SHARED;
    let scene = Scene::new(dev, "sdk", &["DisableKey"], 1, 1);
    let key = scene.new_key();
    let client = dev.client_of(&scene.asks.id, &scene.asks.secret);
    let config = client
        .config()
        .to_builder()
        .endpoint_url(scene.gateway.address());
    let config = config.retry_config(RetryConfig::standard().with_max_attempts(5));
    let client = aws_sdk_kms::Client::from_conf(config.build());
    let error = client.disable_key().key_id(&key).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ApprovalRequiredException"));
    let message = error.message().unwrap().to_owned();
    let asked = records(dev, "DisableKey");
    let asked: Vec<_> = asked
        .iter()
        .filter(|record| record["requestParameters"]["keyId"] == key.as_str())
        .collect();
    assert_eq!(asked.len(), 1);
    let id = asked[0]["additionalEventData"]["approvalId"]
        .as_str()
        .unwrap();
    assert!(message.contains(id), "{message}");
    scene.approve(0, id);
    client.disable_key().key_id(&key).send().await.unwrap();
}
