//! The PKCS#11 token: the only user of `cryptoki`.
//!
//! Calls into a token block, so they run on named session threads behind a bounded queue; an
//! async handle submits a job and awaits its answer, on whatever runtime it is called.
//!
//! - `supervisor` opens the token, and opens it again when it was lost: an *epoch* each time;
//! - `pool` has an epoch's threads and queues, `session` what one thread has;
//! - `verbs` are what the layers above call; `generate`, `cipher`, `rsa`, `signature`, `mac` and
//!   `system_key` do them on a session thread;
//! - `attributes` says what a key must be, `error` what a return value means;
//! - `export_check` looks at every opening whether the token keeps its keys to itself;
//! - `probe`, `self_test` and `provision` are for the command line, on modules not in use.
//!
//! One [`Token`] per module and process: C_Initialize and C_Finalize are the process's.

mod attributes;
mod cipher;
mod config;
mod epoch;
mod error;
mod export_check;
mod generate;
mod job;
mod key;
mod mac;
mod oaep;
mod pool;
mod probe;
mod provision;
mod public_key;
mod rsa;
mod self_test;
mod session;
mod signature;
mod supervisor;
mod system_key;
mod verbs;

pub use config::{SystemKey, TokenConfig, TokenSelector, TokenStats, TokenStatus};
pub use error::{TokenError, TokenErrorClass};
pub use export_check::AttributeCheck;
pub use key::{Birth, KeyRef};
pub use probe::{ProbeReport, SlotReport, TokenReport, Verdict, probe};
pub use provision::{Provisioned, provision};
pub use self_test::MechanismCheck;

use job::Work;
use pool::Lane;
use session::TokenSession;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use supervisor::{Event, Shared, Supervisor};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A token in use. Cheap to clone; the threads stop when [`Token::close`] is called, or soon
/// after the last clone is gone.
#[derive(Clone)]
pub struct Token {
    handle: Arc<Handle>,
}

/// What the clones of a [`Token`] share.
struct Handle {
    shared: Arc<Shared>,
    events: crossbeam_channel::Sender<Event>,
    deadline: Duration,
    /// The gateway's own keys that were asked for: no CMK, so neither listed nor destroyed.
    system_keys: RwLock<HashSet<Uuid>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The supervisor may have been closed already.
        let _ = self.events.send(Event::Close(None));
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Token").field(&self.status()).finish()
    }
}

/// What AES-256-GCM gave.
#[derive(Debug)]
pub struct Sealed {
    /// 96 random bits from the token.
    pub iv: [u8; 12],
    /// Ciphertext, then the 128-bit tag.
    pub ciphertext: Vec<u8>,
}

impl Token {
    /// Starts the threads. Never waits for the token and never fails for its absence: see
    /// [`Token::status`].
    ///
    /// # Errors
    ///
    /// Only if the operating system refuses a thread.
    pub fn open(config: TokenConfig) -> Result<Self, TokenError> {
        let shared = Arc::new(Shared::new());
        let (events, inbox) = crossbeam_channel::unbounded();
        let deadline = config.deadline;
        let supervisor = Supervisor::new(config, Arc::clone(&shared), inbox, events.clone());
        std::thread::Builder::new()
            .name("strongroom-token".into())
            .spawn(move || supervisor.run())
            .map_err(|error| {
                TokenError::new(TokenErrorClass::Operator, "thread", error.to_string())
            })?;
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                events,
                deadline,
                system_keys: RwLock::default(),
            }),
        })
    }

    /// Where things stand.
    pub fn status(&self) -> TokenStatus {
        self.handle.shared.status.borrow().clone()
    }

    /// How busy the token is.
    pub fn stats(&self) -> TokenStats {
        let shared = &self.handle.shared;
        let lanes = shared.lanes.read().unwrap_or_else(PoisonError::into_inner);
        let queued = |lane| lanes.as_ref().map_or(0, |lanes| lanes.queued(lane));
        TokenStats {
            epoch: shared.epoch.load(Ordering::Relaxed),
            threads: shared.threads.load(Ordering::Relaxed),
            busy: shared.busy.load(Ordering::Relaxed),
            queued: queued(Lane::ReadOnly),
            queued_read_write: queued(Lane::ReadWrite),
        }
    }

    /// Waits until the token is ready, or says why not by `timeout`; at once where only an
    /// operator can help.
    ///
    /// # Errors
    ///
    /// Class Operator, or TokenLost with the last failure.
    pub async fn wait_ready(&self, timeout: Duration) -> Result<(), TokenError> {
        let mut status = self.handle.shared.status.subscribe();
        let settled = status.wait_for(|status| !matches!(status, TokenStatus::Away(_)));
        // Whatever ends the waiting, the status says what there is to say.
        let _ = tokio::time::timeout(timeout, settled).await;
        match self.status() {
            TokenStatus::Ready { .. } => Ok(()),
            TokenStatus::Away(text) => Err(pool::away(text)),
            TokenStatus::Operator(text) => {
                Err(TokenError::new(TokenErrorClass::Operator, "token", text))
            }
        }
    }

    /// One cheap question to the token (C_GetTokenInfo and C_GenerateRandom), for readiness:
    /// SoftHSM gives random bytes even when its token is gone.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering.
    pub async fn ping(&self) -> Result<(), TokenError> {
        self.crypto(|session| {
            session.check_present()?;
            session.fill_random(&mut [0; 16])
        })
        .await
    }

    /// Finishes what is under way, joins the threads, finalizes the module. A thread that hangs
    /// in the module is waited for no longer than a job's deadline and a few seconds.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.handle.events.send(Event::Close(Some(done))).is_ok() {
            // An error means that the supervisor has ended already.
            let _ = closed.await;
        }
    }

