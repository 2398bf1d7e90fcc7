//! `strongroom dev` and `strongroom init` where they could stumble.

#[allow(dead_code)] // each test process uses a part
#[path = "support/dev.rs"]
mod dev;

use aws_sdk_kms::primitives::Blob;
use dev::{Dev, scratch};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

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

/// A `strongroom dev` that no failing test leaves behind.
struct Running(std::process::Child);

impl Running {
    /// Sends a signal, and waits for the end.
    fn end(&mut self, signal: &str) -> std::process::ExitStatus {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            self.end("-TERM");
        }
    }
}

/// `strongroom dev` as a shell would start it, with variables of the caller's.
fn spawn(dir: &std::path::Path, environment: &[(&str, &std::ffi::OsStr)]) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["dev", "--listen", "127.0.0.1:0", "--admin-listen"])
        .args(["127.0.0.1:0", "--data-dir"])
        .arg(dir)
        .envs(environment.iter().copied())
        .stdout(std::process::Stdio::null())
        .stderr(std::fs::File::create(dir.join("log")).unwrap())
        .spawn()
        .unwrap();
    Running(child)
}

/// Waits for something in the folder.
fn wait_for(dir: &std::path::Path, path: &str) {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(90);
    while !dir.join(path).exists() {
        let log = || std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(
            std::time::Instant::now() < patience,
            "{path} is not there:\n{}",
            log()
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn other_peoples_variables_are_left_alone() {
    use std::os::unix::ffi::OsStrExt;
    let dir = scratch();
    let mut child = spawn(
        &dir,
        &[
            ("STRONGROOM_DATABASE_URL", "host=/nowhere".as_ref()),
            ("STRONGROOM_TOKEN_PIN", "0000".as_ref()),
            ("STRONGROOM_SERVICE_HOST", "10.0.0.1".as_ref()),
            ("PGPORT", "1".as_ref()),
            ("NOT_OURS", std::ffi::OsStr::from_bytes(b"\xff")),
        ],
    );
    wait_for(&dir, "env");
    assert!(child.end("-TERM").success());
    std::fs::remove_dir_all(dir).unwrap();
}

/// The threads' names in `/proc/PID/task/TID/stat`, and its field 41, their policies.
fn policies(pid: u32) -> Vec<(String, String)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let stats = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")));
    let policy = |stat: String| {
        let (name, after) = stat.split_once('(').unwrap().1.rsplit_once(") ").unwrap();
        (
            name.to_owned(),
            after.split(' ').nth(38).unwrap().to_owned(),
        )
    };
    stats.flatten().map(policy).collect() // without those that ended
}

#[test]
fn whoever_serves_connections_pushes_nobody_aside() {
    let dir = scratch();
    let mut child = spawn(&dir, &[]);
    wait_for(&dir, "env");
    let batch = |policies: &[(String, String)]| policies.iter().filter(|(_, it)| it == "3").count();
    let threads = || -> (Vec<_>, Vec<_>) {
        let all = policies(child.0.id()).into_iter();
        all.partition(|(name, _)| name.starts_with("actix-server wo"))
    };
    let (mut workers, mut others) = threads();
    // Each sets its own once it is up.
    let until = Instant::now() + Duration::from_secs(10);
    while batch(&workers) + 1 < workers.len() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
        (workers, others) = threads();
    }
    // One is the health's and the metrics'.
    assert_eq!(batch(&workers), workers.len() - 1, "{workers:?}");
    assert!(workers.len() > 1 && others.len() > 4);
    assert_eq!(batch(&others), 0, "{others:?}");
    assert!(child.end("-TERM").success());
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_signal_during_the_first_start_stops_postgres_too() {
    let dir = scratch();
    let mut child = spawn(&dir, &[]);
    wait_for(&dir, "postgres/data/postmaster.pid");
    assert!(child.end("-INT").success());
    assert!(!dir.join("postgres/data/postmaster.pid").exists());
    std::fs::remove_dir_all(dir).unwrap();
}

/// What an initdb is making, or has left.
fn unfinished(dir: &std::path::Path) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("postgres")).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.find(|path| path.to_string_lossy().contains("/data.unfinished"))
}

#[test]
fn a_cluster_half_made_is_made_anew() {
    let dir = scratch();
    let mut child = spawn(&dir, &[]);
    while unfinished(&dir).is_none_or(|path| !path.join("PG_VERSION").exists()) {
        assert!(child.0.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.end("-KILL"); // initdb goes on for a while
    assert!(!dir.join("postgres/data").exists());
    let mut child = spawn(&dir, &[]);
    wait_for(&dir, "env");
    assert!(child.end("-TERM").success());
    assert!(dir.join("postgres/data").exists());
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn init_overwrites_nothing_and_loses_no_secret() {
    let dir = scratch();
    let dev = Dev::start(&dir, &[]);
    let init = |out: &std::path::Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(["init", "--account-id", "444455556666", "--config"])
            .arg(dir.join("strongroom.toml"))
            .arg("--out")
            .arg(out)
            .env("SOFTHSM2_CONF", dir.join("softhsm2.conf"))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (done, said) = init(&dir.join("no such folder/key"));
    assert!(!done && said.contains("cannot write"), "{said}");
    let taken = dir.join("pin");
    let before = std::fs::read(&taken).unwrap();
    let (done, said) = init(&taken);
    assert!(!done, "{said}");
    assert_eq!(std::fs::read(&taken).unwrap(), before);
    let (_, kept) = said.rsplit_once("the root access key is in ").unwrap();
    let kept = std::path::Path::new(kept.trim());
    let text = std::fs::read_to_string(kept).unwrap();
    assert!(text.contains("AWS_SECRET_ACCESS_KEY="));
    let mode = std::fs::metadata(kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
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
