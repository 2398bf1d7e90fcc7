//! The private Postgres cluster of `strongroom dev`: on a Unix socket that nobody else can reach.
//!
//! Postgres refuses to run as root, so there it runs as `postgres`. Where that user cannot enter
//! the data directory (a clone under a home that is closed to others), the cluster is kept under
//! `/var/lib/strongroom-dev` and `<data-dir>/postgres` points there.

use super::{failed, random_hex};
use crate::Error;
use secrecy::ExposeSecret;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const USER: &str = "postgres";
const ELSEWHERE: &str = "/var/lib/strongroom-dev";
/// `sun_path` holds 107 bytes and a zero; the socket's own name takes the rest.
const LONGEST_SOCKET_DIR: usize = 107 - "/.s.PGSQL.5432".len();

/// A running cluster.
pub(super) struct Cluster {
    bin: PathBuf,
    /// Holds `data`, its log and, where the path is short enough, the socket.
    base: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    as_user: bool,
}

impl Cluster {
    /// Makes the cluster at first, starts it, or adopts it where it already runs.
    ///
    /// # Errors
    /// Postgres is not installed, or does not start: its own words.
    pub(super) fn start(dir: &Path) -> Result<Self, Error> {
        let as_user = fs::metadata("/proc/self").map_err(Error::internal)?.uid() == 0;
        let bin = binaries()?;
        let mut cluster = Self {
            bin,
            base: PathBuf::new(),
            data: PathBuf::new(),
            socket: PathBuf::new(),
            as_user,
        };
        cluster.base = cluster.base_directory(dir)?;
        cluster.data = cluster.base.join("data");
        cluster.socket = cluster.socket_directory(dir)?;
        if !cluster.data.exists() {
            cluster.initialise()?;
        }
        if cluster
            .run("pg_ctl", &["-D", &cluster.data.to_string_lossy(), "status"])
            .is_err()
        {
            cluster.start_server()?;
        } else {
            log::info!("Postgres of an earlier run still runs: going on with it");
        }
        cluster.create_database()?;
        Ok(cluster)
    }

    /// Makes the cluster under another name first: one that was cut off is never taken for whole.
    fn initialise(&self) -> Result<(), Error> {
        let unfinished = self.base.join("data.unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(Error::internal)?;
        }
        let path = unfinished.to_string_lossy();
        let options = [
            "-U",
            "strongroom",
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
        ];
        self.run("initdb", &[&["-D", &path], options.as_slice()].concat())?;
        fs::rename(&unfinished, &self.data).map_err(Error::internal)
    }

    /// The connection string.
    pub(super) fn url(&self) -> String {
        format!(
            "host={} user=strongroom dbname=strongroom",
            self.socket.display()
        )
    }

    /// Stops the server, and waits.
    ///
    /// # Errors
    /// It does not stop.
    pub(super) fn stop(self) -> Result<(), Error> {
        self.run(
            "pg_ctl",
            &[
                "-D",
                &self.data.to_string_lossy(),
                "-m",
                "fast",
                "-w",
                "stop",
            ],
        )
        .map(drop)
    }

