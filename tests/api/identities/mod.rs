//! Accounts, users, roles, their policies, and access keys: the gateway's own operations.

mod access_keys;
mod accounts;
mod policies;
mod roles;
mod users;

use crate::wire::{Answer, own, own_by};
use serde_json::{Value, json};

/// A policy that lets whoever has it do everything.
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
/// A trust policy.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// An access key and its secret.
struct Keys {
    id: String,
    secret: String,
}

impl Keys {
    fn of(answer: &Value) -> Self {
        let key = &answer["AccessKey"];
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        Self {
            id: text("AccessKeyId"),
            secret: text("SecretAccessKey"),
        }
    }

    fn call(&self, operation: &str, body: Value) -> Answer {
        own_by((&self.id, &self.secret), operation, &body)
    }
}

/// What an operation answers the root.
fn done(operation: &str, body: Value) -> Value {
    right(own(operation, &body))
}

fn right(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// The number of the root's account.
fn root_account() -> String {
    let root = done("GetUser", json!({}));
    root["User"]["UserId"].as_str().unwrap().to_owned()
}

/// The exception's name, and its message, of what the root is refused.
fn refused(operation: &str, body: Value) -> (String, String) {
    wrong(&own(operation, &body))
}

fn wrong(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    (answer.code().to_owned(), answer.message().to_owned())
}

/// A name that no other test has.
fn name(begins: &str) -> String {
    format!(
        "{begins}-{}",
        &uuid::Uuid::new_v4().simple().to_string()[..8]
    )
}

/// A user who may do everything, and an access key.
fn user(name: &str) -> Keys {
    done("CreateUser", json!({"UserName": name}));
    let policy = json!({"UserName": name, "PolicyName": "all", "PolicyDocument": POLICY});
    done("PutUserPolicy", policy);
    Keys::of(&done("CreateAccessKey", json!({"UserName": name})))
}

/// The pages of a list, put together; of `limit` items each.
fn pages(operation: &str, mut body: Value, list: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    body["Limit"] = limit.into();
    loop {
        let page = done(operation, body.clone());
        let items = page[list].as_array().unwrap();
        assert!(items.len() <= limit);
        all.extend(items.iter().cloned());
        match page["Truncated"].as_bool().unwrap() {
            true => body["Marker"] = page["NextMarker"].clone(),
            false => return all,
        }
    }
}
