//! Promise 2 for permissions: a result computed under a permission that has since been taken away is
//! withheld, by every gateway.

use crate::dev::{Dev, SHARED};
use crate::gateway::{Gateway, Settings};
use crate::who::{ALL, Who};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// An answer is on its way for a moment after it was given, on a busy machine for a longer one. What
/// is sent later must fail in any case.
const ON_THE_WAY: Duration = Duration::from_millis(100);

/// How long both gateways may take to allow something often.
const PATIENCE: Duration = Duration::from_secs(20);

/// A user's clients, of both gateways.
fn clients(user: &Who, other: &Gateway, dev: &Dev) -> [Client; 2] {
    let here = dev.client_of(&user.id, &user.secret);
    let there = here.config().to_builder().endpoint_url(other.address());
    [here.clone(), Client::from_conf(there.build())]
}

/// Encrypts as fast as it goes with both gateways, and takes the permission away meanwhile: not one
/// success is given after that was answered.
async fn none_after(key: &str, clients: &[Client; 2], take_away: impl FnOnce()) {
    let over: Arc<OnceLock<Instant>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let successes: [Arc<AtomicU64>; 2] = Default::default();
    let hammers: Vec<_> = (0..8)
        .map(|at| {
            let (client, count) = (clients[at % 2].clone(), successes[at % 2].clone());
            let (key, over, stop) = (key.to_owned(), over.clone(), stop.clone());
            tokio::spawn(async move {
                let mut late = 0;
                while !stop.load(Ordering::Relaxed) {
                    let sent = Instant::now();
                    let encrypt = client.encrypt().key_id(&key).plaintext(Blob::new("x"));
                    match encrypt.send().await {
                        Ok(_) => {
                            count.fetch_add(1, Ordering::Relaxed);
                            let received = Instant::now();
                            let too_late =
                                |at: &Instant| sent >= *at || received > *at + ON_THE_WAY;
                            late += u64::from(over.get().is_some_and(too_late));
                        }
                        // Access keys that a gateway does not know yet are looked up two at a time.
                        Err(error) => assert!(
                            matches!(
                                error.code(),
                                Some("AccessDeniedException" | "ThrottlingException")
                            ),
                            "{error:?}"
                        ),
                    }
                }
                late
            })
        })
        .collect();
    let begun = Instant::now();
    let hit = |count: &Arc<AtomicU64>| count.load(Ordering::Relaxed) > 20;
    while !successes.iter().all(hit) {
        assert!(begun.elapsed() < PATIENCE, "the hammer did not hit");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::task::block_in_place(take_away);
    over.set(Instant::now()).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let mut late = 0;
    for hammer in hammers {
        late += hammer.await.unwrap();
    }
    assert_eq!(late, 0, "successes after the permission was taken away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_allowed_is_withheld_once_it_is_not() {
    let dev = &*SHARED;
    let other = Settings::default().serve(dev);
    let root = tokio::task::block_in_place(|| Who::root(dev).account());
    let made = tokio::task::block_in_place(|| root.kms("CreateKey", &json!({})).ok());
    let key = made["KeyMetadata"]["Arn"].as_str().unwrap();
    let user = tokio::task::block_in_place(|| root.user(None));
    let clients = clients(&user, &other, dev);
    // A grant.
    let grant = json!({
        "KeyId": key, "Operations": ["Encrypt"], "GranteePrincipal": user.arn,
    });
    for _ in 0..3 {
        let made = tokio::task::block_in_place(|| root.kms("CreateGrant", &grant).ok());
        none_after(key, &clients, || {
            let revoke = json!({"KeyId": key, "GrantId": made["GrantId"]});
            root.kms("RevokeGrant", &revoke).ok();
        })
        .await;
    }
    // The user's own policy.
    tokio::task::block_in_place(|| root.put_policy(&user, ALL));
    none_after(key, &clients, || {
        let delete = json!({"UserName": user.name(), "PolicyName": "p"});
        root.own("DeleteUserPolicy", &delete).ok();
    })
    .await;
    // The key's.
    let policy = |effect: &str| {
        let statements = json!([
            {"Effect": "Allow", "Principal": {"AWS": root.account}, "Action": "kms:*", "Resource": "*"},
            {"Effect": effect, "Principal": {"AWS": user.arn}, "Action": "kms:*", "Resource": "*"},
        ]);
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let put = json!({"KeyId": key, "Policy": policy});
        root.kms("PutKeyPolicy", &put).ok();
    };
    tokio::task::block_in_place(|| policy("Allow"));
    none_after(key, &clients, || policy("Deny")).await;
    // What the key is called: it must not be, and it must be.
    let name = format!("alias/{}", Uuid::new_v4());
    let called = |effect: &str| {
        let to = |effect: &str, who: &str| json!({"Effect": effect, "Principal": {"AWS": who}, "Action": "kms:*", "Resource": "*"});
        let mut used = vec![to("Allow", &root.account), to(effect, &user.arn)];
        used[1]["Condition"] = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": name}});
        if effect == "Deny" {
            used.push(to("Allow", &user.arn));
        }
        let policy = json!({"Version": "2012-10-17", "Statement": used}).to_string();
        let put = json!({"KeyId": key, "Policy": policy});
        root.kms("PutKeyPolicy", &put).ok();
    };
    tokio::task::block_in_place(|| called("Deny"));
    none_after(key, &clients, || {
        let create = json!({"AliasName": name, "TargetKeyId": key});
        root.kms("CreateAlias", &create).ok();
    })
    .await;
    tokio::task::block_in_place(|| called("Allow"));
    none_after(key, &clients, || {
        let other = root.kms("CreateKey", &json!({})).ok();
        let other = &other["KeyMetadata"]["KeyId"];
        let update = json!({"AliasName": name, "TargetKeyId": other});
        root.kms("UpdateAlias", &update).ok();
    })
    .await;
    other.kill();
}

/// What one gateway has granted, the other allows by the token at once, and without it soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_grant_is_good_with_every_gateway() {
    let dev = &*SHARED;
    let other = Settings::default().serve(dev);
    let root = tokio::task::block_in_place(|| Who::root(dev).account());
    let made = tokio::task::block_in_place(|| root.kms("CreateKey", &json!({})).ok());
    let key = made["KeyMetadata"]["Arn"].as_str().unwrap();
    for round in 0..10 {
        let user = tokio::task::block_in_place(|| root.user(None));
        let [_, there] = clients(&user, &other, dev);
        let describe = || there.describe_key().key_id(key);
        // That there is no grant is remembered there.
        describe().send().await.unwrap_err();
        let grant = json!({
            "KeyId": key, "Operations": ["DescribeKey"], "GranteePrincipal": user.arn,
        });
        let made = tokio::task::block_in_place(|| root.kms("CreateGrant", &grant).ok());
        let token = made["GrantToken"].as_str().unwrap();
        let named = describe().grant_tokens(token).send().await;
        assert!(named.is_ok(), "round {round}: {named:?}");
        let begun = Instant::now();
        while describe().send().await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(2), "round {round}");
        }
    }
    other.kill();
}
