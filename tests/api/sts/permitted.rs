//! What a role may that was assumed with a service account's token.

use super::web_identity::{assume, lets};
use super::{ACCOUNT, Caller, HOUSE, kms, role, root, sts};
use crate::code;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Credentials;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use serde_json::{Value, json};

/// What a role may, through the SDK: with the key whose policy names it, and no other, whether that is
/// there or not.
#[tokio::test]
async fn a_role_encrypts_with_the_key_that_lets_it_and_no_other() {
    let issuer = &HOUSE.issuer;
    let role_arn = role("encrypts", &lets(issuer));
    let answer = assume(&role_arn, &issuer.token(&issuer.claims()));
    let client = sdk(&answer.credentials());
    let own = key(Some(("encrypts", "kms:Encrypt")));
    let others = key(Some(("somebody-else", "kms:Encrypt")));
    let by_default = key(None);
    let missing = own.replace(&own[own.len() - 12..], "000000000000");
    let encrypt = |client: &Client, key: &str| {
        let plaintext = Blob::new(b"a service account's plaintext");
        client.encrypt().key_id(key).plaintext(plaintext).send()
    };
    let sealed = encrypt(&client, &own).await.unwrap();
    assert_eq!(sealed.key_id(), Some(&*own));
    let mut sentences = Vec::new();
    for other in [&others, &by_default, &missing] {
        let refused = encrypt(&client, other).await.unwrap_err();
        assert_eq!(refused.code(), Some("AccessDeniedException"), "{other}");
        sentences.push(refused.message().unwrap().replace(&**other, "KEY"));
    }
    let who = format!("arn:aws:sts::{ACCOUNT}:assumed-role/encrypts/pod");
    let sentence =
        format!("User: {who} is not authorized to perform: kms:Encrypt on resource: KEY");
    assert!(sentences[0].starts_with(&sentence), "{}", sentences[0]);
    // Only to encrypt.
    let blob = sealed.ciphertext_blob().unwrap().clone();
    let refused = client.decrypt().ciphertext_blob(blob).send().await;
    assert_eq!(code(refused), "AccessDeniedException");
    let refused = client.disable_key().key_id(&own).send().await;
    assert_eq!(code(refused), "AccessDeniedException");
    // And not where the session's own policy says nothing of it.
    let limit = json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}})
    .to_string();
    let token = issuer.token(&issuer.claims());
    let limited = sts(
        None,
        "AssumeRoleWithWebIdentity",
        &[
            ("RoleArn", &*role_arn),
            ("RoleSessionName", "pod"),
            ("WebIdentityToken", &token),
            ("Policy", &limit),
        ],
    );
    let limited = sdk(&limited.credentials());
    assert_eq!(code(encrypt(&limited, &own).await), "AccessDeniedException");
}

/// A key whose policy lets its account, and if it is said, a role do something; answers its ARN.
fn key(lets: Option<(&str, &str)>) -> String {
    let account = json!({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"});
    let mut statements = vec![account];
    statements.extend(lets.map(|(role, action)| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        json!({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": action, "Resource": "*"})
    }));
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let made = kms(
        &root(),
        "TrentService.CreateKey",
        &json!({"Policy": policy}),
    );
    let made: Value = serde_json::from_str(&made.text).unwrap();
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

/// An SDK client with temporary credentials.
fn sdk(caller: &Caller) -> Client {
    let (id, secret) = (caller.id.clone(), caller.secret.clone());
    let credentials = Credentials::new(id, secret, caller.token.clone(), None, "STS");
    let config = HOUSE.dev.client().config().to_builder();
    Client::from_conf(config.credentials_provider(credentials).build())
}
