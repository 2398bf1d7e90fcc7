//! What `pkcs11-tool` (OpenSC) sees on a gateway's token.

use crate::dev::Dev;
use crate::postgres::setting;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

/// The key objects on the gateway's own token: `CKA_ID` in hexadecimal, and each object's description.
pub fn objects(dev: &Dev) -> BTreeMap<String, Vec<String>> {
    objects_on(dev, "strongroom-dev", "pin")
}

/// The same of another token, whose PIN is in this file.
pub fn objects_on(dev: &Dev, label: &str, pin: &str) -> BTreeMap<String, Vec<String>> {
    let text = pkcs11_tool(dev, label, pin, &["--list-objects"]);
    let mut objects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut paragraphs: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.starts_with(' '), paragraphs.last_mut()) {
            (true, Some(paragraph)) => paragraph.push_str(&format!("\n{line}")),
            _ => paragraphs.push(line.to_owned()),
        }
    }
    for paragraph in paragraphs {
        let id = paragraph
            .lines()
            .find_map(|line| line.trim().strip_prefix("ID:"));
        if let Some(id) = id {
            objects
                .entry(id.trim().to_owned())
                .or_default()
                .push(paragraph.clone());
        }
    }
    objects
}

/// `pkcs11-tool`, logged in to this token; answers what it printed.
pub fn pkcs11_tool(dev: &Dev, label: &str, pin: &str, arguments: &[&str]) -> String {
    let pin = std::fs::read_to_string(dev.dir.join(pin)).unwrap();
    for attempt in 1.. {
        let output = Command::new("pkcs11-tool")
            .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
            .env("PIN", pin.trim())
            .args(["--module", &setting(dev, "module")])
            .args(["--token-label", label, "--login", "--pin", "env:PIN"])
            .args(arguments)
            .output()
            .expect("pkcs11-tool runs");
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return String::from_utf8_lossy(&output.stdout).into_owned();
        }
        // A login writes the token's flags, and SoftHSM passes over a token that it reads meanwhile.
        let passed_over = said.contains("No slot with token named");
        assert!(passed_over && attempt < 20, "{said}");
        std::thread::sleep(Duration::from_millis(50));
    }
    unreachable!()
}
