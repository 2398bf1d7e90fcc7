//! The secrets that pass between a test and a gateway, written down so that `tests/hygiene.rs` can
//! look for them where they must not be.

use aws_sdk_kms::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_kms::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kms::error::BoxError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

/// Members, at whatever depth, that AWS's model calls sensitive and are: base64 in JSON. A MAC is one
/// more, for it may serve as a key.
const BYTES: [&str; 5] = [
    "Mac",
    "Message",
    "Plaintext",
    "PrivateKeyPlaintext",
    "SharedSecret",
];
/// The same, as they are.
const TEXTS: [&str; 3] = ["KeyStorePassword", "RawSecretAccessKey", "SecretAccessKey"];
/// Anything shorter would be found by chance, or because it is a word.
const SHORTEST: usize = 12;

/// A list of secrets; as an interceptor of an AWS SDK client it fills itself.
#[derive(Debug, Clone)]
pub struct Overheard {
    list: PathBuf,
}

impl Overheard {
    /// Goes on with the list in this file.
    pub fn into(list: PathBuf) -> Self {
        Self { list }
    }

    /// Adds a secret; `what` says to the reader of a failure which it is.
    pub fn secret(&self, what: &str, secret: &[u8]) {
        if secret.len() < SHORTEST {
            return;
        }
        let line = format!("{what} {}\n", STANDARD.encode(secret));
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.list)
            .and_then(|mut list| list.write_all(line.as_bytes())) // one write: others append too
            .unwrap_or_else(|error| panic!("{}: {error}", self.list.display()));
    }

    fn body(&self, operation: &str, body: Option<&[u8]>) {
        if let Some(Ok(body)) = body.map(serde_json::from_slice::<Value>) {
            self.members(operation, &body);
        }
    }

    /// Adds what is secret of a request or an answer.
    pub fn members(&self, operation: &str, value: &Value) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let what = format!("{operation}.{name}");
            match value.as_str() {
                Some(text) if TEXTS.contains(&name.as_str()) => self.secret(&what, text.as_bytes()),
                Some(text) if BYTES.contains(&name.as_str()) => {
                    self.secret(&what, &STANDARD.decode(text).expect("base64"));
                }
                _ => self.members(operation, value),
            }
        }
    }
}

impl Intercept for Overheard {
    fn name(&self) -> &'static str {
        "Overheard"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        self.body(target, request.body().bytes());
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.body("answer", context.response().body().bytes());
        Ok(())
    }
}
