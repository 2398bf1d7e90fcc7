//! A token that is full, slow, gone, locked or not there at all.

use crate::support::isolated;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::time::{Duration, Instant};
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
                    config.deadline = Duration::from_millis(200);
                })
                .await;
            // One generation holds the only read-write session for a while.
            let slow = |version| {
                let (spec, usage) = (KeySpec::Rsa4096, KeyUsage::SignVerify);
                token.generate(version, "slow", spec, usage)
            };
            let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
            let (first, second, rest) = tokio::join!(slow(one), slow(two), async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let late = token.object_ids();
                let waiting = token.destroy(Uuid::new_v4());
                let more = async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    token.destroy(Uuid::new_v4()).await
                };
                let (_, waiting, more) = tokio::join!(late, waiting, more);
                (waiting, more)
            });
            first.unwrap();
            second.unwrap();
            let classes = [rest.0.unwrap_err().class, rest.1.unwrap_err().class];
            assert!(classes.contains(&TokenErrorClass::Busy), "{classes:?}");
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
