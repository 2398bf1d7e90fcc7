//! One `strongroom dev` for a test process: a real token, a real Postgres, the real binary.

mod overheard;

use overheard::Overheard;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A gateway in a folder of its own. It stops when its standard input closes, and so also when
/// the test process dies, and leaves for `tests/hygiene.rs` what an auditor would look at.
pub struct Dev {
    pub dir: PathBuf,
    /// The secrets that it handles.
    pub overheard: Overheard,
    /// What is left of it: logs, a dump, the secrets. `running` is there until it is complete.
    pub remains: PathBuf,
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

/// A fresh folder for what is left of a gateway.
fn remains() -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("remains");
    std::fs::create_dir_all(&all).unwrap();
    let process = std::env::current_exe().unwrap();
    let name = process.file_name().unwrap().to_string_lossy();
    let remains = tempfile::Builder::new()
        .prefix(&format!("{name}-"))
        .tempdir_in(all)
        .unwrap()
        .keep();
    std::fs::write(remains.join("running"), "").unwrap();
    remains
}

const START_PATIENCE: Duration = Duration::from_secs(90);

/// `$0 $1 $2 $3…`: the program, its folder, the folder for its remains, more arguments. The shell
/// passes on the end of its standard input as a SIGTERM. Postgres goes with the gateway, so the dump
/// comes before; half a dump is none.
const SCRIPT: &str = r#"
"$0" dev --data-dir "$1" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 "${@:3}" \
    </dev/null >>"$1/log" 2>&1 &
pid=$!
cat >/dev/null
url=$(sed -n 's/^url = "\(.*\)"$/\1/p' "$1/strongroom.toml")
pg_dump --lock-wait-timeout=10s -d "$url" >"$2/part" && mv "$2/part" "$2/dump"
kill $pid
wait $pid
cp "$1/log" "$2/log"
cp "$1/postgres/server.log" "$2/postgres"
rm "$2/running"
"#;

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

    /// The database, as its owner has it.
    pub async fn owner(&self) -> tokio_postgres::Client {
        let config = std::fs::read_to_string(self.dir.join("strongroom.toml")).unwrap();
        let line = config.lines().find_map(|line| line.strip_prefix("url = "));
        let url: String = serde_json::from_str(line.unwrap()).unwrap();
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    /// The same, with more in its environment.
    pub fn start_where(dir: &Path, environment: &[(&str, &str)]) -> Self {
        let then = r#"rm -rf "$(readlink -f "$1/postgres")" "$1""#;
        Self::start_with(dir, &[], environment, then)
    }

    /// The same, on a folder that stays.
    pub fn start_and_keep(dir: &Path, arguments: &[&str]) -> Self {
        Self::start_then(dir, arguments, ":")
    }

    fn start_then(dir: &Path, arguments: &[&str], then: &str) -> Self {
        Self::start_with(dir, arguments, &[], then)
    }

    /// The same, with arguments, and `then` to be run by a shell once it has stopped.
    pub fn start_with(
        dir: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        then: &str,
    ) -> Self {
        let _ = std::fs::remove_file(dir.join("env")); // of the run before
        let remains = remains();
        let mut child = Command::new("bash")
            .args(["-c", &format!("{SCRIPT}{then}")])
            .args([Path::new(env!("CARGO_BIN_EXE_strongroom")), dir, &remains])
            .args(arguments)
            .env("RUST_LOG", "info")
            .envs(environment.iter().copied())
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
        let overheard = Overheard::into(remains.join("secrets"));
        let pin = std::fs::read(dir.join("pin")).expect("a PIN");
        overheard.secret("the PIN", pin.trim_ascii());
        Self {
            dir: dir.to_owned(),
            overheard,
            remains,
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
        self.overheard
            .secret("a secret access key", secret.as_bytes());
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_kms::Config::builder()
            .behavior_version_latest()
            .http_client(http)
            .endpoint_url(&self.env["AWS_ENDPOINT_URL_KMS"])
            .region(Region::new(self.env["AWS_REGION"].clone()))
            .credentials_provider(Credentials::new(id, secret, None, None, "env file"))
            .retry_config(RetryConfig::disabled())
            .interceptor(self.overheard.clone())
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
