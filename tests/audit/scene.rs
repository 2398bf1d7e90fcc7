//! A gateway with a log, and copies of its database to be tampered with.

use crate::dev::{Dev, scratch};
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::primitives::Blob;
use futures_util::future::join_all;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

const PATIENCE: Duration = Duration::from_secs(60);
const SIGNED: &str = "select coalesce((select max(size) from audit_checkpoint), 0) \
                      >= (select count(*) from audit_log)";

/// A gateway that has answered some requests, all of them in checkpoints by now.
pub struct Scene {
    pub dev: Dev,
    pub public_key: PathBuf,
    /// A key, and the request that made it.
    pub key_id: String,
    pub request_id: String,
    /// The checkpoint in the middle of the log, as it was then.
    pub middle: String,
    copies: AtomicU32,
}

static SCENE: OnceCell<Scene> = OnceCell::const_new();

impl Scene {
    /// The one that all tests share.
    pub async fn shared() -> &'static Self {
        SCENE.get_or_init(Self::new).await
    }

    async fn new() -> Self {
        let dir = scratch();
        let dev = Dev::start_where(&dir, &[("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", "2")]);
        let made = dev.client().create_key().send().await.unwrap();
        let key_id = made.key_metadata().unwrap().key_id().to_owned();
        let request_id = made.request_id().unwrap().to_owned();
        let mut scene = Self {
            dev,
            public_key: dir.join("audit.pub"),
            key_id,
            request_id,
            middle: String::new(),
            copies: AtomicU32::new(0),
        };
        scene.requests_at_once(12).await;
        scene.requests(12).await;
        let original = scene.original();
        original.wait_until(SIGNED);
        scene.middle = text(&original.audit(&["checkpoint"]));
        scene.requests(12).await;
        original.wait_until(SIGNED);
        let key = text(&original.audit(&["public-key"]));
        std::fs::write(&scene.public_key, key).unwrap();
        scene
    }

    async fn requests(&self, count: usize) {
        let client = self.dev.client();
        for _ in 0..count {
            let request = client.encrypt().key_id(&self.key_id);
            let request = request.plaintext(Blob::new("audited"));
            request.send().await.unwrap();
        }
    }

    /// Most of them are one group, which waits for the one before.
    async fn requests_at_once(&self, count: usize) {
        let original = self.original();
        let held = std::thread::spawn(move || {
            original.sql(
                "begin; lock table audit_group in share row exclusive mode; \
                 select pg_sleep(2); commit",
            )
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        join_all((0..count).map(|_| self.requests(1))).await;
        held.join().unwrap();
    }

    /// The gateway's own database.
    pub fn original(&self) -> Database {
        let config = self.dev.dir.join("strongroom.toml");
        Database::new(self, config)
    }

    /// A copy of it, whose sequencer is nobody, with all its records in checkpoints.
    pub fn copy(&self) -> Database {
        loop {
            self.original().wait_until(SIGNED);
            let copy = self.copy_as_it_is();
            if copy.sql(SIGNED) == "t" {
                return copy;
            }
        }
    }

    fn copy_as_it_is(&self) -> Database {
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        let original = self.original();
        original.sql(&format!("create database copy{number}"));
        let folder = self.dev.dir.join(format!("copy{number}"));
        std::fs::create_dir(&folder).unwrap();
        let config = std::fs::read_to_string(self.dev.dir.join("strongroom.toml")).unwrap();
        let database = format!("dbname=copy{number}");
        let config = config.replace("dbname=strongroom", &database);
        assert!(config.contains(&database), "{config}");
        std::fs::write(folder.join("strongroom.toml"), config).unwrap();
        let copy = Database::new(self, folder.join("strongroom.toml"));
        let copied = Command::new("bash")
            .args([
                "-c",
                r#"set -o pipefail; pg_dump -d "$0" | psql -qX -v ON_ERROR_STOP=1 -d "$1""#,
            ])
            .args([&original.url, &copy.url])
            .output()
            .unwrap();
        assert!(copied.status.success(), "{copied:?}");
        copy
    }
}

/// A database, and what is asked of it.
pub struct Database {
    config: PathBuf,
    pub url: String,
    public_key: PathBuf,
    softhsm: PathBuf,
    folder: PathBuf,
    exports: AtomicU32,
}

impl Database {
    fn new(scene: &Scene, config: PathBuf) -> Self {
        let text = std::fs::read_to_string(&config).unwrap();
        let url = text.lines().find_map(|line| line.strip_prefix("url = "));
        Self {
            url: serde_json::from_str(url.unwrap()).unwrap(),
            public_key: scene.public_key.clone(),
            softhsm: scene.dev.dir.join("softhsm2.conf"),
            folder: tempfile::Builder::new()
                .prefix("audit-")
                .tempdir_in(&scene.dev.dir)
                .unwrap()
                .keep(),
            config,
            exports: AtomicU32::new(0),
        }
    }

    /// Runs SQL as the database's owner; answers its rows, columns separated by `|`.
    pub fn sql(&self, statement: &str) -> String {
        // Triggers do not fire for whoever owns the database and says so.
        let output = Command::new("psql")
            .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", &self.url])
            .args(["-c", "set session_replication_role = replica"])
            .args(["-c", statement])
            .output()
            .expect("psql runs");
        assert!(output.status.success(), "{statement}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn number(&self, statement: &str) -> u64 {
        self.sql(statement).parse().unwrap()
    }

    pub fn wait_until(&self, statement: &str) {
        let begun = Instant::now();
        while self.sql(statement) != "t" {
            assert!(begun.elapsed() < PATIENCE, "not true: {statement}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Runs `strongroom audit` with the configuration.
    pub fn audit(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command
            .args(["audit", arguments[0], "--config"])
            .arg(&self.config)
            .args(&arguments[1..])
            .env("SOFTHSM2_CONF", &self.softhsm)
            .output()
            .unwrap()
    }

    /// A path that nothing is at, in a folder of its own.
    pub fn path(&self, name: &str) -> String {
        let number = self.exports.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{name}-{number}"));
        path.to_str().unwrap().to_owned()
    }

    /// Exports the log, and answers where it is.
    pub fn export(&self) -> String {
        let path = self.path("export");
        text(&self.audit(&["export", "--out", &path]));
        path
    }

    /// Exports the log, and verifies it with nothing of the gateway.
    pub fn verify(&self, anchors: &[&str]) -> (i32, String) {
        self.verify_export(&self.export(), anchors)
    }

    pub fn verify_export(&self, export: &str, anchors: &[&str]) -> (i32, String) {
        let anchors = anchors.iter().map(|text| {
            let path = self.path("anchor");
            std::fs::write(&path, text).unwrap();
            path
        });
        let anchors: Vec<String> = anchors.flat_map(|path| ["--anchor".into(), path]).collect();
        let anchors: Vec<&str> = anchors.iter().map(String::as_str).collect();
        self.alone(&[&["verify", export], anchors.as_slice()].concat())
    }

    /// Runs `strongroom audit` with the public key alone.
    pub fn alone(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .arg("audit")
            .args(arguments)
            .arg("--public-key")
            .arg(&self.public_key)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(said).unwrap(),
        )
    }
}

/// What a command that went well has said.
pub fn text(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