    fn start_server(&self) -> Result<(), Error> {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c unix_socket_permissions=0700 -p 5432",
            self.socket.display()
        );
        let (data, log) = (self.data.to_string_lossy(), self.base.join("server.log"));
        let started = self.run(
            "pg_ctl",
            &[
                "-D",
                &data,
                "-l",
                &log.to_string_lossy(),
                "-o",
                &options,
                "-w",
                "-t",
                "60",
                "start",
            ],
        );
        started.map(drop).map_err(|error| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last = said.lines().rev().take(5).collect::<Vec<_>>().join("\n  ");
            failed(format!("{}\n  {last}", error.message()))
        })
    }

    fn create_database(&self) -> Result<(), Error> {
        let socket = self.socket.to_string_lossy();
        let psql = |sql: &str| {
            self.run(
                "psql",
                &[
                    "-h",
                    &socket,
                    "-U",
                    "strongroom",
                    "-d",
                    "postgres",
                    "-XqAt",
                    "-c",
                    sql,
                ],
            )
        };
        if psql("select 1 from pg_database where datname = 'strongroom'")?
            .trim()
            .is_empty()
        {
            psql("create database strongroom")?;
        }
        Ok(())
    }

    /// Runs one of Postgres's programs as the user that it must run as; answers what it printed.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Error> {
        let path = self.bin.join(program);
        let mut command = self.command(&path);
        let output = command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // pg_ctl's server keeps the pipes open, so its output goes to the log instead.
        if program == "pg_ctl" {
            output.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let output = output
            .output()
            .map_err(|error| failed(format!("cannot run {}: {error}", path.display())))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(failed(format!("{program} failed: {said}")))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(if self.as_user {
            Path::new("setpriv")
        } else {
            program
        });
        if self.as_user {
            let user = [
                format!("--reuid={USER}"),
                format!("--regid={USER}"),
                "--init-groups".into(),
            ];
            command.args(user).arg(program).env("HOME", "/");
        }
        // Somebody's own database is none of ours: PGHOST, PGPORT, PGDATA, PGOPTIONS …
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Whether the server's user can enter a directory.
    fn can_enter(&self, dir: &Path) -> bool {
        let mut test = self.command(Path::new("/usr/bin/test"));
        test.arg("-x").arg(dir).stderr(Stdio::null());
        test.status().is_ok_and(|status| status.success())
    }

    fn base_directory(&self, dir: &Path) -> Result<PathBuf, Error> {
        let link = dir.join("postgres");
        if let Ok(known) = link.canonicalize() {
            return Ok(known);
        }
        // A data directory of 0700 keeps out postgres as well; that it may pass is all it gets.
        if self.as_user && !self.can_enter(dir) {
            return self.private_directory(Path::new(ELSEWHERE), &link);
        }
        self.make(&link)?;
        Ok(link)
    }

    fn socket_directory(&self, dir: &Path) -> Result<PathBuf, Error> {
        if self.base.as_os_str().len() <= LONGEST_SOCKET_DIR {
            return Ok(self.base.clone());
        }
        let link = dir.join("socket");
        if let Ok(known) = link.canonicalize() {
            return Ok(known);
        }
        let _ = fs::remove_file(&link); // it may point to what a reboot has cleared away
        self.private_directory(&std::env::temp_dir(), &link)
    }

    /// Makes a directory of a random name under `parent`, and `link` point to it.
    fn private_directory(&self, parent: &Path, link: &Path) -> Result<PathBuf, Error> {
        if !parent.exists() {
            fs::DirBuilder::new()
                .mode(0o755)
                .recursive(true)
                .create(parent)
                .map_err(Error::internal)?;
        }
        let name = random_hex()?;
        let path = parent.join(format!("strongroom-{}", &name.expose_secret()[..12]));
        self.make(&path)?;
        symlink(&path, link).map_err(Error::internal)?;
        Ok(path)
    }

    /// Makes a directory that the server's user owns and nobody else can enter.
    fn make(&self, path: &Path) -> Result<(), Error> {
        let made = fs::DirBuilder::new().mode(0o700).create(path);
        made.map_err(|error| failed(format!("cannot make {}: {error}", path.display())))?;
        if self.as_user {
            let owner = Command::new("chown")
                .arg(format!("{USER}:{USER}"))
                .arg(path)
                .status();
            if !owner.is_ok_and(|status| status.success()) {
                return Err(failed(format!(
                    "cannot give {} to the user {USER}",
                    path.display()
                )));
            }
        }
        Ok(())
    }
}

/// The directory of Postgres's programs: the newest installed.
fn binaries() -> Result<PathBuf, Error> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found
        .pop()
        .map(|(_, bin)| bin)
        .or_else(|| std::env::split_paths(&path).find(|dir| dir.join("initdb").exists()))
        .ok_or_else(|| {
            failed(
                "the Postgres server is not installed: `make setup`, or apt-get install postgresql",
            )
        })
}
