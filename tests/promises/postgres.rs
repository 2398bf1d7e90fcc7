//! A test's own way to a gateway's Postgres, behind the gateway's back.

use crate::dev::Dev;
use std::process::Command;

/// The value of `name` in the configuration that `strongroom dev` wrote.
pub fn setting(dev: &Dev, name: &str) -> String {
    let text = std::fs::read_to_string(dev.dir.join("strongroom.toml")).unwrap();
    let line = text
        .lines()
        .find(|line| line.split('=').next().unwrap().trim() == name);
    let value = line
        .unwrap_or_else(|| panic!("no {name}"))
        .split_once('=')
        .unwrap()
        .1;
    value.trim().trim_matches('"').to_owned()
}

/// Runs SQL; answers its rows, columns separated by `|`.
pub fn sql(dev: &Dev, statement: &str) -> Vec<String> {
    let url = setting(dev, "url");
    let output = Command::new("psql")
        .args([
            "--no-psqlrc",
            "-qAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &url,
            "-c",
            statement,
        ])
        .output()
        .expect("psql runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}
