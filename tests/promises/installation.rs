//! A deployment as an operator has it: a Postgres, a token's folder, a configuration file; and what the
//! documentation says to type.

use crate::cluster::Cluster;
use crate::gateway::{Gateway, Settings};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// What a command came to.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// An empty database, and no token yet.
pub struct Installation {
    pub dir: PathBuf,
    pub url: String,
    _cluster: Cluster,
    _files: tempfile::TempDir,
}

/// The commands of a page: each block that a shell can run, in order.
pub fn commands(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// What `strongroom dev` calls the token in its folder, as a program outside sees it.
pub fn softhsm(conf: &Path, tokens: &Path) {
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n\
         slots.removable = false\n",
        tokens.display()
    );
    std::fs::write(conf, text).unwrap();
}

/// Runs a documented command, or any other.
pub fn shell(command: &str, environment: &[(&str, String)]) -> Outcome {
    let binary = Path::new(env!("CARGO_BIN_EXE_strongroom"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("bash")
        .args(["-euc", command])
        .env("PATH", path)
        .env("RUST_LOG", "off")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Outcome {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Outcome {
    /// Fails unless the command ended with this status.
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

impl Installation {
    /// With this PIN, for a token with the label of `strongroom dev`'s.
    pub fn new(pin: &str) -> Self {
        let cluster = Cluster::start();
        let url = cluster.url(&cluster.database(None));
        let files = tempfile::tempdir().unwrap();
        let dir = files.path().to_owned();
        softhsm(&dir.join("softhsm2.conf"), &dir.join("tokens"));
        std::fs::write(dir.join("pin"), pin).unwrap();
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(dir.join("pin"), private).unwrap();
        let configuration = format!(
            "[token]\nmodule = {MODULE:?}\nlabel = \"strongroom-dev\"\npin_file = {:?}\n\n\
             [database]\nurl = {url:?}\n\n[gateway]\nregions = [\"*\"]\n",
            dir.join("pin")
        );
        std::fs::write(dir.join("strongroom.toml"), configuration).unwrap();
        Self {
            dir,
            url,
            _cluster: cluster,
            _files: files,
        }
    }

    /// For the commands of the documentation.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let file = |name: &str| self.dir.join(name).display().to_string();
        vec![
            ("CONFIG", file("strongroom.toml")),
            ("TOKENS", file("tokens")),
            ("SOFTHSM2_CONF", file("softhsm2.conf")),
            ("DATABASE", self.url.clone()),
        ]
    }

    /// Runs a command on it.
    pub fn shell(&self, command: &str, more: &[(&'static str, String)]) -> Outcome {
        shell(command, &[&self.environment(), more].concat())
    }

    /// Runs SQL; answers its rows.
    pub fn sql(&self, statement: &str) -> Vec<String> {
        let environment = [&self.environment()[..], &[("STATEMENT", statement.into())]].concat();
        let psql = r#"psql --no-psqlrc -qAt -v ON_ERROR_STOP=1 -d "$DATABASE" -c "$STATEMENT""#;
        let outcome = shell(psql, &environment).expect(0);
        outcome.stdout.lines().map(str::to_owned).collect()
    }

    /// Starts a gateway on it, whose log lies in this folder; answers once it serves.
    pub fn serve(&self, settings: &Settings, logs: &Path) -> Gateway {
        let gateway = settings.start_in(&self.dir, logs);
        gateway.wait_for("serving on http://");
        gateway
    }
}
