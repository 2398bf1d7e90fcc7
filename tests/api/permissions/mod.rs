//! Who may do what: policies and grants in use, in one account and from one to another.

mod across;
mod conditions;
mod grants;
mod identities;

use crate::dev::SHARED;
use crate::who::{Answer, Who};
use serde_json::{Value, json};

const DENIED: &str = "AccessDeniedException";

/// The root of an account of the test's own.
fn account() -> Who {
    Who::root(&SHARED).account()
}

fn allow(who: &str, actions: Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": who}, "Action": actions, "Resource": "*"})
}

/// A key policy that lets the account do everything, and what else is said.
fn key_policy(account: &str, others: &[Value]) -> String {
    let mut statements = vec![allow(account, json!("kms:*"))];
    statements.extend(others.iter().cloned());
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// An identity's policy that allows actions, under a condition.
fn allowing(actions: Value, condition: Value) -> String {
    let statement =
        json!({"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition});
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

/// A key; its ARN.
fn key(owner: &Who, parameters: &Value) -> String {
    let made = owner.kms("CreateKey", parameters).ok();
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

fn put_key_policy(owner: &Who, key: &str, policy: &str) {
    let put = json!({
        "KeyId": key, "Policy": policy, "BypassPolicyLockoutSafetyCheck": true,
    });
    owner.kms("PutKeyPolicy", &put).ok();
}

/// Whether a request was not denied: it may have failed otherwise.
fn allowed(answer: &Answer) -> bool {
    let code = answer.code();
    let before = ["ValidationException", "SerializationException"];
    assert!(
        answer.status < 500 && !before.contains(&&*code),
        "{answer:?}"
    );
    code != DENIED
}

#[test]
fn the_sentences() {
    let root = account();
    let deny = |actions: Value| {
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": actions, "Resource": "*"},
            ],
        })
        .to_string()
    };
    let arn = key(&root, &json!({}));
    let describe = |who: &Who| who.kms("DescribeKey", &json!({"KeyId": arn}));
    let begins = |who: &Who| {
        format!(
            "User: {} is not authorized to perform: kms:DescribeKey on resource: {arn} ",
            who.arn
        )
    };
    let said = |who: &Who, why: &str| {
        let answer = describe(who);
        assert_eq!((answer.status, &*answer.code()), (400, DENIED));
        assert_eq!(answer.message(), begins(who) + why);
    };
    let user = root.user(None);
    said(
        &user,
        "because no identity-based policy allows the kms:DescribeKey action",
    );
    root.put_policy(&user, crate::who::ALL);
    describe(&user).ok();
    root.put_policy(&user, &deny(json!("kms:Describe*")));
    said(&user, "with an explicit deny in an identity-based policy");
    let role = root.role(crate::who::ALL);
    root.put_policy(&user, crate::who::ALL);
    describe(&user.assume(&role, None)).ok();
    let narrow = allowing(json!("kms:Encrypt"), json!({}));
    let session = user.assume(&role, Some(&narrow));
    said(
        &session,
        "because no session policy allows the kms:DescribeKey action",
    );
    let session = user.assume(&role, Some(&deny(json!("kms:DescribeKey"))));
    said(&session, "with an explicit deny in a session policy");
    // A policy that leaves nothing to the account.
    let own = json!({"Version": "2012-10-17", "Statement": allow(&user.arn, json!("kms:*"))});
    put_key_policy(&root, &arn, &own.to_string());
    describe(&user).ok();
    said(
        &root,
        "because no resource-based policy allows the kms:DescribeKey action",
    );
    let denied = json!({
        "Effect": "Deny", "Principal": "*", "Action": "kms:Describe*", "Resource": "*",
    });
    let statements = json!([allow(&user.arn, json!("kms:*")), denied]);
    let own = json!({"Version": "2012-10-17", "Statement": statements});
    put_key_policy(&user, &arn, &own.to_string());
    said(&user, "with an explicit deny in a resource-based policy");
}

/// Who may not do something is not told whether it is there, in their own account either.
#[test]
fn what_is_missing_is_missing_only_for_who_might() {
    let root = account();
    let user = root.user(None);
    let nobody = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000";
    let nobody = nobody.replace("000000000000:key", &format!("{}:key", root.account));
    let describe = |who: &Who, key: &str| who.kms("DescribeKey", &json!({"KeyId": key}));
    assert_eq!(describe(&root, &nobody).code(), "NotFoundException");
    let there = key(&root, &json!({}));
    let (missing, denied) = (describe(&user, &nobody), describe(&user, &there));
    assert_eq!(denied.code(), DENIED);
    assert_eq!(missing.text.replace(&nobody, &there), denied.text);
}

/// A policy takes effect with the answer of the request that puts it there.
#[test]
fn permissions_come_and_go_at_once() {
    let root = account();
    let user = root.user(None);
    let arn = key(&root, &json!({}));
    let describe = || allowed(&user.kms("DescribeKey", &json!({"KeyId": arn})));
    for _ in 0..20 {
        assert!(!describe());
        root.put_policy(&user, crate::who::ALL);
        assert!(describe());
        put_key_policy(
            &root,
            &arn,
            &key_policy(
                &root.arn,
                &[json!({
                    "Effect": "Deny", "Principal": {"AWS": user.arn}, "Action": "kms:*", "Resource": "*",
                })],
            ),
        );
        assert!(!describe());
        put_key_policy(&root, &arn, &key_policy(&root.arn, &[]));
        assert!(describe());
        let delete = json!({"UserName": user.name(), "PolicyName": "p"});
        root.own("DeleteUserPolicy", &delete).ok();
    }
}
