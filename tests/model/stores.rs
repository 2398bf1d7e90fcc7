//! Custom key stores of the gateway of these tests: tokens beside its own.

use crate::api::{DEV, call};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long something that happens in the background may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A key store, of the token that the tests call by a letter.
pub struct KeyStore {
    pub id: String,
    pub cluster: String,
    pub password: String,
}

impl KeyStore {
    /// The request that makes one.
    pub fn request(name: &str, letter: char) -> Value {
        let cluster = format!("cluster-strongroomdev{letter}");
        let password = std::fs::read_to_string(DEV.dir.join(format!("{cluster}.pin"))).unwrap();
        json!({
            "CustomKeyStoreName": name,
            "CloudHsmClusterId": cluster,
            "KeyStorePassword": password,
            "TrustAnchorCertificate": "<certificate-goes-here>",
        })
    }

    /// Makes one, not connected.
    pub fn new(name: &str, letter: char) -> Self {
        let request = Self::request(name, letter);
        let made = call("CreateCustomKeyStore", &request).ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&made["CustomKeyStoreId"]),
            cluster: text(&request["CloudHsmClusterId"]),
            password: text(&request["KeyStorePassword"]),
        }
    }

    /// The request that has only its id.
    pub fn alone(&self) -> Value {
        json!({"CustomKeyStoreId": self.id})
    }

    pub fn connect(&self) {
        call("ConnectCustomKeyStore", &self.alone()).ok();
        self.until("CONNECTED");
    }

    pub fn disconnect(&self) {
        call("DisconnectCustomKeyStore", &self.alone()).ok();
        self.until("DISCONNECTED");
    }

    /// Waits for a connection state.
    pub fn until(&self, state: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let entry = call("DescribeCustomKeyStores", &self.alone()).ok();
            if entry["CustomKeyStores"][0]["ConnectionState"] == state {
                return;
            }
            assert!(Instant::now() < until, "not {state}: {entry}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
