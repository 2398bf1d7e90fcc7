//! `strongroom bench` against a gateway of its own.

#[allow(dead_code)] // each test process uses a part
#[path = "support/dev.rs"]
mod dev;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn measures_the_gateway_and_its_token() {
    let dev = &*dev::SHARED;
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["bench", "--seconds", "1", "--rounds", "1"])
        .args(["--connections", "1,2", "--config"])
        .arg(dev.dir.join("strongroom.toml"))
        .envs(&dev.env)
        .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{errors}");
    let rows = |name: &str| {
        shown
            .lines()
            .filter(|line| line.split_whitespace().next() == Some(name))
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect::<Vec<Vec<String>>>()
    };
    for name in [
        "encrypt",
        "generate-data-key",
        "decrypt",
        "sign-rsa-2048-pss",
        "sign-ecc-p256",
    ] {
        let rows = rows(name);
        assert_eq!(rows.len(), 4, "{name}: two of each table in\n{shown}");
        for row in &rows {
            assert!(row[2].parse::<f64>().unwrap() > 0.0, "{row:?}");
        }
        for row in &rows[..2] {
            assert_eq!(row[8], "0", "errors in {row:?}");
        }
    }
    assert!(shown.contains("3 keys of this run are scheduled for deletion"));
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
