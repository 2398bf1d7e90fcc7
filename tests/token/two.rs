//! Two tokens of one module in one process: what happens to one does not stop the other.

use crate::support::{LABEL, Sandbox, isolated, module};
use secrecy::{ExposeSecret, SecretSlice};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use strongroom::model::{KeySpec, KeyUsage};
use strongroom::token::{KeyRef, Token, TokenErrorClass, TokenSelector, TokenStatus};
use uuid::Uuid;

const OTHER: &str = "strongroom-other";
const PATIENCE: Duration = Duration::from_secs(20);

fn open(sandbox: &Sandbox, label: &str) -> Token {
    let mut config = sandbox.config();
    config.select = TokenSelector::Label(label.into());
    Token::open(config).unwrap()
}

async fn ready(sandbox: &Sandbox, label: &str) -> Token {
    let token = open(sandbox, label);
    token.wait_ready(PATIENCE).await.unwrap();
    token
}

/// Where SoftHSM keeps the token that `provision` makes.
fn folder_of(sandbox: &Sandbox, provision: impl Fn()) -> PathBuf {
    let folders = || {
        let entries = std::fs::read_dir(&sandbox.tokens).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.collect::<Vec<_>>()
    };
    let before = folders();
    provision();
    let new = folders().into_iter().find(|path| !before.contains(path));
    new.unwrap()
}

async fn aes(token: &Token) -> KeyRef {
    let (version, spec) = (Uuid::new_v4(), KeySpec::SymmetricDefault);
    let usage = KeyUsage::EncryptDecrypt;
    let made = token.generate(version, "a test key", spec, usage).await;
    made.unwrap();
    KeyRef::new(version, spec, usage, None)
}

fn secret(bytes: &[u8]) -> SecretSlice<u8> {
    SecretSlice::from(bytes.to_vec())
}

async fn round_trip(token: &Token, key: &KeyRef) {
    let sealed = token.seal(key, vec![], secret(b"x")).await.unwrap();
    let opened = token.unseal(key, sealed.iv, vec![], sealed.ciphertext);
    assert_eq!(opened.await.unwrap().unwrap().expose_secret(), b"x");
}

/// Uses `token` without a pause; answers how often, once told to stop.
fn used_meanwhile(
    token: &Token,
    key: &KeyRef,
    stop: &Arc<AtomicBool>,
) -> std::thread::JoinHandle<u32> {
    let (token, key, stop) = (token.clone(), key.clone(), stop.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        let mut times = 0;
        while !stop.load(Ordering::Relaxed) {
            runtime.block_on(round_trip(&token, &key));
            times += 1;
        }
        times
    })
}

#[test]
fn each_has_its_own_keys_and_closing_one_leaves_the_other() {
    isolated(
        "two::each_has_its_own_keys_and_closing_one_leaves_the_other",
        |sandbox| async move {
            sandbox.provision();
            sandbox.provision_as(OTHER);
            let (one, two) = (ready(&sandbox, LABEL).await, ready(&sandbox, OTHER).await);
            let (first, second) = (aes(&one).await, aes(&two).await);
            let (_, _) = tokio::join!(round_trip(&one, &first), round_trip(&two, &second));
            let error = one.seal(&second, vec![], secret(b"x")).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::NoSuchObject);
            two.close().await;
            round_trip(&one, &first).await;
            assert_eq!(one.stats().epoch, 1);
            // And back beside it.
            let two = ready(&sandbox, OTHER).await;
            round_trip(&two, &second).await;
            one.close().await;
            round_trip(&two, &second).await;
            two.close().await;
        },
    );
}

