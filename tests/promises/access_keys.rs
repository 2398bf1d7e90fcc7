//! Promise 2 for who asks: what takes an access key or a policy away does so at every gateway at once.

use crate::admin::{access_key, admin};
use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// An answer is on its way for a moment after it was given, to a client that waits for its turn on a
/// busy machine; what arrives later was given later.
const ON_THE_WAY: Duration = Duration::from_millis(100);
/// So many successes at each gateway, and the hammers are at work.
const HITS: u64 = 50;
const PATIENCE: Duration = Duration::from_secs(60);

/// Encrypts until it is stopped; answers how many successes there were, and how many of them after
/// `revoked`.
async fn hammer(
    client: Client,
    id: String,
    revoked: Arc<OnceLock<Instant>>,
    stop: Arc<AtomicBool>,
    successes: Arc<AtomicU64>,
) -> u64 {
    let mut late = 0;
    while !stop.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let call = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
        if call.send().await.is_ok() {
            successes.fetch_add(1, Ordering::Relaxed);
            let received = Instant::now();
            if let Some(at) = revoked.get() {
                let too_late = sent >= *at || received > *at + ON_THE_WAY;
                late += u64::from(too_late);
            }
        }
    }
    late
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_gateway_answers_who_was_refused_at_another() {
    let dir = scratch();
    let dev = Dev::start(&dir, &[]);
    let other = Settings::default().serve(&dev);
    let made = dev.client().create_key().send().await.unwrap();
    let key = made.key_metadata().unwrap().key_id().to_owned();
    let policy = dir.join("policy.json");
    std::fs::write(
        &policy,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    )
    .unwrap();
    admin(&dev, "user create mallory");
    let put = format!("policy put --user mallory all {}", policy.display());
    for revoke in [
        "access-key disable ID --user mallory",
        "access-key delete ID --user mallory",
        "policy delete --user mallory all",
    ] {
        admin(&dev, &put);
        let (id, secret) = access_key(&dev, "mallory");
        let theirs = dev.client_of(&id, &secret);
        let config = theirs.config().to_builder();
        let there = Client::from_conf(config.endpoint_url(other.address()).build());
        let revoked = Arc::<OnceLock<Instant>>::default();
        let stop = Arc::new(AtomicBool::new(false));
        let each = [theirs, there].map(|client| {
            let successes = Arc::<AtomicU64>::default();
            let hammers: Vec<_> = (0..4)
                .map(|_| {
                    let (key, revoked) = (key.clone(), revoked.clone());
                    let (stop, successes) = (stop.clone(), successes.clone());
                    tokio::spawn(hammer(client.clone(), key, revoked, stop, successes))
                })
                .collect();
            (successes, hammers)
        });
        let begun = Instant::now();
        while each
            .iter()
            .any(|(hits, _)| hits.load(Ordering::Relaxed) < HITS)
        {
            assert!(begun.elapsed() < PATIENCE, "the hammers do not hit");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        admin(&dev, &revoke.replace("ID", &id));
        revoked.set(Instant::now()).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::Relaxed);
        for (gateway, (_, hammers)) in each.into_iter().enumerate() {
            for hammer in hammers {
                let late = hammer.await.unwrap();
                assert_eq!(late, 0, "gateway {gateway}: {revoke}");
            }
        }
        if !revoke.contains("key delete") {
            admin(&dev, &format!("access-key delete {id} --user mallory"));
        }
    }
    admin(&dev, "user delete mallory");
    other.kill();
    dev.stop();
}
