//! GetKeyPolicy, PutKeyPolicy, ListKeyPolicies; CreateKey's policy.

use crate::{client, code, message, symmetric};
use aws_sdk_kms::Client;

const ROOT: &str = "arn:aws:iam::000000000000:root";
const LOCKED_OUT: &str =
    "The new key policy will not allow you to update the key policy in the future.";

/// A policy that lets `principal` do everything; odd spaces and letters are to stay.
fn policy(principal: &str) -> String {
    format!(
        "{{ \"Version\": \"2012-10-17\",\n\t\"Id\" : \"caf\u{e9} \\u0041\",  \"Statement\": [\r\n\
         {{\"Sid\":\"\", \"Effect\": \"Allow\", \"Principal\": {{\"AWS\": \"{principal}\"}}, \
         \"Action\": \"kms:*\", \"Resource\": \"*\"}} ]}} "
    )
}

async fn read(client: &Client, id: &str) -> String {
    let read = client.get_key_policy().key_id(id).send().await.unwrap();
    assert_eq!(read.policy_name(), Some("default"));
    read.policy().unwrap().to_owned()
}

#[tokio::test]
async fn a_policy_is_given_back_byte_for_byte() {
    let client = client();
    let id = symmetric(&client).await;
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");
    let default: serde_json::Value = serde_json::from_str(&read(&client, &arn).await).unwrap();
    assert_eq!(default["Statement"][0]["Principal"]["AWS"], ROOT);
    let text = policy(ROOT);
    let put = || client.put_key_policy().key_id(&arn).policy(&text);
    put().send().await.unwrap();
    assert_eq!(read(&client, &id).await, text);
    put().policy_name("default").send().await.unwrap();
    let get = client.get_key_policy().key_id(&id).policy_name("default");
    assert_eq!(get.send().await.unwrap().policy(), Some(text.as_str()));
    let made = client.create_key().policy(&text).send().await.unwrap();
    let made = made.key_metadata().unwrap();
    assert_eq!(read(&client, made.key_id()).await, text);
    let longest = text.clone() + &" ".repeat(32 * 1024 - text.len());
    let put = client.put_key_policy().key_id(&id).policy(&longest);
    put.send().await.unwrap();
    assert_eq!(read(&client, &id).await, longest);
}

#[tokio::test]
async fn policies_that_are_refused() {
    let client = client();
    let id = symmetric(&client).await;
    let before = read(&client, &id).await;
    for (text, expected) in [
        ("not json".to_owned(), "MalformedPolicyDocumentException"),
        ("[]".into(), "MalformedPolicyDocumentException"),
        ("{}".into(), "MalformedPolicyDocumentException"),
        (
            r#"{"Statement": []}"#.into(),
            "MalformedPolicyDocumentException",
        ),
        (policy("alice"), "MalformedPolicyDocumentException"),
        (
            policy(ROOT).replace("\"Sid\"", "\"Side\""),
            "MalformedPolicyDocumentException",
        ),
        (
            policy(ROOT) + &" ".repeat(32 * 1024),
            "LimitExceededException",
        ),
        (policy("\u{1f512}"), "ValidationException"),
        (String::new(), "ValidationException"),
    ] {
        let put = client.put_key_policy().key_id(&id).policy(&text);
        assert_eq!(code(put.send().await), expected, "{text}");
        let create = client.create_key().policy(&text);
        assert_eq!(code(create.send().await), expected, "{text}");
    }
    let text = policy(ROOT);
    let put = || client.put_key_policy().key_id(&id).policy(&text);
    let ram = put().policy_name("AWS_RAM").send().await;
    assert_eq!(
        message(ram),
        "The AWS_RAM policy can only be managed by the RAM service"
    );
    let other = put().policy_name("other").send().await;
    assert_eq!(message(other), "No such policy exists");
    let get = |name: &str| client.get_key_policy().key_id(&id).policy_name(name);
    assert_eq!(code(get("AWS_RAM").send().await), "NotFoundException");
    assert_eq!(code(get("a-b").send().await), "ValidationException");
    let alias = client.get_key_policy().key_id("alias/any").send().await;
    assert_eq!(
        message(alias),
        "Key Aliases are not supported for this operation."
    );
    assert_eq!(read(&client, &id).await, before);
}

#[tokio::test]
async fn nobody_locks_himself_out_unless_he_says_so() {
    let client = client();
    let id = symmetric(&client).await;
    let text = policy("arn:aws:iam::000000000000:user/alice");
    let put = || client.put_key_policy().key_id(&id).policy(&text);
    assert_eq!(message(put().send().await), LOCKED_OUT);
    let create = || client.create_key().policy(&text);
    assert_eq!(message(create().send().await), LOCKED_OUT);
    let another = client.put_key_policy().key_id(&id);
    let another = another.policy(policy("arn:aws:iam::999999999999:root"));
    assert_eq!(message(another.send().await), LOCKED_OUT);
    put()
        .bypass_policy_lockout_safety_check(true)
        .send()
        .await
        .unwrap();
    // So it is.
    let get = client.get_key_policy().key_id(&id).send().await;
    assert_eq!(code(get), "AccessDeniedException");
    create()
        .bypass_policy_lockout_safety_check(true)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn policies_are_listed_and_changed_in_any_state() {
    let client = client();
    let id = symmetric(&client).await;
    client
        .schedule_key_deletion()
        .key_id(&id)
        .send()
        .await
        .unwrap();
    let put = client.put_key_policy().key_id(&id).policy(policy(ROOT));
    put.send().await.unwrap();
    assert_eq!(read(&client, &id).await, policy(ROOT));
    let list = || client.list_key_policies().key_id(&id);
    let listed = list().limit(1).send().await.unwrap();
    assert_eq!(listed.policy_names(), ["default"]);
    assert!(!listed.truncated());
    assert_eq!(listed.next_marker(), None);
    let bad = list().marker("%%%").send().await;
    assert_eq!(code(bad), "InvalidMarkerException");
}
