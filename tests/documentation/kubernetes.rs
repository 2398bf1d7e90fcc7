//! The Kubernetes manifests: against the API's own schemas, and against one another.

use crate::ROOT;
use std::path::Path;
use std::process::Command;
use strongroom::config::Config;

#[test]
fn manifests_fit_the_api_and_one_another() {
    let clients = Path::new(ROOT).join("target/clients/bin");
    let output = Command::new(clients.join("python3"))
        .arg(Path::new(ROOT).join("tests/documentation/manifests.py"))
        .arg(Path::new(ROOT).join("kubernetes"))
        .output()
        .expect("clients are missing: run `make clients`");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn their_configuration_is_a_right_one() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("kubernetes/strongroom.toml")).unwrap();
    let config = Config::parse(&text, std::iter::empty()).unwrap();
    assert_eq!(config.server.listen.port(), 7700);
    assert_eq!(config.server.admin_listen.port(), 7701);
    let both = config.tls.is_some() && config.admin_tls.is_some();
    assert!(both, "it listens beyond loopback");
}
