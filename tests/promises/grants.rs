//! Grants and last uses, as the database has them.

use crate::deletion::{AHEAD, set_database_clock};
use crate::dev::{Dev, scratch};
use crate::postgres::sql;
use crate::signed::Caller;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::GrantOperation;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_key_has_at_most_fifty_thousand_grants() {
    let dir = scratch();
    let dev = Dev::start(&dir, &[]);
    let client = dev.client();
    let made = client.create_key().send().await.unwrap();
    let id = made.key_metadata.unwrap().key_id;
    let create = || {
        let create = client.create_grant().key_id(&id).name("n");
        create.operations(GrantOperation::Decrypt)
    };
    let alice = "arn:aws:iam::000000000000:user/alice";
    let first = create().grantee_principal(alice).send().await.unwrap();
    // Copies that no gateway made are counted, and refused when they are read.
    sql(
        &dev,
        "insert into kms_grant select (jsonb_populate_record(g, jsonb_build_object( \
            'id', gen_random_uuid(), 'name', 'copy', \
            'grant_id', md5(n::text) || md5(n::text)))).* \
         from kms_grant g, generate_series(1, 49998) n",
    );
    let bob = "arn:aws:iam::000000000000:user/bob";
    create().grantee_principal(bob).send().await.unwrap();
    let one_more = create().grantee_principal("arn:aws:iam::000000000000:user/carol");
    let refused = one_more.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("LimitExceededException"));
    // The same grant again is not another one.
    let again = create().grantee_principal(alice).send().await.unwrap();
    assert_eq!(again.grant_id(), first.grant_id());
    let listed = client.list_grants().key_id(&id).send().await.unwrap_err();
    assert_eq!(listed.code(), Some("KMSInternalException"));
    sql(&dev, "delete from kms_grant where name = 'copy'");
    let listed = client.list_grants().key_id(&id).send().await.unwrap();
    assert_eq!(listed.grants().len(), 2);
    // Tokens and grants are recorded by their names alone.
    let recorded = sql(
        &dev,
        "select r->'responseElements' from (select convert_from(record, 'UTF8')::jsonb r \
         from audit_log) a where r->>'eventName' = 'CreateGrant' and r->>'errorCode' is null",
    );
    assert_eq!(recorded.len(), 3);
    let grant_id = first.grant_id().unwrap();
    let shown: Value = serde_json::from_str(&recorded[0]).unwrap();
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");
    assert_eq!(shown, json!({"grantId": grant_id, "keyId": arn}));
    dev.stop();
}

#[tokio::test]
async fn a_last_use_names_its_record() {
    let dir = scratch();
    let dev = Dev::start(&dir, &[]);
    let client = dev.client();
    let made = client.create_key().send().await.unwrap();
    let id = made.key_metadata.unwrap().key_id;
    let encrypt = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
    let answer = encrypt.send().await.unwrap();
    let usage = client
        .get_key_last_usage()
        .key_id(&id)
        .send()
        .await
        .unwrap();
    let last = usage.key_last_usage().unwrap();
    let event = last.cloud_trail_event_id().unwrap();
    let record = sql(
        &dev,
        &format!(
            "select r->>'requestID', r->>'eventName' from (select convert_from(record, 'UTF8')::jsonb r \
             from audit_log) a where r->>'eventID' = '{event}'"
        ),
    );
    let request = answer.request_id().unwrap();
    assert_eq!(record, [format!("{request}|Encrypt")]);
    // It is written down without anybody asking.
    let written = || sql(&dev, "select operation from key_usage");
    for _ in 0..100 {
        if written() == ["Encrypt"] {
            dev.stop();
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("after ten seconds: {:?}", written());
}

/// Whether a grant is older than who it names is the same to every gateway, whatever its clock.
#[test]
fn grants_and_those_whom_they_name_are_dated_by_the_databases_clock() {
    let dev = Dev::start(&scratch(), &[]);
    let (root, address) = (Caller::root(&dev), &dev.env["AWS_ENDPOINT_URL_KMS"]);
    let call = |target: &str, body: &Value| root.call(address, target, body).done();
    let made = call("TrentService.CreateKey", &json!({}));
    let key = &made["KeyMetadata"]["KeyId"];
    let by_gateway = made["KeyMetadata"]["CreationDate"].as_f64().unwrap();
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    });
    let role = json!({"RoleName": "r", "AssumeRolePolicyDocument": trust.to_string()});
    set_database_clock(&dev, AHEAD);
    let user = call("Strongroom.CreateUser", &json!({"UserName": "u"}));
    let role = call("Strongroom.CreateRole", &role);
    for ahead in [AHEAD, Duration::ZERO] {
        set_database_clock(&dev, ahead);
        let grant = json!({
            "KeyId": key, "Operations": ["Encrypt"], "GranteePrincipal": user["User"]["Arn"],
        });
        call("TrentService.CreateGrant", &grant);
    }
    let listed = call("TrentService.ListGrants", &json!({"KeyId": key}));
    let grants = listed["Grants"].as_array().unwrap();
    let is_ahead = |date: &Value| date.as_f64().unwrap() - by_gateway > AHEAD.as_secs_f64() / 2.0;
    assert!(is_ahead(&user["User"]["CreateDate"]));
    assert!(is_ahead(&role["Role"]["CreateDate"]));
    let ahead = grants.iter().filter(|g| is_ahead(&g["CreationDate"]));
    assert_eq!((ahead.count(), grants.len()), (1, 2));
    dev.stop();
}
