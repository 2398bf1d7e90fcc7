//! `strongroom serve` beside a `strongroom dev`: another gateway on the same token and Postgres.

use crate::dev::Dev;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const FAKETIME: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// How a gateway is started; the same settings start the same gateway again.
#[derive(Clone, Default)]
pub struct Settings {
    environment: Vec<(&'static str, String)>,
}

impl Settings {
    /// A configuration value, by its variable's name.
    pub fn set(mut self, name: &'static str, value: impl ToString) -> Self {
        self.environment.push((name, value.to_string()));
        self
    }

    /// How long its intents are its own.
    pub fn lease(self, lease: Duration) -> Self {
        self.set("STRONGROOM_GATEWAY_LEASE_MS", lease.as_millis())
            .set("STRONGROOM_GATEWAY_DEADLINE_MS", lease.as_millis() - 1)
    }

    /// How often its worker makes a round; the first is at the start.
    pub fn every(self, interval: Duration) -> Self {
        self.set(
            "STRONGROOM_GATEWAY_WORKER_INTERVAL_MS",
            interval.as_millis(),
        )
    }

    /// Its sequencer makes its first round, and none for a minute: what it says is not counted.
    pub fn quiet(self) -> Self {
        self.set("STRONGROOM_AUDIT_INTERVAL_MS", 60_000)
    }

    /// Where the Postgres socket is.
    pub fn socket(self, dir: &Path) -> Self {
        let url = format!("host={} user=strongroom dbname=strongroom", dir.display());
        self.set("STRONGROOM_DATABASE_URL", url)
    }

    /// Its clock is ahead of everybody's.
    pub fn ahead(self, by: Duration) -> Self {
        let library = FAKETIME.iter().find(|path| Path::new(path).exists());
        // The kernel's timers go on by the real monotonic clock.
        self.set("LD_PRELOAD", library.expect("faketime is installed"))
            .set("FAKETIME", format!("+{}s", by.as_secs()))
            .set("FAKETIME_DONT_FAKE_MONOTONIC", 1)
    }

    /// Starts a gateway and does not wait for it.
    pub fn start(&self, dev: &Dev) -> Gateway {
        // With the remains of the dev that it runs beside.
        self.start_in(&dev.dir, &dev.remains)
    }

    /// The same on the configuration in a folder; its log lies in another.
    pub fn start_in(&self, dir: &Path, logs: &Path) -> Gateway {
        let (stderr, log) = tempfile::Builder::new()
            .prefix("serve-")
            .tempfile_in(logs)
            .and_then(|log| Ok(log.keep()?))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .arg("serve")
            .arg("--config")
            .arg(dir.join("strongroom.toml"))
            .env("SOFTHSM2_CONF", dir.join("softhsm2.conf"))
            .env("RUST_LOG", "info")
            .env("STRONGROOM_SERVER_LISTEN", "127.0.0.1:0")
            .env("STRONGROOM_SERVER_ADMIN_LISTEN", "127.0.0.1:0")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        Gateway {
            process: Arc::new(Mutex::new(child)),
            log,
        }
    }

    /// Starts a gateway; answers once it serves.
    pub fn serve(&self, dev: &Dev) -> Gateway {
        let gateway = self.start(dev);
        gateway.wait_for("serving on http://");
        gateway
    }
}

/// A running gateway; killed when dropped.
pub struct Gateway {
    process: Arc<Mutex<Child>>,
    log: PathBuf,
}

impl Gateway {
    /// The process, for others to kill.
    pub fn process(&self) -> Arc<Mutex<Child>> {
        self.process.clone()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has said this.
    pub fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        while !self.log().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "no {text:?}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The API's address.
    pub fn address(&self) -> String {
        let log = self.log();
        let (_, rest) = log.split_once("serving on ").expect("it serves");
        rest.split(',').next().unwrap().to_owned()
    }

    /// A client of this gateway.
    pub fn client(&self, dev: &Dev) -> aws_sdk_kms::Client {
        self.client_as(&dev.client())
    }

    /// As a client of another gateway, with the same credentials.
    pub fn client_as(&self, client: &aws_sdk_kms::Client) -> aws_sdk_kms::Client {
        let config = client.config().to_builder();
        aws_sdk_kms::Client::from_conf(config.endpoint_url(self.address()).build())
    }

    /// Nothing is left to it but to be gone.
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        let _ = process.kill(); // it may be gone already
        process.wait().unwrap();
        // faketime's, which it removes only at an exit.
        let id = process.id();
        let _ = std::fs::remove_file(format!("/dev/shm/faketime_shm_{id}"));
        let _ = std::fs::remove_file(format!("/dev/shm/sem.faketime_sem_{id}"));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}
