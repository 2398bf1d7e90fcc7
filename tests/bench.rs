//! `strongroom bench` against a gateway of its own.

#[allow(dead_code)] // each test process uses a part
#[path = "support/dev.rs"]
mod dev;

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
