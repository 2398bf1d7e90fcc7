//! `strongroom dev` and `strongroom init` where they could stumble.

#[allow(dead_code)] // each test process uses a part
#[path = "support/dev.rs"]
mod dev;

use aws_sdk_kms::primitives::Blob;
use dev::{Dev, scratch};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

fn strongroom(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(arguments)
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_long_path_in_a_closed_folder() {
    let root = scratch();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o700)).unwrap();
    let dir = root.join("a path longer than a socket's".repeat(6));
    std::fs::create_dir(&dir).unwrap();
    let dev = Dev::start(
        &dir,
        &["--region", "eu-north-1", "--account-id", "111122223333"],
    );
    let made = dev.client().create_key().send().await.unwrap();
    let arn = made.key_metadata().unwrap().arn().unwrap().to_owned();
    assert!(
        arn.starts_with("arn:aws:kms:eu-north-1:111122223333:key/"),
        "{arn}"
    );
    for (file, mode) in [("env", 0o600), ("pin", 0o600), ("strongroom.toml", 0o600)] {
        let found = std::fs::metadata(dir.join(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(found, mode, "{file}");
    }
    dev.stop();
    std::fs::remove_dir_all(root).unwrap();
}

#[tokio::test]
async fn it_comes_back_after_kill_9_with_all_it_had() {
    let dir = scratch();
    let dev = Dev::start_and_keep(&dir, &[]);
    let client = dev.client();
    let made = client.create_key().send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("kept"))
        .send()
        .await
        .unwrap();
    let blob = sealed.ciphertext_blob().unwrap().clone();

    let second = strongroom(&[
        "dev",
        "--data-dir",
        dir.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another `strongroom dev` runs on"), "{said}");

    let line = format!(".*strongroom dev --data-dir {} .*", dir.display());
    let killed = Command::new("pkill")
        .args(["-9", "-x", "-f", &line])
        .status()
        .unwrap();
    assert!(killed.success());
    dev.stop();
    let dev = Dev::start(&dir, &[]);
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    assert!(
        log.contains("Postgres of an earlier run still runs"),
        "{log}"
    );
    let opened = dev
        .client()
        .decrypt()
        .ciphertext_blob(blob)
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"kept");
    dev.stop();
}

#[tokio::test]
async fn two_who_initialise_at_once_agree() {
    let dir = scratch();
    let dev = Dev::start(&dir, &[]);
    let init = || {
        Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(["init", "--account-id", "444455556666", "--config"])
            .arg(dir.join("strongroom.toml"))
            .env("SOFTHSM2_CONF", dir.join("softhsm2.conf"))
            .env("RUST_LOG", "error")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let outputs = [init(), init()].map(|child| child.wait_with_output().unwrap());
    let texts = outputs.each_ref().map(|output| {
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    let shown: Vec<&String> = texts
        .iter()
        .filter(|text| text.contains("SECRET_ACCESS_KEY"))
        .collect();
    assert_eq!(shown.len(), 1, "one root access key, shown once: {texts:?}");
    let value = |name: &str| {
        let line = shown[0].lines().find(|line| line.contains(name)).unwrap();
        line.split_once('=').unwrap().1.to_owned()
    };
    let client = dev.client_of(&value("AWS_ACCESS_KEY_ID"), &value("AWS_SECRET_ACCESS_KEY"));
    assert!(
        client.list_keys().send().await.unwrap().keys().is_empty(),
        "an account of its own"
    );
    dev.stop();
}

#[tokio::test]
async fn a_cluster_that_was_cut_off_in_the_making_is_made_again() {
    let dir = scratch();
    Dev::start_and_keep(&dir, &[]).stop();
    // As kill -9 during initdb leaves it: part of a cluster, under its first name.
    let base = dir.join("postgres").canonicalize().unwrap();
    std::fs::rename(base.join("data"), base.join("data.unfinished")).unwrap();
    std::fs::remove_file(base.join("data.unfinished/global/pg_control")).unwrap();
    let dev = Dev::start(&dir, &[]);
    dev.client().create_key().send().await.unwrap();
    dev.stop();
}
