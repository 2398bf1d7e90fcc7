//! What is recorded of a request, to the last member, as CloudTrail has it of AWS KMS.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html>.

use crate::dev::SHARED;
use crate::who::{Who, fresh};
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{GrantConstraints, GrantOperation, OriginType};
use serde_json::{Value, json};
use strongroom::audit::event_id;
use tokio_postgres::types::ToSql;

const ACCOUNT: &str = "000000000000";

/// The record of an event of a request.
pub async fn record(request_id: Option<&str>, event_name: &str) -> Value {
    let sql = "select text from (select convert_from(record, 'UTF8') as text, request_id \
               from audit_log) r where request_id::text = $1 and text::json ->> 'eventName' = $2";
    let parameters: [&(dyn ToSql + Sync); 2] = [&request_id.unwrap(), &event_name];
    let row = SHARED.owner().await.query_one(sql, &parameters).await;
    serde_json::from_str(row.unwrap().get("text")).unwrap()
}

fn key(arn: &str) -> Value {
    json!({"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn})
}

fn alias(name: &str) -> Value {
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:{name}");
    json!({"accountId": ACCOUNT, "type": "AWS::KMS::Alias", "ARN": arn})
}

/// What every record of these tests has; what no test can know is as the record has it.
fn expected(found: &Value, request_id: Option<&str>, more: Value) -> Value {
    let name = found["eventName"].as_str().unwrap();
    let id = request_id.unwrap();
    let mut expected = json!({
        "eventVersion": "1.11",
        "userIdentity": found["userIdentity"],
        "eventTime": found["eventTime"],
        "eventSource": "kms.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "127.0.0.1",
        "userAgent": found["userAgent"],
        "requestID": id,
        "eventID": event_id(id.parse().unwrap(), name, found["errorCode"].as_str()),
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "eventCategory": "Management",
        "recipientAccountId": ACCOUNT,
    });
    let more = more.as_object().unwrap().clone();
    expected.as_object_mut().unwrap().extend(more);
    expected
}

#[tokio::test]
async fn of_create_key() {
    let made = SHARED
        .client()
        .create_key()
        .description("")
        .origin(OriginType::External)
        .bypass_policy_lockout_safety_check(false)
        .send()
        .await
        .unwrap();
    let found = record(made.request_id(), "CreateKey").await;
    let metadata = made.key_metadata().unwrap();
    let (id, arn) = (metadata.key_id(), metadata.arn().unwrap());
    let created = metadata.creation_date().unwrap().as_secs_f64();
    let more = json!({
        "requestParameters": {
            "description": "",
            "origin": "EXTERNAL",
            "bypassPolicyLockoutSafetyCheck": false,
        },
        "responseElements": {"keyMetadata": {
            "aWSAccountId": ACCOUNT,
            "keyId": id,
            "arn": arn,
            "creationDate": created,
            "enabled": false,
            "description": "",
            "keyUsage": "ENCRYPT_DECRYPT",
            "keyState": "PendingImport",
            "origin": "EXTERNAL",
            "keyManager": "CUSTOMER",
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "keySpec": "SYMMETRIC_DEFAULT",
            "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "multiRegion": false,
        }},
        "readOnly": false,
        "resources": [key(arn)],
    });
    assert_eq!(found, expected(&found, made.request_id(), more));
}

#[tokio::test]
async fn of_uses_and_of_one_that_is_denied() {
    let made = SHARED.client().create_key().send().await.unwrap();
    let arn = made.key_metadata().unwrap().arn().unwrap();
    let parameters = json!({
        "keyId": arn,
        // Whether it was in the request or not.
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        // Its keys are the caller's.
        "encryptionContext": {"Department": "Engineering", "project": "Alpha"},
    });
    let encrypt = |client: &aws_sdk_kms::Client| {
        client
            .encrypt()
            .key_id(arn)
            .encryption_context("Department", "Engineering")
            .encryption_context("project", "Alpha")
            .plaintext(Blob::new("attack at dawn, as agreed"))
            .send()
    };
    let sealed = encrypt(&SHARED.client()).await.unwrap();
    let found = record(sealed.request_id(), "Encrypt").await;
    let mut more = json!({
        "requestParameters": parameters,
        "responseElements": null,
        "readOnly": true,
        "resources": [key(arn)],
    });
    assert_eq!(found, expected(&found, sealed.request_id(), more.clone()));

    let blob = sealed.ciphertext_blob.clone().unwrap();
    let decrypt = SHARED.client().decrypt().ciphertext_blob(blob.clone());
    let decrypt = decrypt.encryption_context("Department", "Engineering");
    let opened = decrypt.encryption_context("project", "Alpha").send().await;
    let opened = opened.unwrap();
    let found = record(opened.request_id(), "Decrypt").await;
    // The key is the ciphertext's.
    let mut of_decrypt = more.clone();
    let parameters = of_decrypt["requestParameters"].as_object_mut().unwrap();
    parameters.remove("keyId");
    assert_eq!(found, expected(&found, opened.request_id(), of_decrypt));

    let re_encrypt = SHARED.client().re_encrypt().destination_key_id(arn);
    let re_encrypt = re_encrypt.ciphertext_blob(blob);
    let re_encrypt = re_encrypt.source_encryption_context("Department", "Engineering");
    let re_encrypt = re_encrypt.source_encryption_context("project", "Alpha");
    let re_encrypt = re_encrypt.destination_encryption_context("Level", "3A");
    let done = re_encrypt.send().await.unwrap();
    let found = record(done.request_id(), "ReEncrypt").await;
    let parameters = json!({
        "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "sourceEncryptionContext": {"Department": "Engineering", "project": "Alpha"},
        "destinationKeyId": arn,
        "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "destinationEncryptionContext": {"Level": "3A"},
    });
    assert_eq!(found["requestParameters"], parameters);
    assert_eq!(found["resources"], json!([key(arn), key(arn)]));

    let user = Who::root(&SHARED).user(None);
    let denied = encrypt(&SHARED.client_of(&user.id, &user.secret)).await;
    let denied = denied.unwrap_err();
    let found = record(denied.request_id(), "Encrypt").await;
    more["errorCode"] = "AccessDeniedException".into();
    more["errorMessage"] = denied.message().unwrap().into();
    assert_eq!(found, expected(&found, denied.request_id(), more));
    let identity = json!({
        "type": "IAMUser",
        "principalId": found["userIdentity"]["principalId"],
        "arn": user.arn,
        "accountId": ACCOUNT,
        "accessKeyId": user.id,
        "userName": user.name(),
    });
    assert_eq!(found["userIdentity"], identity);
}

#[tokio::test]
async fn a_change_that_answers_nothing_names_its_key() {
    let client = SHARED.client();
    let made = client.create_key().send().await.unwrap();
    let arn = made.key_metadata().unwrap().arn().unwrap();
    let id = made.key_metadata().unwrap().key_id();
    let done = client.disable_key().key_id(id).send().await.unwrap();
    let found = record(done.request_id(), "DisableKey").await;
    let more = json!({
        "requestParameters": {"keyId": id},
        "responseElements": {"keyId": arn},
        "readOnly": false,
        "resources": [key(arn)],
    });
    assert_eq!(found, expected(&found, done.request_id(), more));

    client.enable_key().key_id(id).send().await.unwrap();
    let grant = client
        .create_grant()
        .key_id(id)
        .grantee_principal(format!("arn:aws:iam::{ACCOUNT}:root"))
        .operations(GrantOperation::Encrypt)
        .operations(GrantOperation::RetireGrant)
        .constraints(
            GrantConstraints::builder()
                .encryption_context_subset("ContextKey1", "Value1")
                .build(),
        )
        .send()
        .await
        .unwrap();
    let found = record(grant.request_id(), "CreateGrant").await;
    let more = json!({
        "requestParameters": {
            "keyId": id,
            "constraints": {"encryptionContextSubset": {"ContextKey1": "Value1"}},
            "operations": ["Encrypt", "RetireGrant"],
            "granteePrincipal": format!("arn:aws:iam::{ACCOUNT}:root"),
        },
        // Without the token.
        "responseElements": {"grantId": grant.grant_id().unwrap(), "keyId": arn},
        "readOnly": false,
        "resources": [key(arn)],
    });
    assert_eq!(found, expected(&found, grant.request_id(), more));

    let scheduled = client.schedule_key_deletion().key_id(id);
    let scheduled = scheduled.pending_window_in_days(20).send().await.unwrap();
    let found = record(scheduled.request_id(), "ScheduleKeyDeletion").await;
    let more = json!({
        "requestParameters": {"keyId": id, "pendingWindowInDays": 20},
        "responseElements": {
            "keyId": arn,
            "keyState": "PendingDeletion",
            "deletionDate": scheduled.deletion_date().unwrap().as_secs_f64(),
            "pendingWindowInDays": 20,
        },
        "readOnly": false,
        "resources": [key(arn)],
    });
    assert_eq!(found, expected(&found, scheduled.request_id(), more));
}

#[tokio::test]
async fn aliases_and_their_keys_are_resources() {
    let client = SHARED.client();
    let create = || client.create_key().send();
    let made = [create().await.unwrap(), create().await.unwrap()];
    let [one, other] = made.each_ref().map(|made| made.key_metadata().unwrap());
    let name = format!("alias/{}", fresh("recorded"));
    let (one_arn, other_arn) = (one.arn().unwrap(), other.arn().unwrap());

    let create = client.create_alias().alias_name(&name);
    let done = create.target_key_id(one.key_id()).send().await.unwrap();
    let found = record(done.request_id(), "CreateAlias").await;
    assert_eq!(found["resources"], json!([key(one_arn), alias(&name)]));
    assert_eq!(found["responseElements"], json!({"keyId": one_arn}));

    let update = client.update_alias().alias_name(&name);
    let done = update.target_key_id(other.key_id()).send().await.unwrap();
    let found = record(done.request_id(), "UpdateAlias").await;
    let named = json!([key(one_arn), key(other_arn), alias(&name)]);
    assert_eq!(found["resources"], named);
    assert_eq!(found["responseElements"], Value::Null);

    let done = client
        .delete_alias()
        .alias_name(&name)
        .send()
        .await
        .unwrap();
    let found = record(done.request_id(), "DeleteAlias").await;
    assert_eq!(found["resources"], json!([key(other_arn), alias(&name)]));
}

#[tokio::test]
async fn a_replica_has_a_record_of_its_own() {
    let client = SHARED.client();
    let made = client.create_key().multi_region(true).send().await.unwrap();
    let primary = made.key_metadata().unwrap();
    let replicate = client.replicate_key().key_id(primary.key_id());
    let done = replicate.replica_region("eu-west-1").send().await.unwrap();
    let arn = done.replica_key_metadata().unwrap().arn().unwrap();

    let found = record(done.request_id(), "ReplicateKey").await;
    assert_eq!(found["resources"], json!([key(primary.arn().unwrap())]));
    let replica = &found["responseElements"]["replicaKeyMetadata"];
    assert_eq!(replica["arn"], arn);
    let regions = &replica["multiRegionConfiguration"];
    assert_eq!(regions["primaryKey"]["region"], "us-east-1");

    let created = record(done.request_id(), "CreateKey").await;
    assert_eq!(created["awsRegion"], "eu-west-1");
    assert_eq!(created["resources"], json!([key(arn)]));
    assert_eq!(created["responseElements"]["keyMetadata"], *replica);
}
