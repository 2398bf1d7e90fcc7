use super::*;
use crate::code;
use crate::dev::SHARED;

/// A new account, and its root's access key.
fn account() -> (String, Keys) {
    let made = done("CreateAccount", json!({}));
    let id = made["Account"]["AccountId"].as_str().unwrap();
    (id.to_owned(), Keys::of(&made))
}

#[tokio::test]
async fn an_account_is_a_world_of_its_own() {
    let (id, root) = account();
    assert!(
        id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()),
        "{id}"
    );
    let own = right(root.call("GetUser", json!({})));
    assert_eq!(own["User"]["Arn"], format!("arn:aws:iam::{id}:root"));
    let ours = crate::symmetric(&crate::client()).await;
    let name = name("ours");
    user(&name);
    let client = SHARED.client_of(&root.id, &root.secret);
    let listed = client.list_keys().send().await.unwrap();
    assert!(listed.keys().is_empty());
    let described = client.describe_key().key_id(&ours).send().await;
    assert_eq!(code(described), "NotFoundException");
    assert!(
        right(root.call("ListUsers", json!({})))["Users"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let got = root.call("GetUser", json!({"UserName": name}));
    assert_eq!(wrong(&got).0, "NoSuchEntityException");
    // A name of another account's is free, and an access key of another account's is unknown.
    right(root.call("CreateUser", json!({"UserName": name})));
    let theirs = &SHARED.env["AWS_ACCESS_KEY_ID"];
    let last = root.call("GetAccessKeyLastUsed", json!({"AccessKeyId": theirs}));
    assert_eq!(wrong(&last).0, "NoSuchEntityException");
}

#[test]
fn only_the_management_account_knows_of_the_others() {
    let (id, root) = account();
    for (operation, body) in [
        ("ListAccounts", json!({})),
        ("CreateAccount", json!({})),
        ("CreateAccount", json!({"AccountId": id})),
    ] {
        let (code, message) = wrong(&root.call(operation, body));
        assert_eq!(code, "AccessDeniedException");
        let action = format!("strongroom:{operation}");
        assert!(message.contains(&action), "{message}");
    }
    let listed = pages("ListAccounts", json!({}), "Accounts", 1);
    let management: Vec<&Value> = listed
        .iter()
        .filter(|account| account["Management"] == true)
        .collect();
    assert_eq!(management.len(), 1);
    assert_eq!(management[0]["AccountId"], root_account());
    let ours = listed
        .iter()
        .find(|account| account["AccountId"] == id.as_str());
    assert_eq!(ours.unwrap()["Management"], false);
}

#[test]
fn an_account_of_a_given_number() {
    let id = "210987654321";
    let made = done("CreateAccount", json!({"AccountId": id}));
    assert_eq!(made["Account"]["Arn"], format!("arn:aws:iam::{id}:root"));
    let again = [id, &root_account()];
    for taken in again {
        let (code, message) = refused("CreateAccount", json!({"AccountId": taken}));
        assert_eq!(code, "EntityAlreadyExistsException");
        assert_eq!(message, format!("Account {taken} already exists."));
    }
    for wrong in ["1", "12345678901x", "1234567890123"] {
        let (code, _) = refused("CreateAccount", json!({"AccountId": wrong}));
        assert_eq!(code, "ValidationException");
    }
}
