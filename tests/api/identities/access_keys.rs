use super::*;
use crate::code;
use crate::dev::SHARED;

#[tokio::test]
async fn an_access_key_signs_while_it_is_active() {
    let name = name("signs");
    let keys = user(&name);
    let client = SHARED.client_of(&keys.id, &keys.secret);
    client.list_keys().send().await.unwrap();
    let status = |status: &str| json!({"UserName": name, "AccessKeyId": keys.id, "Status": status});
    done("UpdateAccessKey", status("Inactive"));
    let refused_as = client.list_keys().send().await;
    assert_eq!(code(refused_as), "UnrecognizedClientException");
    let listed = done("ListAccessKeys", json!({"UserName": name}));
    assert_eq!(listed["AccessKeyMetadata"][0]["Status"], "Inactive");
    done("UpdateAccessKey", status("Active"));
    client.list_keys().send().await.unwrap();
    done(
        "DeleteAccessKey",
        json!({"UserName": name, "AccessKeyId": keys.id}),
    );
    let refused_as = client.list_keys().send().await;
    assert_eq!(code(refused_as), "UnrecognizedClientException");
}

#[test]
fn two_access_keys_and_no_more() {
    let name = name("two");
    let by_name = json!({"UserName": name});
    let first = user(&name);
    let made = done("CreateAccessKey", by_name.clone());
    let second = Keys::of(&made);
    assert!(second.id.starts_with("AKIA") && second.id.len() == 20);
    assert_eq!(second.secret.len(), 40);
    assert_eq!(made["AccessKey"]["Status"], "Active");
    let (code, message) = refused("CreateAccessKey", by_name.clone());
    assert_eq!(code, "LimitExceededException");
    assert_eq!(message, "Cannot exceed quota for AccessKeysPerUser: 2");
    let listed = pages("ListAccessKeys", by_name.clone(), "AccessKeyMetadata", 1);
    let mut ids: Vec<&str> = listed
        .iter()
        .map(|key| key["AccessKeyId"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let mut expected = [&*first.id, &*second.id];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert!(
        listed
            .iter()
            .all(|key| key["UserName"] == name && key.get("SecretAccessKey").is_none())
    );
    // The one in use replaces the other.
    let delete = json!({"UserName": name, "AccessKeyId": first.id});
    right(second.call("DeleteAccessKey", delete));
    done("CreateAccessKey", by_name);
}

#[test]
fn an_access_key_is_its_owners() {
    let (one, two) = (name("one"), name("two"));
    let keys = user(&one);
    done("CreateUser", json!({"UserName": two}));
    for (operation, body) in [
        (
            "UpdateAccessKey",
            json!({"UserName": two, "AccessKeyId": keys.id, "Status": "Inactive"}),
        ),
        (
            "DeleteAccessKey",
            json!({"UserName": two, "AccessKeyId": keys.id}),
        ),
        // The root's own.
        ("DeleteAccessKey", json!({"AccessKeyId": keys.id})),
        (
            "DeleteAccessKey",
            json!({"UserName": one, "AccessKeyId": "AKIANOSUCHACCESSKEY2"}),
        ),
        (
            "GetAccessKeyLastUsed",
            json!({"AccessKeyId": "AKIANOSUCHACCESSKEY2"}),
        ),
    ] {
        let (code, message) = refused(operation, body.clone());
        assert_eq!(code, "NoSuchEntityException");
        let id = body["AccessKeyId"].as_str().unwrap();
        let expected = format!("The Access Key with id {id} cannot be found.");
        assert_eq!(message, expected);
    }
    for (operation, body) in [
        ("CreateAccessKey", json!({"UserName": "nobody"})),
        ("ListAccessKeys", json!({"UserName": "nobody"})),
    ] {
        assert_eq!(refused(operation, body).0, "NoSuchEntityException");
    }
    for body in [
        json!({"UserName": one, "AccessKeyId": keys.id, "Status": "Expired"}),
        json!({"UserName": one, "AccessKeyId": "short", "Status": "Active"}),
    ] {
        assert_eq!(refused("UpdateAccessKey", body).0, "ValidationException");
    }
}

#[test]
fn its_last_use_is_known_at_once() {
    let name = name("used");
    let keys = user(&name);
    let last = || done("GetAccessKeyLastUsed", json!({"AccessKeyId": keys.id}));
    let never = last();
    assert_eq!(never["UserName"], name);
    let used = &never["AccessKeyLastUsed"];
    assert_eq!(*used, json!({"ServiceName": "N/A", "Region": "N/A"}));
    right(keys.call("ListUsers", json!({})));
    let used = last()["AccessKeyLastUsed"].clone();
    assert_eq!(used["ServiceName"], "strongroom");
    assert_eq!(used["Region"], "us-east-1");
    let first = used["LastUsedDate"].as_f64().unwrap();
    // A request that is refused is a use too.
    wrong(&keys.call("GetUser", json!({"UserName": "nobody"})));
    let used = last()["AccessKeyLastUsed"].clone();
    assert!(used["LastUsedDate"].as_f64().unwrap() >= first);
}

#[tokio::test]
async fn no_record_has_the_secret() {
    let keys = user(&name("recorded"));
    let rows = SHARED
        .owner()
        .await
        .query(
            "select convert_from(record, 'UTF8') from audit_log \
             where convert_from(record, 'UTF8') like '%' || $1 || '%'",
            &[&keys.id],
        )
        .await
        .unwrap();
    let records: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::from_str(row.get(0)).unwrap())
        .collect();
    let made: Vec<&Value> = records
        .iter()
        .filter(|record| record["eventName"] == "CreateAccessKey")
        .collect();
    assert_eq!(made.len(), 1);
    let shown = &made[0]["responseElements"]["accessKey"];
    assert_eq!(shown["accessKeyId"], keys.id);
    assert_eq!(shown.get("secretAccessKey"), None);
    for record in &records {
        assert!(!record.to_string().contains(&keys.secret));
    }
}
