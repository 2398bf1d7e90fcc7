//! Debian's Prometheus, with the repository's configuration: only where the gateways are, and how often
//! they are asked, is the test's.

use crate::gateway::get;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// Stops when it is dropped.
pub struct Prometheus {
    process: Child,
    address: String,
    _files: TempDir,
}

/// `observability/prometheus.yml` for one gateway.
fn configuration(target: &str) -> String {
    let shipped = include_str!("../../observability/prometheus.yml");
    let (begin, _) = shipped.split_once("    # The admin listeners.").unwrap();
    let rules = Path::new("observability/alerts.yml")
        .canonicalize()
        .unwrap();
    let begin = begin.replace("- alerts.yml", &format!("- {}", rules.display()));
    assert!(begin.contains("interval: 15s") && begin.contains("alerts.yml"));
    let begin = begin.replace("interval: 15s", "interval: 1s");
    format!("{begin}    static_configs:\n      - targets: ['{target}']\n")
}

impl Prometheus {
    /// Scrapes what listens at `target`.
    pub fn start(target: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let config = files.path().join("prometheus.yml");
        std::fs::write(&config, configuration(target)).unwrap();
        let mut process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                files.path().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus is not there: scripts/setup.sh installs it");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = log
            .by_ref()
            .map(Result::unwrap)
            .inspect(|line| eprintln!("{line}"))
            .find_map(|line| Some(line.split_once("\"Listening on\" address=")?.1.to_owned()))
            .expect("it listens");
        // It would wait for somebody to read.
        std::thread::spawn(move || log.for_each(drop));
        let begun = Instant::now();
        while !get(&address, "/-/ready").contains("is Ready") {
            assert!(begun.elapsed() < PATIENCE, "not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            process,
            address,
            _files: files,
        }
    }

    /// `data` of an answer.
    fn ask(&self, path: &str) -> Value {
        let body = get(&self.address, path);
        let answer: Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}"));
        assert_eq!(answer["status"], "success", "{path}: {body}");
        answer["data"].clone()
    }

    /// What an expression is now.
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let data = self.ask(&format!("/api/v1/query?query={}", escaped(expression)));
        data["result"].as_array().cloned().unwrap_or_default()
    }

    /// The labels of each series of a metric.
    pub fn series(&self, metric: &str) -> Vec<Value> {
        let data = self.ask(&format!("/api/v1/series?match[]={metric}"));
        data.as_array().unwrap().clone()
    }

    /// Its rules, as it has read them.
    pub fn rules(&self) -> Vec<Value> {
        let data = self.ask("/api/v1/rules");
        let groups = data["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        rules.cloned().collect()
    }

    /// Until an expression is something.
    pub fn wait_for(&self, expression: &str) {
        let begun = Instant::now();
        while self.query(expression).is_empty() {
            assert!(begun.elapsed() < PATIENCE, "never: {expression}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may be gone already
        self.process.wait().unwrap();
    }
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}