<<<<<<< HEAD
    /// Makes a key (pair) under `CKA_ID` = `version`, every attribute explicit, reads it back, and
    /// destroys it if it reads back otherwise (C_GenerateKey, C_GenerateKeyPair).
    ///
    /// # Errors
    ///
    /// Class Unsupported for a spec that the token or this gateway has not; Bug if the token has
    /// an object with that `CKA_ID`.
    pub async fn generate(
        &self,
        version: Uuid,
        label: &str,
        spec: KeySpec,
        usage: KeyUsage,
    ) -> Result<Birth, TokenError> {
        let label = label.to_owned();
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        self.call(Lane::ReadWrite, deadline, false, move |session| {
            generate::generate(session, version, &label, spec, usage)
        })
        .await
    }

    /// Destroys every object under `version`; `Ok(0)` only if the token is there and has none
    /// (C_DestroyObject). The gateway's own keys are refused.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from it; some of the objects may then be gone.
    pub async fn destroy(&self, version: Uuid) -> Result<usize, TokenError> {
        if self.is_system_key(version) {
            return Err(TokenError::new(
                TokenErrorClass::Bug,
                "destroy",
                "one of the gateway's own keys was to be destroyed",
            ));
        }
        self.call(
            Lane::ReadWrite,
            self.handle.deadline,
            true,
            move |session| generate::destroy(session, version),
        )
        .await
    }

    /// The `CKA_ID`s of all key objects on the token that are UUIDs (16 bytes), for
    /// reconciliation; without those that [`Token::ensure_system_key`] was asked for.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; never a part of the list.
    pub async fn object_ids(&self) -> Result<Vec<Uuid>, TokenError> {
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        let mut ids = self
            .call(Lane::ReadWrite, deadline, true, generate::object_ids)
            .await?;
        ids.retain(|id| !self.is_system_key(*id));
        Ok(ids.into_iter().collect())
    }

    fn is_system_key(&self, id: Uuid) -> bool {
        let ids = self.handle.system_keys.read();
        ids.unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// The gateway's own symmetric key of `role` in `deployment`, whether or not the token is there
    /// at this moment.
    pub fn system_key(&self, deployment: Uuid, role: SystemKey) -> KeyRef {
        let version = role.object_id(deployment);
        let ids = self.handle.system_keys.write();
        ids.unwrap_or_else(PoisonError::into_inner).insert(version);
        let (spec, usage) = role.spec_and_usage();
        KeyRef::new(version, spec, usage, None)
    }

    /// Makes the gateway's own key of `role` unless it is there; answers its reference. Not
    /// protected against two gateways at once: take an advisory lock.
    ///
    /// # Errors
    ///
    /// As [`Token::generate`]; Bug if what is there is not a key of this role.
    pub async fn ensure_system_key(
        &self,
        deployment: Uuid,
        role: SystemKey,
    ) -> Result<KeyRef, TokenError> {
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        let key = self
            .call(Lane::ReadWrite, deadline, false, move |session| {
                generate::ensure_system_key(session, deployment, role)
            })
            .await?;
        let ids = self.handle.system_keys.write();
        ids.unwrap_or_else(PoisonError::into_inner)
            .insert(key.version);
        Ok(key)
    }

    /// Random bytes from the token (C_GenerateRandom), at most 1 MiB.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; CallersFault if `len` is too much.
    pub async fn random(&self, len: usize) -> Result<SecretSlice<u8>, TokenError> {
        self.crypto(move |session| cipher::random(session, len))
            .await
    }
    /// AES-256-GCM under a fresh IV (PKCS#11 v3.1 section 6.13.3).
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn seal(
        &self,
        key: &KeyRef,
        aad: Vec<u8>,
        plaintext: SecretSlice<u8>,
    ) -> Result<Sealed, TokenError> {
        let key = key.clone();
        self.crypto(move |session| cipher::seal(session, &key, &aad, plaintext.expose_secret()))
            .await
    }
    /// `len` random bytes, and the same sealed: one job.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn seal_random(
        &self,
        key: &KeyRef,
        aad: Vec<u8>,
        len: usize,
    ) -> Result<(SecretSlice<u8>, Sealed), TokenError> {
        let key = key.clone();
        self.crypto(move |session| cipher::seal_random(session, &key, &aad, len))
            .await
    }
    /// Opens what [`Token::seal`] gave; `Ok(None)` if it does not authenticate.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn unseal(
        &self,
        key: &KeyRef,
        iv: [u8; 12],
        aad: Vec<u8>,
        sealed: Vec<u8>,
    ) -> Result<Option<SecretSlice<u8>>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| cipher::unseal(session, &key, iv, &aad, &sealed))
            .await
    }
    /// RSAES-OAEP encryption, with an empty label (PKCS#11 v3.1 section 6.1.8); under SHA-256 in the
    /// gateway, from the public key, where the token lacks it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn rsa_encrypt(
        &self,
        key: &KeyRef,
        algorithm: EncryptionAlgorithm,
        plaintext: SecretSlice<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| {
            rsa::encrypt(session, &key, algorithm, plaintext.expose_secret())
        })
        .await
    }
    /// RSAES-OAEP decryption; `Ok(None)` for bad padding or length. Where the token lacks SHA-256
    /// the private-key operation is its own and the padding is taken off here, in constant time.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn rsa_decrypt(
        &self,
        key: &KeyRef,
        algorithm: EncryptionAlgorithm,
        ciphertext: Vec<u8>,
    ) -> Result<Option<SecretSlice<u8>>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| rsa::decrypt(session, &key, algorithm, &ciphertext))
            .await
    }
    /// Signs a digest of the algorithm's length; ECDSA signatures come DER-encoded.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn sign(
        &self,
        key: &KeyRef,
        algorithm: SigningAlgorithm,
        digest: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| signature::sign(session, &key, algorithm, &digest))
            .await
    }
    /// Whether `signature` (ECDSA: DER) is right; anything malformed is `false`.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn verify(
        &self,
        key: &KeyRef,
        algorithm: SigningAlgorithm,
        digest: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<bool, TokenError> {
        let key = key.clone();
        self.crypto(move |session| signature::verify(session, &key, algorithm, &digest, &signature))
            .await
    }
    /// HMAC of a message (PKCS#11 v3.1 section 6.20).
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn mac(
        &self,
        key: &KeyRef,
        algorithm: MacAlgorithm,
        message: Vec<u8>,
    ) -> Result<Vec<u8>, TokenError> {
        let key = key.clone();
        self.crypto(move |session| mac::mac(session, &key, algorithm, &message))
            .await
    }
    /// Whether `mac` is the HMAC of `message`, compared in constant time.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; NoSuchObject if it has no such key.
    pub async fn verify_mac(
        &self,
        key: &KeyRef,
        algorithm: MacAlgorithm,
        message: Vec<u8>,
        mac: Vec<u8>,
    ) -> Result<bool, TokenError> {
        let key = key.clone();
        self.crypto(move |session| mac::verify(session, &key, algorithm, &message, &mac))
            .await
    }

