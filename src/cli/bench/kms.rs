//! A gateway under load, and the keys made on it.

use super::super::failed;
use super::system::{PLAINTEXT, Proof, System, text};
use crate::Error;
use crate::cli::client::{self, Connection, Endpoint};
use crate::model::{KeySpec, Url};
use crate::token::BaselineOperation as Operation;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

const LABEL: &str = "strongroom bench";
/// AWS's shortest waiting period.
const DAYS: u32 = 7;

/// The gateway, as one caller has it.
pub(super) struct Kms {
    endpoint: Endpoint,
    keys: Vec<(Option<KeySpec>, String)>,
    ciphertext: String,
}

impl Kms {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            keys: Vec::new(),
            ciphertext: String::new(),
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Makes the keys that `operations` need, and `extra` more that are not used.
    ///
    /// # Errors
    /// What the gateway answers; [`Kms::clean_up`] all the same.
    pub(super) async fn prepare(
        &mut self,
        operations: &[Operation],
        extra: usize,
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        let mut connection = Connection::open(&self.endpoint).await?;
        for _ in 0..extra {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let id = create(&mut connection, Operation::Encrypt).await?;
            self.keys.push((None, id));
        }
        for operation in operations {
            let (spec, _) = operation.spec_and_usage();
            if self.key(*operation).is_err() {
                let id = create(&mut connection, *operation).await?;
                self.keys.push((Some(spec), id));
            }
        }
        if operations.contains(&Operation::Decrypt) {
            let input = self.input(Operation::Encrypt)?;
            let answer = connection.call_json("TrentService.Encrypt", &input).await?;
            self.ciphertext = text(&answer, "/CiphertextBlob")?.to_owned();
        }
        Ok(())
    }

    /// Schedules the deletion of every key that was made; says of how many.
    ///
    /// # Errors
    /// The last of those that happened; the other keys are scheduled nevertheless.
    pub(super) async fn clean_up(&self) -> Result<usize, Error> {
        let mut outcome = Ok(self.keys.len());
        let mut connection = None;
        for (_, id) in &self.keys {
            let input = json!({"KeyId": id, "PendingWindowInDays": DAYS});
            let open = match connection.take() {
                Some(open) => open,
                None => Connection::open(&self.endpoint).await?,
            };
            let open = connection.insert(open);
            if let Err(error) = open
                .call_json("TrentService.ScheduleKeyDeletion", &input)
                .await
            {
                outcome = Err(failed(format!("key {id} is left: {}", error.message())));
                connection = None;
            }
        }
        outcome
    }

    fn key(&self, operation: Operation) -> Result<&str, Error> {
        let (spec, _) = operation.spec_and_usage();
        let mut keys = self.keys.iter();
        keys.find(|(known, _)| *known == Some(spec))
            .map(|(_, id)| id.as_str())
            .ok_or_else(|| failed("no key was made for this operation"))
    }

    /// What an operation is asked with.
    ///
    /// # Errors
    /// There is no key.
    pub(super) fn input(&self, operation: Operation) -> Result<Value, Error> {
        let key = self.key(operation)?;
        Ok(match operation {
            Operation::Encrypt => {
                json!({"KeyId": key, "Plaintext": PLAINTEXT, "EncryptionContext": context()})
            }
            Operation::GenerateDataKey => {
                json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context()})
            }
            Operation::Decrypt => {
                json!({"CiphertextBlob": self.ciphertext, "EncryptionContext": context()})
            }
            Operation::SignRsa2048Pss | Operation::SignEccP256 => {
                let algorithm = match operation {
                    Operation::SignEccP256 => "ECDSA_SHA_256",
                    _ => "RSASSA_PSS_SHA_256",
                };
                json!({"KeyId": key, "Message": PLAINTEXT, "MessageType": "DIGEST",
                       "SigningAlgorithm": algorithm})
            }
        })
    }

    fn bytes(&self, target: &str, input: &Value) -> Result<Vec<u8>, Error> {
        self.endpoint.request(target, input.to_string().as_bytes())
    }
}

impl System for Kms {
    fn url(&self) -> &Url {
        self.endpoint.url()
    }

    fn request(&self, operation: Operation) -> Result<Vec<u8>, Error> {
        self.bytes(target(operation), &self.input(operation)?)
    }

    fn proof(&self, operation: Operation, answer: &Value) -> Result<Proof, Error> {
        let decrypted = |expected: &str| {
            let blob = text(answer, "/CiphertextBlob")?;
            let input = json!({"CiphertextBlob": blob, "EncryptionContext": context()});
            Ok(Proof {
                request: Some(self.bytes(target(Operation::Decrypt), &input)?),
                member: "/Plaintext",
                expected: expected.into(),
            })
        };
        match operation {
            Operation::Encrypt => decrypted(PLAINTEXT),
            Operation::GenerateDataKey => decrypted(text(answer, "/Plaintext")?),
            Operation::Decrypt => Ok(Proof {
                request: None,
                member: "/Plaintext",
                expected: PLAINTEXT.into(),
            }),
            Operation::SignRsa2048Pss | Operation::SignEccP256 => {
                let mut input = self.input(operation)?;
                input["Signature"] = text(answer, "/Signature")?.into();
                Ok(Proof {
                    request: Some(self.bytes("TrentService.Verify", &input)?),
                    member: "/SignatureValid",
                    expected: true.into(),
                })
            }
        }
    }

    fn refusal(&self, status: u16, answer: &[u8]) -> Error {
        client::refusal("the gateway", status, answer)
    }
}

fn context() -> Value {
    json!({"purpose": LABEL})
}

/// AWS's name of the operation.
pub(super) fn target(operation: Operation) -> &'static str {
    match operation {
        Operation::Encrypt => "TrentService.Encrypt",
        Operation::GenerateDataKey => "TrentService.GenerateDataKey",
        Operation::Decrypt => "TrentService.Decrypt",
        Operation::SignRsa2048Pss | Operation::SignEccP256 => "TrentService.Sign",
    }
}

async fn create(connection: &mut Connection<'_>, operation: Operation) -> Result<String, Error> {
    let (spec, usage) = operation.spec_and_usage();
    let input = json!({"KeySpec": spec.as_str(), "KeyUsage": usage.as_str(), "Description": LABEL});
    let answer = connection
        .call_json("TrentService.CreateKey", &input)
        .await?;
    text(&answer, "/KeyMetadata/KeyId").map(str::to_owned)
}
