//! `strongroom admin` for other tests: what it answers a program.

use crate::dev::Dev;
use serde_json::Value;
use std::process::Command;

/// Types `strongroom admin` as the root, with these words.
pub fn admin(dev: &Dev, words: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["admin", "--json"])
        .args(words.split_whitespace())
        .envs(&dev.env)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {told}");
    let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    dev.overheard.members(words, &answer);
    answer
}

/// A new access key of a user's, and its secret.
pub fn access_key(dev: &Dev, user: &str) -> (String, String) {
    let made = admin(dev, &format!("access-key create --user {user}"));
    let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
    (text("AccessKeyId"), text("SecretAccessKey"))
}
