//! Promise: a call that a rule names is executed once, after as many of the named approvers as it
//! says have approved exactly this call, and not otherwise.

mod abuse;
mod accounts;
mod at_once;
mod by_another_way;
mod command_line;
mod crash;
mod expiry;
mod sessions;
mod tampering;

use crate::dev::Dev;
use crate::gateway::{Gateway, Settings};
use crate::postgres::sql;
use crate::signed::{Answer, Caller};
use serde_json::{Value, json};
use std::process::Command;

/// The account that administers the deployment.
pub const MANAGEMENT: &str = "000000000000";

/// A gateway with rules: an inline array of TOML.
pub fn with_rules(rules: &str) -> Settings {
    Settings::default().set("STRONGROOM_APPROVAL", rules)
}

/// A rule for these operations.
pub fn rule(operations: &[&str], approvals: usize, approvers: &[&str]) -> String {
    let list = |names: &[&str]| json!(names).to_string();
    format!(
        "{{ operations = {}, approvals = {approvals}, approvers = {} }}",
        list(operations),
        list(approvers)
    )
}

pub fn root_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// A further account, by its root.
pub fn account(dev: &Dev, number: &str) -> Caller {
    let made = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["init", "--account-id", number, "--config"])
        .arg(dev.dir.join("strongroom.toml"))
        .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
        .output()
        .unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let value = |name: &str| {
        let found = text.split_once(name).unwrap_or_else(|| panic!("{text}"));
        found.1.lines().next().unwrap().to_owned()
    };
    Caller {
        id: value("AWS_ACCESS_KEY_ID="),
        secret: value("AWS_SECRET_ACCESS_KEY="),
        token: None,
        region: "us-east-1",
    }
}

pub fn user_arn(name: &str) -> String {
    format!("arn:aws:iam::{MANAGEMENT}:user/{name}")
}

/// An operation of the gateway's own, as the root that `strongroom dev` has made, and without rules.
pub fn as_root(dev: &Dev, operation: &str, body: &Value) -> Value {
    let target = format!("Strongroom.{operation}");
    let address = &dev.env["AWS_ENDPOINT_URL_KMS"];
    Caller::root(dev).call(address, &target, body).done()
}

/// A user who may do anything, but for what a rule keeps them from.
pub fn user(dev: &Dev, name: &str) -> Caller {
    as_root(dev, "CreateUser", &json!({ "UserName": name }));
    let all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let policy = json!({ "UserName": name, "PolicyName": "all", "PolicyDocument": all });
    as_root(dev, "PutUserPolicy", &policy);
    another_key(dev, name)
}

/// One more access key of a user.
pub fn another_key(dev: &Dev, name: &str) -> Caller {
    let made = as_root(dev, "CreateAccessKey", &json!({ "UserName": name }));
    access_key(dev, &made)
}

/// The access key that an answer has.
pub fn access_key(dev: &Dev, made: &Value) -> Caller {
    let text = |member: &str| made["AccessKey"][member].as_str().unwrap().to_owned();
    let secret = text("SecretAccessKey");
    dev.overheard
        .secret("a secret access key", secret.as_bytes());
    Caller {
        id: text("AccessKeyId"),
        secret,
        token: None,
        region: "us-east-1",
    }
}

/// A gateway with one rule, a user who asks, and approvers; the user is named among them.
pub struct Scene {
    pub gateway: Gateway,
    pub asks: Caller,
    pub approvers: Vec<Caller>,
}

impl Scene {
    /// `n` approvers beside the user who asks.
    pub fn new(dev: &Dev, name: &str, operations: &[&str], needed: usize, n: usize) -> Self {
        let asks = user(dev, &format!("{name}-asks"));
        let approvers = (0..n).map(|at| user(dev, &format!("{name}-{at}")));
        Self {
            asks,
            approvers: approvers.collect(),
            gateway: Self::settings(name, operations, needed, n).serve(dev),
        }
    }

    /// Another gateway with the same rule.
    pub fn settings(name: &str, operations: &[&str], needed: usize, n: usize) -> Settings {
        let numbered = (0..n).map(|at| user_arn(&format!("{name}-{at}")));
        let arns: Vec<String> = std::iter::once(user_arn(&format!("{name}-asks")))
            .chain(numbered)
            .collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        with_rules(&format!("[{}]", rule(operations, needed, &arns)))
    }

    /// One of AWS's operations, by the user who asks.
    pub fn call(&self, operation: &str, body: &Value) -> Answer {
        kms(&self.asks, &self.gateway, operation, body)
    }

    /// Gives an approval, which counts.
    pub fn approve(&self, at: usize, id: &str) -> Value {
        approve(&self.approvers[at], &self.gateway, id)
    }

    pub fn new_key(&self) -> String {
        new_key(&self.asks, &self.gateway)
    }

    pub fn key_state(&self, key: &str) -> String {
        key_state(&self.asks, &self.gateway, key)
    }
}

pub fn kms(caller: &Caller, gateway: &Gateway, operation: &str, body: &Value) -> Answer {
    let target = format!("TrentService.{operation}");
    caller.call(&gateway.address(), &target, body)
}

pub fn own(caller: &Caller, gateway: &Gateway, operation: &str, body: &Value) -> Answer {
    let target = format!("Strongroom.{operation}");
    caller.call(&gateway.address(), &target, body)
}

pub fn new_key(caller: &Caller, gateway: &Gateway) -> String {
    let made = kms(caller, gateway, "CreateKey", &json!({})).done();
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

pub fn key_state(caller: &Caller, gateway: &Gateway, key: &str) -> String {
    let described = kms(caller, gateway, "DescribeKey", &json!({ "KeyId": key })).done();
    described["KeyMetadata"]["KeyState"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The id of the approval request that a call waits for.
pub fn waits(answer: &Answer) -> String {
    assert_eq!(
        answer.code(),
        "ApprovalRequiredException",
        "{}",
        answer.body
    );
    assert_eq!(answer.status, 400);
    let id = answer.body["ApprovalId"].as_str().unwrap();
    assert!(answer.message().contains(id), "{}", answer.message());
    id.to_owned()
}

pub fn decide(caller: &Caller, gateway: &Gateway, operation: &str, id: &str) -> Answer {
    own(caller, gateway, operation, &json!({ "ApprovalId": id }))
}

/// Gives an approval, which counts.
pub fn approve(caller: &Caller, gateway: &Gateway, id: &str) -> Value {
    decide(caller, gateway, "ApproveRequest", id).done()
}

/// The records of an event, oldest first.
pub fn records(dev: &Dev, event: &str) -> Vec<Value> {
    let rows = sql(
        dev,
        "select replace(convert_from(record, 'UTF8'), E'\\n', ' ') from audit_log order by written_at",
    );
    let records = rows.iter().map(|row| serde_json::from_str(row).unwrap());
    records
        .filter(|record: &Value| record["eventName"] == event)
        .collect()
}
