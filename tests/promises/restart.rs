//! Promise 6: a database that goes away costs the requests in flight, and needs no restart.

use crate::dev::{Dev, scratch};
use crate::postgres::setting;
use aws_sdk_kms::primitives::Blob;
use std::process::Command;
use std::time::{Duration, Instant};

/// `[database] deadline_ms` is 5 seconds; some room for a busy machine.
const DEADLINE: Duration = Duration::from_secs(12);

#[tokio::test]
async fn postgres_stops_and_comes_back() {
    let dir = scratch();
    let dev = Dev::start(&dir, &[]);
    let client = dev.client();
    let made = client.create_key().send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let encrypt = || {
        client
            .encrypt()
            .key_id(&id)
            .plaintext(Blob::new("x"))
            .send()
    };
    encrypt().await.unwrap();
    let data = dev.dir.join("postgres/data").canonicalize().unwrap();
    let url = setting(&dev, "url");
    let socket = url
        .split_whitespace()
        .find_map(|part| part.strip_prefix("host="))
        .unwrap();
    let pg_ctl = |action: &str| {
        let script = format!(
            "export PATH=\"$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -1)\"; cd /; \
             exec {} pg_ctl -D '{}' -o \"-k '{socket}' -c listen_addresses=''\" -l /dev/null -m fast -w {action}",
            if is_root() {
                "setpriv --reuid=postgres --regid=postgres --init-groups"
            } else {
                ""
            },
            data.display()
        );
        assert!(
            Command::new("bash")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
    };
    pg_ctl("stop");
    for _ in 0..3 {
        let asked = Instant::now();
        assert!(encrypt().await.is_err(), "a result without a record");
        assert!(
            asked.elapsed() < DEADLINE,
            "an error after {:?}",
            asked.elapsed()
        );
    }
    pg_ctl("start");
    let back = Instant::now();
    while encrypt().await.is_err() {
        assert!(back.elapsed() < DEADLINE, "it does not work again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    dev.stop();
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}