#[test]
fn one_that_is_lost_comes_back_while_the_other_is_in_use() {
    isolated(
        "two::one_that_is_lost_comes_back_while_the_other_is_in_use",
        |sandbox| async move {
            sandbox.provision();
            let folder = folder_of(&sandbox, || assert!(sandbox.provision_as(OTHER)));
            let away = sandbox.tokens.with_extension("away");
            let (one, two) = (ready(&sandbox, LABEL).await, ready(&sandbox, OTHER).await);
            let (first, second) = (aes(&one).await, aes(&two).await);
            let stop = Arc::new(AtomicBool::new(false));
            let user = used_meanwhile(&one, &first, &stop);

            std::fs::rename(&folder, &away).unwrap();
            let error = two.seal(&second, vec![], secret(b"x")).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::TokenLost, "{error}");
            tokio::time::sleep(Duration::from_millis(1500)).await;
            assert!(matches!(two.status(), TokenStatus::Away(_)));
            assert!(matches!(one.status(), TokenStatus::Ready { .. }));
            std::fs::rename(&away, &folder).unwrap();
            two.wait_ready(PATIENCE).await.unwrap();
            round_trip(&two, &second).await;

            stop.store(true, Ordering::Relaxed);
            // It panics at the first error.
            assert!(user.join().unwrap() > 10);
            assert!(one.stats().epoch > 1, "the module was not initialised anew");
            one.close().await;
            two.close().await;
        },
    );
}

#[test]
fn both_come_back_when_both_are_lost() {
    isolated(
        "two::both_come_back_when_both_are_lost",
        |sandbox| async move {
            sandbox.provision();
            sandbox.provision_as(OTHER);
            let (one, two) = (ready(&sandbox, LABEL).await, ready(&sandbox, OTHER).await);
            let (first, second) = (aes(&one).await, aes(&two).await);
            let away = sandbox.tokens.with_extension("away");
            std::fs::rename(&sandbox.tokens, &away).unwrap();
            assert!(one.ping().await.is_err());
            assert!(two.ping().await.is_err());
            tokio::time::sleep(Duration::from_millis(500)).await;
            std::fs::rename(&away, &sandbox.tokens).unwrap();
            one.wait_ready(PATIENCE).await.unwrap();
            two.wait_ready(PATIENCE).await.unwrap();
            round_trip(&one, &first).await;
            round_trip(&two, &second).await;
            one.close().await;
            two.close().await;
        },
    );
}

#[test]
fn one_that_is_not_there_yet_does_not_keep_disturbing_the_other() {
    isolated(
        "two::one_that_is_not_there_yet_does_not_keep_disturbing_the_other",
        |sandbox| async move {
            sandbox.provision();
            let one = ready(&sandbox, LABEL).await;
            let first = aes(&one).await;
            let two = open(&sandbox, OTHER);
            let until = Instant::now() + Duration::from_secs(4);
            while Instant::now() < until {
                round_trip(&one, &first).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // At once, after 1 and after 3 seconds; its own attempts are many more.
            let epochs = one.stats().epoch;
            assert!((2..=5).contains(&epochs), "{epochs} epochs");
            // Another process makes it; its own knowledge is from C_Initialize.
            let made = Command::new("softhsm2-util")
                .args(["--init-token", "--free", "--label", OTHER])
                .args(["--so-pin", "so-pin-5678", "--pin", "1234-user"])
                .arg("--module")
                .arg(module())
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            let until = Instant::now() + PATIENCE;
            while two.ping().await.is_err() {
                assert!(Instant::now() < until, "{:?}", two.status());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            round_trip(&one, &first).await;
            one.close().await;
            two.close().await;
        },
    );
}

#[test]
fn a_token_has_one_user_whatever_pin_the_second_has() {
    isolated(
        "two::a_token_has_one_user_whatever_pin_the_second_has",
        |sandbox| async move {
            let one = sandbox.token().await;
            let mut config = sandbox.config();
            config.pin = "not the pin".to_owned().into();
            let two = Token::open(config).unwrap();
            let error = two.wait_ready(PATIENCE).await.unwrap_err();
            assert_eq!(error.class, TokenErrorClass::Operator);
            assert!(error.detail.contains("already uses"), "{error}");
            one.ping().await.unwrap();
            two.close().await;
            one.ping().await.unwrap();
            assert_eq!(one.stats().epoch, 1);
            one.close().await;
        },
    );
}
