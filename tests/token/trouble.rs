//! A token that is full, slow, gone, locked or not there at all.

use crate::support::isolated;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::time::{Duration, Instant};
use strongroom::metrics;
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::token::{KeyRef, Token, TokenErrorClass, TokenStatus};
use uuid::Uuid;

async fn aes(token: &Token) -> KeyRef {
    let version = Uuid::new_v4();
    let (spec, usage) = (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
    token
        .generate(version, "a test key", spec, usage)
        .await
        .unwrap();
    KeyRef::new(version, spec, usage, None)
}

fn has_counted(token: &Token, what: &str) {
    let text = metrics::text(token.metrics());
    let line = format!("\nstrongroom_token_{what}\n");
    assert!(text.contains(&line), "{line}{text}");
}

fn secret(bytes: &[u8]) -> SecretSlice<u8> {
    SecretSlice::from(bytes.to_vec())
}

#[test]
fn a_token_that_goes_away_comes_back_without_a_restart() {
    isolated(
        "trouble::a_token_that_goes_away_comes_back_without_a_restart",
        |sandbox| async move {
            let token = sandbox.token().await;
            let key = aes(&token).await;
            let sealed = token.seal(&key, vec![], secret(b"kept")).await.unwrap();
            let away = sandbox.tokens.with_extension("away");
            for round in 1..=2 {
                std::fs::rename(&sandbox.tokens, &away).unwrap();
                let started = Instant::now();
                let error = token.seal(&key, vec![], secret(b"x")).await.unwrap_err();
                assert_eq!(error.class, TokenErrorClass::TokenLost, "{error}");
                let error = token
                    .unseal(&key, sealed.iv, vec![], sealed.ciphertext.clone())
                    .await
                    .unwrap_err();
                assert_eq!(error.class, TokenErrorClass::TokenLost, "{error}");
                let error = token.ping().await.unwrap_err();
                assert_eq!(error.class, TokenErrorClass::TokenLost, "{error}");
                assert!(started.elapsed() < Duration::from_secs(2));
                tokio::time::sleep(Duration::from_millis(700)).await;
                assert!(
                    matches!(token.status(), TokenStatus::Away(_)),
                    "{:?}",
                    token.status()
                );
                std::fs::rename(&away, &sandbox.tokens).unwrap();
                token.wait_ready(Duration::from_secs(10)).await.unwrap();
                let opened = token
                    .unseal(&key, sealed.iv, vec![], sealed.ciphertext.clone())
                    .await
                    .unwrap();
                assert_eq!(opened.unwrap().expose_secret(), b"kept");
                assert_eq!(token.stats().epoch, round + 1);
                has_counted(&token, &format!("openings_total {}", round + 1));
            }
            token.close().await;
            assert!(token.ping().await.is_err());
        },
    );
}

#[test]
fn a_token_that_goes_away_is_missed_without_a_request() {
    isolated(
        "trouble::a_token_that_goes_away_is_missed_without_a_request",
        |sandbox| async move {
            let token = sandbox.token().await;
            std::fs::rename(&sandbox.tokens, sandbox.tokens.with_extension("away")).unwrap();
            tokio::time::sleep(Duration::from_millis(2500)).await;
            assert!(matches!(token.status(), TokenStatus::Away(_)));
            token.close().await;
        },
    );
}

#[test]
fn an_absent_token_is_waited_for() {
    isolated(
        "trouble::an_absent_token_is_waited_for",
        |sandbox| async move {
            sandbox.provision();
            let away = sandbox.tokens.with_extension("away");
            std::fs::rename(&sandbox.tokens, &away).unwrap();
            let token = Token::open(sandbox.config()).unwrap();
            let error = token
                .wait_ready(Duration::from_millis(500))
                .await
                .unwrap_err();
            assert_ne!(error.class, TokenErrorClass::Bug, "{error}");
            assert!(token.ping().await.is_err());
            std::fs::rename(&away, &sandbox.tokens).unwrap();
            let until = Instant::now() + Duration::from_secs(10);
            while token.ping().await.is_err() {
                assert!(Instant::now() < until, "{:?}", token.status());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            token.close().await;
        },
    );
}

#[test]
fn an_absent_module_is_away() {
    isolated("trouble::an_absent_module_is_away", |sandbox| async move {
        let mut config = sandbox.config();
        config.module = sandbox.tokens.join("nothing.so");
        let token = Token::open(config).unwrap();
        let error = token
            .wait_ready(Duration::from_millis(400))
            .await
            .unwrap_err();
        assert_eq!(error.class, TokenErrorClass::TokenLost);
        token.close().await;
    });
}

#[test]
fn a_full_queue_is_busy_and_a_late_answer_a_deadline() {
    isolated(
        "trouble::a_full_queue_is_busy_and_a_late_answer_a_deadline",
        |sandbox| async move {
            let token = sandbox
                .token_with(|config| {
                    config.queue_length = 2;
                    config.deadline = Duration::from_millis(20);
                })
                .await;
            // Two generations: one holds the only read-write session, one waits.
            let slow = || {
                let (spec, usage) = (KeySpec::Rsa4096, KeyUsage::SignVerify);
                token.generate(Uuid::new_v4(), "slow", spec, usage)
            };
            let (one, two, (waited, refused)) = tokio::join!(slow(), slow(), async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                tokio::join!(token.destroy(Uuid::new_v4()), token.destroy(Uuid::new_v4()))
            });
            one.unwrap();
            two.unwrap();
            assert_eq!(waited.unwrap_err().class, TokenErrorClass::Deadline);
            assert_eq!(refused.unwrap_err().class, TokenErrorClass::Busy);
            for counted in [
                "errors_total{class=\"deadline\"} 1",
                "errors_total{class=\"busy\"} 1",
                "queue_wait_seconds_count{lane=\"read_write\"} 2",
                "ready 1",
            ] {
                has_counted(&token, counted);
            }
            token.close().await;
        },
    );
}

#[test]
fn a_call_that_hangs_is_counted_and_the_others_go_on() {
    isolated(
        "trouble::a_call_that_hangs_is_counted_and_the_others_go_on",
        |sandbox| async move {
            let (shim, hang) = (sandbox.shim("hang"), sandbox.hang());
            let token = sandbox
                .token_with(|config| {
                    config.module = shim;
                    config.deadline = Duration::from_millis(500);
                })
                .await;
            let key = aes(&token).await;
            has_counted(&token, "sessions 3");
            std::fs::write(&hang, "").unwrap();
            let error = token.seal(&key, vec![], secret(b"x")).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::Deadline, "{error}");
            assert!(!hang.exists(), "the module was not called");
            for counted in [
                "sessions_busy 1",
                "sessions_hung 1",
                "errors_total{class=\"deadline\"} 1",
                "ready 1",
            ] {
                has_counted(&token, counted);
            }
            for _ in 0..4 {
                token.seal(&key, vec![], secret(b"x")).await.unwrap();
            }
            has_counted(&token, "sessions_hung 1");
            std::fs::write(hang.with_extension("over"), "").unwrap();
            let until = Instant::now() + Duration::from_secs(5);
            while token.stats().hung > 0 {
                assert!(Instant::now() < until, "it has returned");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            has_counted(&token, "sessions_hung 0");
            has_counted(&token, "sessions_busy 0");
            token.close().await;
        },
    );
}

#[test]
fn a_wrong_pin_is_tried_once() {
    isolated("trouble::a_wrong_pin_is_tried_once", |sandbox| async move {
        sandbox.provision();
        let mut config = sandbox.config();
        config.pin = SecretString::from("not the pin");
        let token = Token::open(config).unwrap();
        let error = token.wait_ready(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.class, TokenErrorClass::Operator);
        assert!(error.detail.contains("CKR_PIN_INCORRECT"), "{error}");
        assert!(!error.detail.contains("not the pin"));
        token.close().await;

        // The next start, even with the right PIN, does not touch a token that counts.
        let token = Token::open(sandbox.config()).unwrap();
        let error = token.wait_ready(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.class, TokenErrorClass::Operator);
        assert!(error.detail.contains("retry_pin"), "{error}");
        token.close().await;

        let mut config = sandbox.config();
        config.retry_pin = true;
        let token = Token::open(config).unwrap();
        token.wait_ready(Duration::from_secs(5)).await.unwrap();
        token.close().await;

        let token = Token::open(sandbox.config()).unwrap();
        token.wait_ready(Duration::from_secs(5)).await.unwrap();
        token.close().await;
    });
}

#[test]
fn provisioning_twice_changes_nothing() {
    isolated(
        "trouble::provisioning_twice_changes_nothing",
        |sandbox| async move {
            assert!(sandbox.provision());
            let token = sandbox.token().await;
            let key = aes(&token).await;
            let sealed = token.seal(&key, vec![], secret(b"kept")).await.unwrap();
            token.close().await;
            assert!(!sandbox.provision());
            let token = sandbox.token().await;
            let opened = token
                .unseal(&key, sealed.iv, vec![], sealed.ciphertext)
                .await;
            assert_eq!(opened.unwrap().unwrap().expose_secret(), b"kept");
            token.close().await;
        },
    );
}

#[test]
fn dropping_the_last_handle_stops_the_threads() {
    isolated(
        "trouble::dropping_the_last_handle_stops_the_threads",
        |sandbox| async move {
            let token = sandbox.token().await;
            drop(token.clone());
            token.ping().await.unwrap();
            drop(token);
            tokio::time::sleep(Duration::from_millis(500)).await;
            let token = sandbox.token().await;
            token.ping().await.unwrap();
            token.close().await;
        },
    );
}

#[test]
fn many_callers_on_several_runtimes_get_their_own_answers() {
    isolated(
        "trouble::many_callers_on_several_runtimes_get_their_own_answers",
        |sandbox| async move {
            let token = sandbox
                .token_with(|config| config.queue_length = 1024)
                .await;
            let key = aes(&token).await;
            let caller = |number: u8| {
                let (token, key) = (token.clone(), key.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_time()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        let mut ivs = Vec::new();
                        for round in 0..250u8 {
                            let plain = [number, round];
                            let sealed = token.seal(&key, vec![number], secret(&plain)).await;
                            let sealed = sealed.unwrap();
                            ivs.push(sealed.iv);
                            let opened = token
                                .unseal(&key, sealed.iv, vec![number], sealed.ciphertext)
                                .await
                                .unwrap();
                            assert_eq!(opened.unwrap().expose_secret(), plain);
                        }
                        ivs
                    })
                })
            };
            let callers: Vec<_> = (0..8).map(caller).collect();
            let mut ivs: Vec<_> = callers
                .into_iter()
                .flat_map(|caller| caller.join().unwrap())
                .collect();
            ivs.sort_unstable();
            ivs.dedup();
            assert_eq!(ivs.len(), 2000, "an IV was used twice");
            assert_eq!(token.stats().busy, 0);
            token.close().await;
        },
    );
}

#[test]
fn closing_under_load_answers_everybody() {
    isolated(
        "trouble::closing_under_load_answers_everybody",
        |sandbox| async move {
            for _ in 0..5 {
                let token = sandbox.token().await;
                let key = aes(&token).await;
                let callers: Vec<_> = (0..4)
                    .map(|_| {
                        let (token, key) = (token.clone(), key.clone());
                        std::thread::spawn(move || {
                            let runtime = tokio::runtime::Builder::new_current_thread()
                                .enable_time()
                                .build()
                                .unwrap();
                            runtime.block_on(async {
                                loop {
                                    match token.seal(&key, vec![], secret(b"x")).await {
                                        Ok(_) => {}
                                        Err(error) => return error.class,
                                    }
                                }
                            })
                        })
                    })
                    .collect();
                tokio::time::sleep(Duration::from_millis(100)).await;
                token.close().await;
                for caller in callers {
                    assert_eq!(caller.join().unwrap(), TokenErrorClass::TokenLost);
                }
            }
        },
    );
}
