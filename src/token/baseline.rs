//! How fast the token is on its own: the calls that the gateway makes, without the gateway.
//!
//! For `strongroom bench`. One session a thread, one handle, one PKCS#11 operation after another,
//! on keys made like every other key here and destroyed at the end.

mod latencies;

pub use latencies::Latencies;

use super::attributes::Class;
use super::config::TokenConfig;
use super::epoch::{self, Epoch, initialize};
use super::error::{TokenError, TokenErrorClass};
use super::generate;
use super::session::TokenSession;
use super::signature::pss;
use crate::model::algorithm::Hash;
use crate::model::{KeySpec, KeyUsage};
use cryptoki::context::Pkcs11;
use cryptoki::error::Result as CkResult;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const LABEL: &str = "strongroom bench";
const AAD: &[u8] = b"strongroom bench";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// AES-256-GCM over 32 bytes, with additional data.
    Encrypt,
    /// 32 random bytes, and the same encrypted.
    GenerateDataKey,
    /// The reverse of `Encrypt`.
    Decrypt,
    /// RSASSA-PSS over a SHA-256 digest, 2048 bits.
    SignRsa2048Pss,
    /// ECDSA over a SHA-256 digest, P-256.
    SignEccP256,
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 5] = [
        Operation::Encrypt,
        Operation::GenerateDataKey,
        Operation::Decrypt,
        Operation::SignRsa2048Pss,
        Operation::SignEccP256,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::Encrypt => "encrypt",
            Operation::GenerateDataKey => "generate-data-key",
            Operation::Decrypt => "decrypt",
            Operation::SignRsa2048Pss => "sign-rsa-2048-pss",
            Operation::SignEccP256 => "sign-ecc-p256",
        }
    }

    /// The kind of key that it needs.
    pub const fn spec_and_usage(self) -> (KeySpec, KeyUsage) {
        match self {
            Operation::Encrypt | Operation::GenerateDataKey | Operation::Decrypt => {
                (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt)
            }
            Operation::SignRsa2048Pss => (KeySpec::Rsa2048, KeyUsage::SignVerify),
            Operation::SignEccP256 => (KeySpec::EccNistP256, KeyUsage::SignVerify),
        }
    }
}

/// What one measurement gave.
pub struct Rates {
    /// Operations a second, of all threads together.
    pub per_second: f64,
    /// How long each took.
    pub latencies: Latencies,
}

/// A token opened for measuring.
pub struct Baseline {
    pkcs11: Pkcs11,
    ours: bool,
    anchor: Session,
    epoch: Arc<Epoch>,
    keys: Vec<(KeySpec, Uuid)>,
}

impl Baseline {
    /// Opens the token and makes the keys that `operations` need. Blocks; must not run while a
    /// [`Token`](super::Token) of the same module is open in this process.
    ///
    /// # Errors
    /// Whatever keeps the token from being opened or from making a key.
    pub fn open(config: &TokenConfig, operations: &[Operation]) -> Result<Self, TokenError> {
        let pkcs11 = Pkcs11::new(&config.module)?;
        let ours = initialize(&pkcs11)?;
        let (slot, info) = epoch::find_token(&pkcs11, &config.select)?;
        let (epoch, anchor) = epoch::begin(&pkcs11, slot, &info, config, 1)
            .map_err(epoch::OpenFailure::into_error)?;
        let mut baseline = Self {
            pkcs11,
            ours,
            anchor,
            epoch: Arc::new(epoch),
            keys: Vec::new(),
        };
        match baseline.make_keys(operations) {
            Ok(()) => Ok(baseline),
            Err(error) => {
                // The first error says more than what may follow from it.
                let _ = baseline.close();
                Err(error)
            }
        }
    }

    fn make_keys(&mut self, operations: &[Operation]) -> Result<(), TokenError> {
        let mut session = TokenSession::open(Arc::clone(&self.epoch), true)?;
        for operation in operations {
            let (spec, usage) = operation.spec_and_usage();
            if self.keys.iter().any(|(known, _)| *known == spec) {
                continue;
            }
            let version = Uuid::new_v4();
            generate::generate(&mut session, version, LABEL, spec, usage)?;
            self.keys.push((spec, version));
        }
        Ok(())
    }

