//! A private Postgres cluster in a temporary directory, on a Unix socket; gone with its value.
//!
//! Included by `#[path]`. Needs Postgres 15's server programs, and says so where they are missing.

#![allow(dead_code)] // not every test binary uses all of it

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the newest installed server's programs are.
static BINARIES: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("a Postgres server: make setup");
    let versions =
        versions.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.max().expect("a Postgres server: make setup");
    format!("/usr/lib/postgresql/{newest}/bin")
});

/// A running cluster.
pub struct Cluster {
    // Short: a socket's path holds 107 bytes.
    directory: tempfile::TempDir,
    /// Whom the server runs as, where we are root, which Postgres refuses.
    user: Option<(u32, u32)>,
    databases: AtomicU32,
}

impl Cluster {
    /// Makes and starts a cluster.
    pub fn start() -> Self {
        assert!(
            Path::new(&*BINARIES).join("initdb").exists(),
            "initdb is missing: make setup"
        );
        let directory = tempfile::Builder::new()
            .prefix("sr-pg-")
            .tempdir_in("/tmp")
            .expect("a temporary directory");
        let user = server_user(directory.path());
        let cluster = Self {
            directory,
            user,
            databases: AtomicU32::new(0),
        };
        cluster.run(
            cluster
                .command("initdb")
                .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"])
                .args(["--no-locale", "--no-sync", "-D"])
                .arg(cluster.data()),
        );
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\n\
             deadlock_timeout = 100ms\ntrack_commit_timestamp = on\nmax_connections = 200\n\
             shared_buffers = 32MB\n",
            cluster.directory.path().display()
        );
        fs::write(cluster.data().join("postgresql.auto.conf"), settings).expect("settings");
        cluster.resume();
        cluster
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(Path::new(&*BINARIES).join(program));
        command.current_dir(self.directory.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn run(&self, command: &mut Command) {
        let output = command
            .stdin(Stdio::null())
            .output()
            .expect("a program of Postgres");
        assert!(
            output.status.success(),
            "{command:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn control(&self, arguments: &[&str]) {
        // The server keeps what it inherits: a pipe would never end.
        let status = self
            .command("pg_ctl")
            .args(["-w", "-s", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(self.directory.path().join("log"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("pg_ctl");
        assert!(status.success(), "pg_ctl {arguments:?}: {}", self.log());
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Stops the server at once; connections break.
    pub fn stop(&self) {
        self.control(&["stop", "-m", "immediate"]);
    }

    /// Starts it again.
    pub fn resume(&self) {
        self.control(&["start"]);
    }

    /// The connection string of a database.
    pub fn url(&self, database: &str) -> String {
        format!(
            "host={} user=postgres dbname={database}",
            self.directory.path().display()
        )
    }

    /// Makes a database, from a template if given, and answers its name.
    pub fn database(&self, template: Option<&str>) -> String {
        let name = format!("db_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run(
            self.command("createdb")
                .args([
                    "-U",
                    "postgres",
                    "-T",
                    template.unwrap_or("template0"),
                    "-h",
                ])
                .arg(self.directory.path())
                .arg(&name),
        );
        name
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self
            .command("pg_ctl")
            .args(["-w", "-s", "-m", "immediate", "stop", "-D"])
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// As root the server runs as `postgres`, to whom the directory is given.
fn server_user(directory: &Path) -> Option<(u32, u32)> {
    let owner = fs::metadata(directory).expect("the directory").uid();
    if owner != 0 {
        return None;
    }
    let id = |flag: &str| -> u32 {
        let output = Command::new("id").args([flag, "postgres"]).output();
        let output = output.expect("id").stdout;
        let text = String::from_utf8(output).expect("a number");
        text.trim().parse().expect("the user `postgres`")
    };
    let user = (id("-u"), id("-g"));
    chown(directory, Some(user.0), Some(user.1)).expect("chown");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).expect("chmod");
    Some(user)
}
