//! Promise 2: a result computed on what has since been revoked is withheld.

use crate::dev::SHARED;
use aws_sdk_kms::primitives::Blob;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An answer is on its way for a moment after it was given, and longer where the tests beside this one
/// have the processors; what arrives later was given later. `tests/store/fence.rs` compares the commits.
const ON_THE_WAY: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_success_is_answered_after_disable_keys_own_answer() {
    let client = SHARED.client();
    for round in 0..5 {
        let made = client.create_key().send().await.unwrap();
        let id = made.key_metadata().unwrap().key_id().to_owned();
        let disabled: Arc<std::sync::OnceLock<Instant>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let successes = Arc::new(AtomicU64::new(0));
        let hammers: Vec<_> = (0..8)
            .map(|_| {
                let (id, disabled, stop, successes) = (
                    id.clone(),
                    disabled.clone(),
                    stop.clone(),
                    successes.clone(),
                );
                tokio::spawn(async move {
                    let client = SHARED.client();
                    let mut late = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let sent = Instant::now();
                        let call = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
                        if call.send().await.is_ok() {
                            successes.fetch_add(1, Ordering::Relaxed);
                            let received = Instant::now();
                            if let Some(at) = disabled.get() {
                                let too_late = sent >= *at || received > *at + ON_THE_WAY;
                                late += u64::from(too_late);
                            }
                        }
                    }
                    late
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        client.disable_key().key_id(&id).send().await.unwrap();
        disabled.set(Instant::now()).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::Relaxed);
        let mut late = 0;
        for hammer in hammers {
            late += hammer.await.unwrap();
        }
        assert!(
            successes.load(Ordering::Relaxed) > 50,
            "the hammer did not hit"
        );
        assert_eq!(
            late, 0,
            "round {round}: successes after DisableKey was answered"
        );
    }
}