=======
>>>>>>> wt-token
    /// A job for any session, that may be done again.
    async fn crypto<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut TokenSession) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        self.call(Lane::ReadOnly, self.handle.deadline, true, work)
            .await
    }

    async fn call<T: Send + 'static>(
        &self,
        lane: Lane,
        deadline: Duration,
        idempotent: bool,
        work: impl FnMut(&mut TokenSession) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Work {
            work,
            idempotent,
            outcome: None,
            caller,
        });
        {
            let lanes = self.handle.shared.lanes.read();
            let lanes = lanes.unwrap_or_else(PoisonError::into_inner);
            match lanes.as_ref() {
                Some(lanes) => lanes.submit(lane, job)?,
                None => return Err(self.unavailable()),
            }
        }
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(pool::away("the session thread ended without an answer")),
            Err(_) => Err(TokenError::new(
                TokenErrorClass::Deadline,
                "queue",
                format!("no answer within {} ms", deadline.as_millis()),
            )),
        }
    }

    /// The error of a verb while there is no token.
    fn unavailable(&self) -> TokenError {
        match self.status() {
            TokenStatus::Operator(text) => {
                TokenError::new(TokenErrorClass::Operator, "token", text)
            }
            TokenStatus::Away(text) => pool::away(text),
            TokenStatus::Ready { .. } => pool::away("the token is being opened"),
        }
    }
}