    /// Does `pattern` over and over on `threads` threads for `duration`.
    ///
    /// # Errors
    /// The first error of any thread.
    pub fn run(
        &self,
        pattern: &[Operation],
        threads: usize,
        duration: Duration,
    ) -> Result<Rates, TokenError> {
        let mut sessions = Vec::new();
        let mut steps = Vec::new();
        for _ in 0..threads {
            let mut session = TokenSession::open(Arc::clone(&self.epoch), false)?;
            steps.clear();
            for operation in pattern {
                let (version, class) = self.key(*operation)?;
                // Finds the handle, which is good in every session.
                let object = session.with_key(version, class, |_, object| Ok(object))?;
                steps.push((*operation, object));
            }
            sessions.push(session);
        }
        let (version, class) = match pattern.first() {
            Some(operation) => self.key(*operation)?,
            None => return Err(bug("there is nothing to measure")),
        };
        let steps = &steps;
        std::thread::scope(|scope| {
            let threads: Vec<_> = sessions
                .iter_mut()
                .map(|session| {
                    scope.spawn(move || {
                        session.with_key(version, class, |raw, _| repeat(raw, steps, duration))
                    })
                })
                .collect();
            let mut all = Rates {
                per_second: 0.0,
                latencies: Latencies::default(),
            };
            for thread in threads {
                let one = thread.join().map_err(|_| bug("a thread panicked"))??;
                all.per_second += one.per_second;
                all.latencies.merge(&one.latencies);
            }
            Ok(all)
        })
    }

    fn key(&self, operation: Operation) -> Result<(Uuid, Class), TokenError> {
        let (spec, _) = operation.spec_and_usage();
        let mut keys = self.keys.iter();
        let version = keys.find(|(known, _)| *known == spec);
        let (_, version) = version.ok_or_else(|| bug("no key was made for this operation"))?;
        Ok((*version, Class::of(spec)))
    }

    /// Destroys the keys and finalizes the module.
    ///
    /// # Errors
    /// A key could not be destroyed, and stays on the token.
    pub fn close(self) -> Result<(), TokenError> {
        let destroyed = self.destroy_keys();
        // No session may be open any more when the module is finalized.
        drop(self.anchor);
        drop(self.epoch);
        if self.ours {
            self.pkcs11.finalize()?;
        }
        destroyed
    }

    fn destroy_keys(&self) -> Result<(), TokenError> {
        let mut session = TokenSession::open(Arc::clone(&self.epoch), true)?;
        for (_, version) in &self.keys {
            generate::destroy(&mut session, *version)?;
        }
        Ok(())
    }
}

fn bug(detail: &str) -> TokenError {
    TokenError::new(TokenErrorClass::Bug, "baseline", detail)
}

/// One thread's loop.
fn repeat(
    raw: &Session,
    steps: &[(Operation, ObjectHandle)],
    duration: Duration,
) -> CkResult<Rates> {
    let mut counter: [u8; 12] = [0; 12];
    raw.generate_random_slice(&mut counter[..4])?;
    let mut number = 0_u64;
    let mut plaintext = [7; 32];
    let gcm = |iv: [u8; 12], call: &dyn Fn(&Mechanism<'_>) -> CkResult<Vec<u8>>| {
        // A token may write to the IV's buffer.
        let mut iv = iv;
        call(&Mechanism::AesGcm(GcmParams::new(
            &mut iv,
            AAD,
            Ulong::from(128),
        )?))
    };
    let of_decrypt = steps.iter().find(|(it, _)| *it == Operation::Decrypt);
    let first = counter;
    let ciphertext = match of_decrypt {
        Some((_, object)) => gcm(first, &|it| raw.encrypt(it, *object, &plaintext))?,
        None => Vec::new(),
    };
    let mut latencies = Latencies::of(&steps.iter().map(|(it, _)| *it).collect::<Vec<_>>());
    let begin = Instant::now();
    let mut before = begin;
    let elapsed = loop {
        let (operation, object) = steps[number as usize % steps.len()];
        number += 1;
        match operation {
            Operation::Encrypt | Operation::GenerateDataKey => {
                counter[4..].copy_from_slice(&number.to_be_bytes());
                if operation == Operation::GenerateDataKey {
                    raw.generate_random_slice(&mut plaintext)?;
                }
                gcm(counter, &|it| raw.encrypt(it, object, &plaintext))?;
            }
            Operation::Decrypt => drop(gcm(first, &|it| raw.decrypt(it, object, &ciphertext))?),
            Operation::SignRsa2048Pss => drop(raw.sign(&pss(Hash::Sha256), object, &plaintext)?),
            Operation::SignEccP256 => drop(raw.sign(&Mechanism::Ecdsa, object, &plaintext)?),
        }
        let now = Instant::now();
        latencies.add(operation, now - before);
        before = now;
        if now - begin >= duration {
            break now - begin;
        }
    };
    Ok(Rates {
        per_second: number as f64 / elapsed.as_secs_f64(),
        latencies,
    })
}
