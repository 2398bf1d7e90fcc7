//! Whoever makes up access keys reaches neither database nor token beyond the rate of their address,
//! and keeps nobody else from being served.

use super::peer::{Keys, Peer};
use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

const GUESSES: usize = 10_000;
const GUESSERS: usize = 16;
/// Users whom the gateway has not seen yet.
const NEWCOMERS: usize = 8;

/// How often access keys were looked for in the database.
async fn lookups() -> i64 {
    // Sessions send their statistics with a delay.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    number(
        "select idx_scan from pg_stat_user_indexes \
         where indexrelname = 'access_key_access_key_id_key'",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_guesses_cost_hardly_anything() {
    let mut newcomers = Vec::new();
    for n in 0..NEWCOMERS {
        newcomers.push(user(&format!("newcomer-{n}")).await);
    }
    let known = root();
    known.done("TrentService.ListKeys", json!({})).await;
    let before = lookups().await;
    let begun = Instant::now();

    let (next, throttled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let over = Arc::new(AtomicBool::new(false));
    let guessers: Vec<_> = (0..GUESSERS)
        .map(|_| {
            let (next, throttled) = (next.clone(), throttled.clone());
            tokio::spawn(async move {
                let mut peer = Peer::from("127.0.0.9").await;
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= GUESSES {
                        return;
                    }
                    let made_up = Keys {
                        id: format!("AKIAGUESS{n:011}"),
                        secret: "made-up".into(),
                    };
                    let answer = peer
                        .ask(&made_up, "TrentService.ListKeys", &json!({}))
                        .await;
                    match answer.code() {
                        "ThrottlingException" => throttled.fetch_add(1, Ordering::Relaxed),
                        "UnrecognizedClientException" => 0,
                        _ => panic!("{}", answer.body),
                    };
                }
            })
        })
        .collect();
    // Whom the gateway knows, all the time; and whom it does not, for the first time.
    let served = {
        let (known, over) = (known.clone(), over.clone());
        tokio::spawn(async move {
            let (mut peer, mut served) = (Peer::from("127.0.0.2").await, 0);
            while !over.load(Ordering::Relaxed) {
                let answer = peer.ask(&known, "TrentService.ListKeys", &json!({})).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                served += 1;
            }
            served
        })
    };
    for (n, newcomer) in newcomers.iter().enumerate() {
        let mut peer = Peer::from(&format!("127.0.0.{}", 20 + n)).await;
        let answer = peer
            .ask(newcomer, "TrentService.ListKeys", &json!({}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    for guesser in guessers {
        guesser.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let served: usize = served.await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();

    // 2 a second, and 10 at once.
    let may = 10 + (2.0 * seconds).ceil() as usize + 1;
    let unrecognized = GUESSES - throttled.load(Ordering::Relaxed);
    assert!(unrecognized <= may, "{unrecognized} in {seconds} s");
    // Each newcomer once, and the user of the root's account who makes changes meanwhile is locked.
    let looked_up = usize::try_from(lookups().await - before).unwrap();
    let others = NEWCOMERS + 200; // the tests beside this one make changes, which lock the caller's key
    assert!(
        looked_up <= may + others,
        "{looked_up} lookups in {seconds} s"
    );
    assert!(served > 20, "{served}");
    println!(
        "{GUESSES} guesses in {seconds:.1} s: {unrecognized} looked at, {looked_up} lookups, {served} \
         requests of another served"
    );
}

#[tokio::test]
async fn wrong_signatures_of_a_known_key_do_not_lock_it_out() {
    let known = root();
    let forged = Keys {
        secret: "made-up".into(),
        ..known.clone()
    };
    let mut peer = Peer::from("127.0.0.10").await;
    let mut codes = Vec::new();
    for _ in 0..60 {
        let answer = peer.ask(&forged, "TrentService.ListKeys", &json!({})).await;
        codes.push(answer.code().to_owned());
    }
    assert_eq!(codes[0], "InvalidSignatureException");
    assert!(
        codes.iter().any(|code| code == "ThrottlingException"),
        "{codes:?}"
    );
    // The same address, with the right secret; and somebody else.
    let answer = peer.ask(&known, "TrentService.ListKeys", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(metric("strongroom_throttled_total{quota=\"address\"}").await >= 1.0);
}
