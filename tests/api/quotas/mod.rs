//! Quotas: rates by operation, key spec, principal and account; how much an account may have; what
//! strangers cost.

mod amounts;
mod peer;
mod rates;
mod strangers;
mod web_identities;

use crate::dev::{Dev, scratch};
use crate::issuer::Issuer;
use peer::Keys;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A gateway with little quota: what a test uses up, it alone uses, or it is of an account of its own.
static DEV: LazyLock<Dev> = LazyLock::new(|| {
    let remove = r#"rm -rf "$(readlink -f "$1/postgres")" "$1""#;
    let oidc = oidc();
    let environment = LITTLE.into_iter().chain([("STRONGROOM_OIDC", &*oidc)]);
    let environment: Vec<_> = environment.collect();
    Dev::start_with(&scratch(), &["--key-stores", "3"], &environment, remove)
});

/// Anybody may have a token of it.
static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://issuer.example"));

/// The configuration of the issuer.
fn oidc() -> String {
    let jwks = scratch().join("jwks.json");
    std::fs::write(&jwks, ISSUER.jwks()).unwrap();
    format!(
        r#"{{ anybody = {{ issuer = "{}", audiences = ["sts.amazonaws.com"], jwks_file = "{}" }} }}"#,
        ISSUER.name,
        jwks.display()
    )
}

const LITTLE: [(&str, &str); 6] = [
    (
        "STRONGROOM_QUOTA_RATES",
        "{ ListAliases = { per_second = 0.001, burst = 3 }, ECC = { per_second = 0.001, burst = 4 }, \
         GenerateDataKeyPair_ECC_NIST_P256 = { per_second = 0.001, burst = 2 }, \
         CustomKeyStore = { per_second = 0.001, burst = 5 } }",
    ),
    (
        "STRONGROOM_QUOTA_ACCOUNTS",
        "{ 222222222222 = { requests_per_second = 5 }, \
         232323232323 = { rates = { AssumeRoleWithWebIdentity = { per_second = 0.001, burst = 20 } } }, \
         333333333333 = { keys = 2, aliases_per_key = 2, grants_per_key = 2, key_stores = 1, \
         import_wrapping_keys = 2, users = 1, roles = 1, key_store_passwords_per_hour = 1 } }",
    ),
    (
        "STRONGROOM_QUOTA_PRINCIPALS",
        "{ \"arn:aws:iam::000000000000:user/slow\" = { requests_per_second = 2 } }",
    ),
    ("STRONGROOM_QUOTA_FAILURES_PER_SECOND", "2"),
    // An account has as many places as are free.
    ("STRONGROOM_SERVER_MAX_IN_FLIGHT", "400"),
    ("STRONGROOM_QUOTA_KEY_STORE_PASSWORDS_PER_HOUR", "5"),
];

/// A policy that lets whoever has it do everything.
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn root() -> Keys {
    Keys {
        id: DEV.env["AWS_ACCESS_KEY_ID"].clone(),
        secret: DEV.env["AWS_SECRET_ACCESS_KEY"].clone(),
    }
}

/// Makes an account; answers the keys of its root.
async fn account(number: &str) -> Keys {
    let made = root()
        .done("Strongroom.CreateAccount", json!({"AccountId": number}))
        .await;
    Keys::of(&made)
}

/// Makes a user of the root's account who may do everything; answers its keys, which nobody has used.
async fn user(name: &str) -> Keys {
    let root = root();
    root.done("Strongroom.CreateUser", json!({"UserName": name}))
        .await;
    let policy = json!({"UserName": name, "PolicyName": "all", "PolicyDocument": POLICY});
    root.done("Strongroom.PutUserPolicy", policy).await;
    let made = root
        .done("Strongroom.CreateAccessKey", json!({"UserName": name}))
        .await;
    Keys::of(&made)
}

/// A number of the metrics.
async fn metric(name: &str) -> f64 {
    let log = std::fs::read_to_string(DEV.dir.join("log")).unwrap();
    let (_, rest) = log.split_once("health and metrics: http://").unwrap();
    let address = rest.lines().next().unwrap();
    let text = peer::get(address, "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// One number that the database says, to its owner.
async fn number(sql: &str) -> i64 {
    DEV.owner().await.query_one(sql, &[]).await.unwrap().get(0)
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
