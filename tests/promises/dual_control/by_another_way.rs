//! What a rule is about is not done by another operation either.

use super::*;
use crate::dev::SHARED;

#[tokio::test]
async fn what_has_the_effect_of_what_a_rule_is_about_waits_as_well() {
    let dev = &*SHARED;
    let operations = ["PutKeyPolicy", "DisableKey", "UpdateAlias", "RevokeGrant"];
    let scene = Scene::new(dev, "way", &operations, 1, 1);
    let made = |parameters: &Value| {
        let made = scene.call("CreateKey", parameters).done();
        made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    };
    let plain = scene.new_key();
    let shared = made(&json!({ "MultiRegion": true }));
    let signs = made(&json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" }));
    let alias = json!({ "AliasName": "alias/way", "TargetKeyId": plain });
    scene.call("CreateAlias", &alias).done();
    let grant = json!({
        "KeyId": plain, "GranteePrincipal": user_arn("way-asks"), "Operations": ["Encrypt"],
    });
    let grant = scene.call("CreateGrant", &grant).done();
    let lax = json!({ "Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
    } });
    let replicate = json!({ "KeyId": shared, "ReplicaRegion": "eu-west-1" });
    let mut with_policy = replicate.clone();
    with_policy["Policy"] = json!(lax.to_string());
    for (operation, body) in [
        ("ReplicateKey", replicate),
        ("ReplicateKey", with_policy),
        ("ScheduleKeyDeletion", json!({ "KeyId": plain })),
        ("DeleteAlias", json!({ "AliasName": "alias/way" })),
        ("RetireGrant", json!({ "GrantToken": grant["GrantToken"] })),
    ] {
        waits(&scene.call(operation, &body));
    }
    assert_eq!(scene.key_state(&plain), "Enabled");

    // The only version of a key, and the key with it.
    let version = json!({ "KeyId": signs, "KeyVersion": 1 });
    let disable = || own(&scene.asks, &scene.gateway, "DisableKeyVersion", &version);
    let sign = || {
        let message = json!({
            "KeyId": signs, "Message": "eA==", "SigningAlgorithm": "ECDSA_SHA_256",
        });
        scene.call("Sign", &message)
    };
    let id = waits(&disable());
    sign().done();
    // It is what it is, and not what it is held as, that is approved.
    let described = decide(&scene.asks, &scene.gateway, "DescribeApprovalRequest", &id).done();
    assert_eq!(described["Action"], "kms:DisableKeyVersion");
    assert_eq!(scene.approve(0, &id)["Status"], "APPROVED");
    waits(&scene.call("DisableKey", &json!({ "KeyId": signs })));
    disable().done();
    assert_ne!(sign().status, 200);
    // What has no such effect does not wait.
    scene.call("EnableKey", &json!({ "KeyId": plain })).done();
    own(&scene.asks, &scene.gateway, "EnableKeyVersion", &version).done();
    sign().done();
}

#[tokio::test]
async fn what_makes_a_key_or_an_access_key_usable_again_waits_as_well() {
    let dev = &*SHARED;
    let scene = Scene::new(dev, "again", &["EnableKey", "CreateAccessKey"], 1, 1);
    let made = scene.call("CreateKey", &json!({ "Origin": "EXTERNAL" }));
    // A key whose material was deleted, or has expired, is no longer disabled but PendingImport.
    let import = json!({
        "KeyId": made.done()["KeyMetadata"]["KeyId"],
        "ImportToken": "AAAA", "EncryptedKeyMaterial": "AAAA",
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    waits(&scene.call("ImportKeyMaterial", &import));

    let access_key = json!({ "AccessKeyId": another_key(dev, "again-asks").id });
    let mut activate = access_key.clone();
    activate["Status"] = json!("Active");
    waits(&own(
        &scene.asks,
        &scene.gateway,
        "UpdateAccessKey",
        &activate,
    ));
    own(&scene.asks, &scene.gateway, "DeleteAccessKey", &access_key).done();
}
