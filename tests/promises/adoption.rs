//! An adopted object: left as it is while its key lives, destroyed with it, and nothing else.

use crate::deletion::{AHEAD, schedule, set_database_clock};
use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::token::{objects, pkcs11_tool};
use aws_sdk_kms::primitives::Blob;
use std::process::Command;
use std::time::{Duration, Instant};

const ADOPTED: &str = "0a0b0c";
const NEIGHBOUR: &str = "0a0b0d";

/// Another program makes an AES-256 key.
///
/// An object that one process writes while another reads the token is sometimes left without its
/// attributes by SoftHSM: such a one is made again.
pub fn make(dev: &Dev, id: &str) {
    let mut keygen = vec!["--keygen", "--key-type", "AES:32", "--sensitive"];
    keygen.extend(["--id", id, "--label", "legacy"]);
    for _ in 0..5 {
        pkcs11_tool(dev, "strongroom-dev", "pin", &keygen);
        if objects(dev).contains_key(id) {
            return;
        }
    }
    panic!("the token keeps no object under {id}");
}

/// Calls one of the gateway's own operations, as `docs/adoption.md` does.
pub fn own(dev: &Dev, operation: &str, body: &str) -> serde_json::Value {
    let user = format!(
        "{}:{}",
        dev.env["AWS_ACCESS_KEY_ID"], dev.env["AWS_SECRET_ACCESS_KEY"]
    );
    let output = Command::new("curl")
        .args(["--silent", "--aws-sigv4", "aws:amz:us-east-1:kms"])
        .args(["--user", &user, "--data", body])
        .args(["--header", "Content-Type: application/x-amz-json-1.1"])
        .args(["--header", &format!("X-Amz-Target: Strongroom.{operation}")])
        .arg(&dev.env["AWS_ENDPOINT_URL_KMS"])
        .output()
        .expect("curl runs");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_object_goes_with_its_key_and_no_other_does() {
    let dev = Dev::start(&scratch(), &[]);
    make(&dev, ADOPTED);
    make(&dev, NEIGHBOUR);
    let body = format!(
        r#"{{"ObjectId":"{ADOPTED}","KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT"}}"#
    );
    let adopted = own(&dev, "AdoptKey", &body);
    let id = adopted["KeyMetadata"]["KeyId"].as_str();
    let id = id.unwrap_or_else(|| panic!("{adopted}"));
    let client = dev.client();
    let encrypt = client.encrypt().key_id(id).plaintext(Blob::new("x"));
    encrypt.send().await.unwrap();
    let before = objects(&dev);
    assert!(before.contains_key(ADOPTED) && before.contains_key(NEIGHBOUR));

    schedule(&client, id).await;
    set_database_clock(&dev, AHEAD);
    let often = Settings::default().every(Duration::from_millis(50));
    let gateway = often.ahead(AHEAD).serve(&dev);
    let until = Instant::now() + Duration::from_secs(30);
    while objects(&dev).contains_key(ADOPTED) {
        assert!(Instant::now() < until, "{}", gateway.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut left = before;
    left.remove(ADOPTED);
    assert_eq!(objects(&dev), left);
    dev.stop();
}
