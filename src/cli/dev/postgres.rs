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
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const USER: &str = "postgres";
const ELSEWHERE: &str = "/var/lib/strongroom-dev";
/// `sun_path` holds 107 bytes and a zero; the socket's own name takes the rest.
const LONGEST_SOCKET_DIR: usize = 107 - "/.s.PGSQL.5432".len();
const SOCKET: &str = ".s.PGSQL.5432";
/// As long as the names that `private_directory` makes.
const SHORT_NAME: &str = "strongroom-0123456789ab";
const DATA: &str = "data";
const UNFINISHED: &str = "data.unfinished";
const INITDB: [&str; 7] = [
    "-U",
    "strongroom",
    "-E",
    "UTF8",
    "--locale=C",
    "-A",
    "trust",
];

/// A running cluster.
pub(super) struct Cluster {
    bin: PathBuf,
    /// Holds `data`, its log and, where the path is short enough, the socket.
    base: PathBuf,
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
            socket: PathBuf::new(),
            as_user,
        };
        cluster.base = cluster.base_directory(dir)?;
        cluster.socket = cluster.socket_directory(dir)?;
        if !cluster.base.join(DATA).exists() {
            cluster.initialise()?;
        }
        let runs = cluster.runs();
        if runs && cluster.socket.join(SOCKET).exists() {
            log::info!("Postgres of an earlier run still runs: going on with it");
        } else {
            if runs {
                cluster.stop_server()?; // its socket was cleared away: nobody reaches it
            }
            cluster.start_server()?;
        }
        match cluster.create_database() {
            Ok(()) => Ok(cluster),
            Err(error) => {
                let _ = cluster.stop(); // the first error says more
                Err(error)
            }
        }
    }

    /// Makes the cluster under another name first: one that was cut off is never taken for whole.
    fn initialise(&self) -> Result<(), Error> {
        // Where `data` was the whole folder, a new cluster inside would hide what it holds.
        if self.base.join("PG_VERSION").exists() {
            return Err(failed(format!(
                "{0} is a cluster of an older layout: move what it holds to {0}/{DATA}, or start \
                 with another --data-dir",
                self.base.display()
            )));
        }
        // A name of its own: the initdb of a killed `dev` may go on for a second under the last one.
        let name = format!("{UNFINISHED}-{}", &random_hex()?.expose_secret()[..12]);
        self.discard_unfinished();
        self.run("initdb", &[&["-D", &name], INITDB.as_slice()].concat())?;
        fs::rename(self.base.join(name), self.base.join(DATA)).map_err(Error::internal)
    }

    /// Removes clusters that were never finished, and so never held anything. One that is still
    /// being filled stays until the next time.
    fn discard_unfinished(&self) {
        for entry in fs::read_dir(&self.base).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(UNFINISHED)
                && let Err(error) = fs::remove_dir_all(entry.path())
            {
                log::warn!("cannot remove {}: {error}", entry.path().display());
            }
        }
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
        if self.runs() {
            self.stop_server()?;
        }
        Ok(())
    }

    fn runs(&self) -> bool {
        self.run("pg_ctl", &["-D", DATA, "status"]).is_ok()
    }

    fn stop_server(&self) -> Result<(), Error> {
        self.run("pg_ctl", &["-D", DATA, "-m", "fast", "-w", "stop"])
            .map(drop)
    }

    fn start_server(&self) -> Result<(), Error> {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c unix_socket_permissions=0700 -p 5432",
            self.socket.display()
        );
        let started = self.run(
            "pg_ctl",
            &[
                "-D",
                DATA,
                "-l",
                "server.log",
                "-o",
                &options,
                "-w",
                "-t",
                "60",
                "start",
            ],
        );
        started.map(drop).map_err(|_| {
            let log = self.base.join("server.log");
            let said = fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = said.lines().collect();
            let last = lines[lines.len().saturating_sub(5)..].join("\n  ");
            failed(format!(
                "Postgres does not start; the end of {}:\n  {last}",
                log.display()
            ))
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
            // The programs are given paths relative to it: pg_ctl quotes others for a shell, and
            // not well. Entered before the user changes.
            .current_dir(&self.base)
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
        let mut command = if self.as_user {
            let mut command = Command::new("setpriv");
            command.args([
                format!("--reuid={USER}"),
                format!("--regid={USER}"),
                "--init-groups".into(),
            ]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        // PGPORT and its like are about somebody else's server, and secrets are not for this one.
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", "/")
            .env("LC_ALL", "C")
            // Ctrl-C in a terminal is for the gateway, which then stops the server.
            .process_group(0);
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
        if let Ok(target) = fs::read_link(&link) {
            return Err(failed(format!(
                "{} was in {}, which is gone: put it back, or remove {} to start without its keys",
                link.display(),
                target.display(),
                dir.display()
            )));
        }
        // A data directory of 0700 keeps out postgres as well; that it may pass is all it gets.
        if self.as_user && !self.can_enter(dir) {
            return self.private_directory(Path::new(ELSEWHERE), &link);
        }
        self.make(&link)?;
        link.canonicalize().map_err(Error::internal)
    }

    fn socket_directory(&self, dir: &Path) -> Result<PathBuf, Error> {
        if fits(&self.base) {
            return Ok(self.base.clone());
        }
        let link = dir.join("socket");
        if let Ok(known) = link.canonicalize() {
            return Ok(known);
        }
        let _ = fs::remove_file(&link); // it may point to what a reboot has cleared away
        let parent = Some(std::env::temp_dir()).filter(|dir| fits(&dir.join(SHORT_NAME)));
        self.private_directory(&parent.unwrap_or_else(|| "/tmp".into()), &link)
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
        let path = parent.join(format!("strongroom-{}", &name.expose_secret()[..12])); // SHORT_NAME
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

/// Whether Postgres's socket can be in `dir`: short enough, and nothing that a list of
/// directories, a connection string or a shell reads otherwise.
fn fits(dir: &Path) -> bool {
    let bytes = dir.as_os_str().as_encoded_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    bytes.len() <= LONGEST_SOCKET_DIR && bytes.iter().all(plain)
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
