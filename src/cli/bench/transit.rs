//! OpenBao's Transit engine under the same load, and the keys made on it.
//!
//! Source: <https://openbao.org/api-docs/secret/transit/>.

use super::super::failed;
use super::system::{PLAINTEXT, Proof, System, ask, text};
use crate::Error;
use crate::cli::client::{self, PATIENCE, Wire};
use crate::model::Url;
use crate::token::BaselineOperation as Operation;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

/// A server whose engine is mounted at `transit`.
pub(super) struct Transit {
    url: Url,
    token: SecretString,
    /// The beginning of its keys' names.
    prefix: String,
    /// What they are, and end with.
    kinds: Vec<&'static str>,
    ciphertext: String,
}

impl Transit {
    /// # Errors
    /// It is no address.
    pub(super) fn new(url: &str, token: SecretString) -> Result<Self, Error> {
        let parsed = Url::parse_any(url).filter(|url| url.target == "/");
        Ok(Self {
            url: parsed.ok_or_else(|| failed(format!("{url} is not http(s)://host:port")))?,
            token,
            prefix: format!("strongroom-bench-{}", Uuid::new_v4().simple()),
            kinds: Vec::new(),
            ciphertext: String::new(),
        })
    }

    /// Makes the keys that `operations` need.
    ///
    /// # Errors
    /// What the server answers; [`Transit::clean_up`] all the same.
    pub(super) async fn prepare(&mut self, operations: &[Operation]) -> Result<(), Error> {
        let mut wire = Wire::open(&self.url).await?;
        for operation in operations {
            let kind = kind(*operation);
            if !self.kinds.contains(&kind) {
                let path = format!("keys/{}-{kind}", self.prefix);
                let request = self.bytes("POST", &path, &json!({"type": kind}));
                self.within_patience(&mut wire, &request).await?;
                self.kinds.push(kind);
            }
        }
        if operations.contains(&Operation::Decrypt) {
            let request = self.request(Operation::Encrypt)?;
            let answer = self.within_patience(&mut wire, &request).await?;
            self.ciphertext = text(&answer, "/data/ciphertext")?.to_owned();
        }
        Ok(())
    }

    /// Deletes every key that was made.
    ///
    /// # Errors
    /// What the server answers; the rest is left.
    pub(super) async fn clean_up(&self) -> Result<(), Error> {
        let mut wire = Wire::open(&self.url).await?;
        for kind in &self.kinds {
            let key = format!("keys/{}-{kind}", self.prefix);
            let allowed = json!({"deletion_allowed": true});
            let allow = self.bytes("POST", &format!("{key}/config"), &allowed);
            self.within_patience(&mut wire, &allow).await?;
            let delete = self.bytes("DELETE", &key, &json!({}));
            self.within_patience(&mut wire, &delete).await?;
        }
        Ok(())
    }

    async fn within_patience(&self, wire: &mut Wire, request: &[u8]) -> Result<Value, Error> {
        let answer = tokio::time::timeout(PATIENCE, ask(self, wire, request)).await;
        answer.map_err(|_| failed(format!("OpenBao: no answer within {PATIENCE:?}")))?
    }

    fn bytes(&self, method: &str, path: &str, body: &Value) -> Vec<u8> {
        let body = body.to_string();
        format!(
            "{method} /v1/transit/{path} HTTP/1.1\r\nhost: {}\r\nx-vault-token: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.url.authority(),
            self.token.expose_secret(),
            body.len()
        )
        .into_bytes()
    }

    /// A request to use the key of an operation.
    fn using(&self, verb: &str, operation: Operation, body: &Value) -> Vec<u8> {
        let path = format!("{verb}/{}-{}", self.prefix, kind(operation));
        self.bytes("POST", &path, body)
    }

    fn decrypting(&self, ciphertext: &str) -> Vec<u8> {
        let body = json!({"ciphertext": ciphertext});
        self.using("decrypt", Operation::Decrypt, &body)
    }
}

impl System for Transit {
    fn url(&self) -> &Url {
        &self.url
    }

    fn request(&self, operation: Operation) -> Result<Vec<u8>, Error> {
        Ok(match operation {
            Operation::Encrypt => {
                self.using("encrypt", operation, &json!({"plaintext": PLAINTEXT}))
            }
            Operation::GenerateDataKey => {
                self.using("datakey/plaintext", operation, &json!({"bits": 256}))
            }
            Operation::Decrypt => self.decrypting(&self.ciphertext),
            Operation::SignRsa2048Pss | Operation::SignEccP256 => {
                self.using("sign", operation, &digest(operation))
            }
        })
    }

    fn proof(&self, operation: Operation, answer: &Value) -> Result<Proof, Error> {
        let decrypted = |expected: &str| {
            Ok(Proof {
                request: Some(self.decrypting(text(answer, "/data/ciphertext")?)),
                member: "/data/plaintext",
                expected: expected.into(),
            })
        };
        match operation {
            Operation::Encrypt => decrypted(PLAINTEXT),
            Operation::GenerateDataKey => decrypted(text(answer, "/data/plaintext")?),
            Operation::Decrypt => Ok(Proof {
                request: None,
                member: "/data/plaintext",
                expected: PLAINTEXT.into(),
            }),
            Operation::SignRsa2048Pss | Operation::SignEccP256 => {
                let mut body = digest(operation);
                body["signature"] = text(answer, "/data/signature")?.into();
                Ok(Proof {
                    request: Some(self.using("verify", operation, &body)),
                    member: "/data/valid",
                    expected: true.into(),
                })
            }
        }
    }

    fn refusal(&self, status: u16, answer: &[u8]) -> Error {
        client::refusal("OpenBao", status, answer)
    }
}

/// What is signed, and how: as the gateway does it.
fn digest(operation: Operation) -> Value {
    let mut body = json!({"input": PLAINTEXT, "prehashed": true, "hash_algorithm": "sha2-256"});
    if operation == Operation::SignRsa2048Pss {
        body["signature_algorithm"] = "pss".into();
        body["salt_length"] = "hash".into();
    }
    body
}

/// Transit's name of the kind of key.
fn kind(operation: Operation) -> &'static str {
    match operation {
        Operation::Encrypt | Operation::GenerateDataKey | Operation::Decrypt => "aes256-gcm96",
        Operation::SignRsa2048Pss => "rsa-2048",
        Operation::SignEccP256 => "ecdsa-p256",
    }
}
