//! The gateway under load: keys of our own, and closed loops of requests.

use super::super::failed;
use super::table::Sample;
use crate::Error;
use crate::cli::client::{Connection, Endpoint};
use crate::model::KeySpec;
use crate::token::BaselineOperation as Operation;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LABEL: &str = "strongroom bench";
/// 32 bytes, in base64.
const PLAINTEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// AWS's shortest waiting period.
const DAYS: u32 = 7;
/// Latencies kept of one connection and measurement; what comes after them is only counted.
const MAX_LATENCIES: usize = 1 << 20;
/// A connection that fails so often in one measurement gives up.
const MAX_ERRORS: u64 = 100;

/// The gateway, and the keys made on it.
pub(super) struct Load {
    endpoint: Arc<Endpoint>,
    keys: Vec<(Option<KeySpec>, String)>,
    ciphertext: String,
}

impl Load {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            keys: Vec::new(),
            ciphertext: String::new(),
        }
    }

    /// Makes the keys that `operations` need, and `extra` more that are not used.
    ///
    /// # Errors
    /// What the gateway answers; [`Load::clean_up`] all the same.
    pub(super) async fn prepare(
        &mut self,
        operations: &[Operation],
        extra: usize,
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        let endpoint = Arc::clone(&self.endpoint);
        let mut connection = Connection::open(&endpoint).await?;
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
            self.ciphertext = text(&answer["CiphertextBlob"])?;
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

    fn input(&self, operation: Operation) -> Result<Value, Error> {
        let context = json!({"purpose": LABEL});
        let key = self.key(operation)?;
        let sign = |algorithm: &str| {
            json!({"KeyId": key, "Message": PLAINTEXT, "MessageType": "DIGEST",
                   "SigningAlgorithm": algorithm})
        };
        Ok(match operation {
            Operation::Encrypt => {
                json!({"KeyId": key, "Plaintext": PLAINTEXT, "EncryptionContext": context})
            }
            Operation::GenerateDataKey => {
                json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context})
            }
            Operation::Decrypt => {
                json!({"CiphertextBlob": self.ciphertext, "EncryptionContext": context})
            }
            Operation::SignRsa2048Pss => sign("RSASSA_PSS_SHA_256"),
            Operation::SignEccP256 => sign("ECDSA_SHA_256"),
        })
    }

    /// Where to, and the body of, a request of `operation`.
    ///
    /// # Errors
    /// There is no key.
    pub(super) fn request(
        &self,
        operation: Operation,
    ) -> Result<(Arc<Endpoint>, Arc<[u8]>), Error> {
        let body = self.input(operation)?.to_string().into_bytes();
        Ok((self.endpoint.clone(), body.into()))
    }

    /// One measurement: `connections` closed loops for `duration`.
    ///
    /// # Errors
    /// There is no key; failed requests are in the sample.
    pub(super) async fn run(
        &self,
        operation: Operation,
        connections: usize,
        duration: Duration,
    ) -> Result<Sample, Error> {
        let (endpoint, body) = self.request(operation)?;
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let (endpoint, body) = (Arc::clone(&endpoint), Arc::clone(&body));
                tokio::spawn(
                    async move { repeat(&endpoint, action(operation), &body, duration).await },
                )
            })
            .collect();
        let mut all = Repeated::default();
        for task in tasks {
            let one = task.await.map_err(Error::internal)?;
            all.per_second += one.per_second;
            all.latencies.extend(one.latencies);
            all.errors += one.errors;
            all.first_error = all.first_error.or(one.first_error);
        }
        Ok(Sample::new(all.per_second, all.latencies).with_errors(all.errors, all.first_error))
    }
}

/// AWS's name of the operation.
fn action(operation: Operation) -> &'static str {
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
    text(&answer["KeyMetadata"]["KeyId"])
}

fn text(value: &Value) -> Result<String, Error> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| failed("the gateway's answer lacks a member"))
}

/// What one connection, or all, did in a measurement.
#[derive(Default)]
struct Repeated {
    per_second: f64,
    latencies: Vec<u32>,
    errors: u64,
    first_error: Option<String>,
}

/// One connection's loop.
async fn repeat(endpoint: &Endpoint, action: &str, body: &[u8], duration: Duration) -> Repeated {
    let mut done = Repeated::default();
    let mut successes = 0_u64;
    let mut connection = None;
    let mut begin = Instant::now();
    while begin.elapsed() < duration && done.errors < MAX_ERRORS {
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => Connection::open(endpoint).await,
        };
        let mut open = match open {
            Ok(open) => open,
            Err(error) => {
                done.fail(&error);
                continue;
            }
        };
        let before = Instant::now();
        if successes + done.errors == 0 {
            begin = before; // connecting is not measured
        }
        match open.call(action, body).await {
            Ok(_) => {
                successes += 1;
                if done.latencies.len() < MAX_LATENCIES {
                    let nanos = before.elapsed().as_nanos();
                    done.latencies
                        .push(u32::try_from(nanos).unwrap_or(u32::MAX));
                }
                connection = Some(open);
            }
            Err(error) => done.fail(&error),
        }
    }
    done.per_second = successes as f64 / begin.elapsed().as_secs_f64();
    done
}

impl Repeated {
    fn fail(&mut self, error: &Error) {
        self.errors += 1;
        self.first_error
            .get_or_insert_with(|| error.message().to_owned());
    }
}
