//! Promise: a call that a rule names is executed once, after as many of the named approvers as it
//! says have approved exactly this call, and not otherwise.

mod accounts;

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
        "select replace(convert_from(record, 'UTF8'), E'\\n', ' ') from audit_record order by ctid",
    );
    let records = rows.iter().map(|row| serde_json::from_str(row).unwrap());
    records
        .filter(|record: &Value| record["eventName"] == event)
        .collect()
}
