//! One `strongroom dev` for a test process: a real token, a real Postgres, the real binary.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A gateway in a folder of its own. It stops when its standard input closes, and so also when
/// the test process dies.
pub struct Dev {
    pub dir: PathBuf,
    pub env: HashMap<String, String>,
    child: Child,
    stdin: Option<ChildStdin>,
}

/// The one that the tests of a process share.
pub static SHARED: LazyLock<Dev> = LazyLock::new(|| Dev::start(&scratch(), &[]));

/// A fresh folder under the temporary directory.
pub fn scratch() -> PathBuf {
    tempfile::Builder::new()
        .prefix("strongroom-test-")
        .tempdir()
        .unwrap()
        .keep()
}

const START_PATIENCE: Duration = Duration::from_secs(90);

impl Dev {
    /// Starts a gateway on `dir`, waits until it is ready. The folder is removed when it stops.
    pub fn start(dir: &Path, arguments: &[&str]) -> Self {
        // As root the cluster may be elsewhere, with a link to it.
        Self::start_then(
            dir,
            arguments,
            r#"rm -rf "$(readlink -f "$1/postgres")" "$1""#,
        )
    }

    /// The same, on a folder that stays.
    pub fn start_and_keep(dir: &Path, arguments: &[&str]) -> Self {
        Self::start_then(dir, arguments, ":")
    }

    fn start_then(dir: &Path, arguments: &[&str], then: &str) -> Self {
        let _ = std::fs::remove_file(dir.join("env")); // of the run before
        // The shell passes on the end of its standard input as a SIGTERM.
        let script = format!(
            r#""$0" dev --data-dir "$1" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 "${{@:2}}" \
               </dev/null >>"$1/log" 2>&1 & pid=$!; cat >/dev/null; kill $pid; wait $pid; {then}"#
        );
        let mut child = Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_strongroom")])
            .arg(dir)
            .args(arguments)
            .env("RUST_LOG", "info")
            .stdin(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let stdin = child.stdin.take();
        let deadline = Instant::now() + START_PATIENCE;
        let env = loop {
            if let Ok(text) = std::fs::read_to_string(dir.join("env")) {
                break exports(&text);
            }
            assert!(
                Instant::now() < deadline,
                "strongroom dev was not ready in time:\n{}",
                std::fs::read_to_string(dir.join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        };
        Self {
            dir: dir.to_owned(),
            env,
            child,
            stdin,
        }
    }

    /// An AWS SDK client that knows nothing but the `env` file.
    pub fn client(&self) -> aws_sdk_kms::Client {
        self.client_of(
            &self.env["AWS_ACCESS_KEY_ID"],
            &self.env["AWS_SECRET_ACCESS_KEY"],
        )
    }

    /// The same in another Region.
    pub fn client_in(&self, region: &str) -> aws_sdk_kms::Client {
        let region = aws_sdk_kms::config::Region::new(region.to_owned());
        let config = self.client().config().to_builder().region(region);
        aws_sdk_kms::Client::from_conf(config.build())
    }

    /// A client with other credentials.
    pub fn client_of(&self, id: &str, secret: &str) -> aws_sdk_kms::Client {
        use aws_sdk_kms::config::{Credentials, Region, retry::RetryConfig};
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_kms::Config::builder()
            .behavior_version_latest()
            .http_client(http)
            .endpoint_url(&self.env["AWS_ENDPOINT_URL_KMS"])
            .region(Region::new(self.env["AWS_REGION"].clone()))
            .credentials_provider(Credentials::new(id, secret, None, None, "env file"))
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_kms::Client::from_conf(config)
    }

    /// Stops it as an operator would, and waits.
    pub fn stop(mut self) {
        drop(self.stdin.take());
        self.child.wait().expect("the gateway's shell ends");
    }
}

fn exports(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches(['\'', '"']).to_owned()))
        .collect()
}
