//! The PKCS#11 token: the only user of `cryptoki`.
//!
//! Calls into a token block, so they run on named session threads behind a bounded queue; an
//! async handle submits a job and awaits its answer, on whatever runtime it is called.
//!
//! - `supervisor` opens the token, and opens it again when it was lost: an *epoch* each time;
//! - `module` is what the tokens of one module share: C_Initialize and C_Finalize;
//! - `pool` has an epoch's threads and queues, `session` what one thread has;
//! - `verbs` are what the layers above call; `generate`, `cipher`, `rsa`, `signature`, `mac` and
//!   `system_key` do them on a session thread;
//! - `data_key_pair` and `agreement` make what callers take with them, as session objects, and
//!   `handed_out` reads it: it is given the handle of no CMK;
//! - `attributes` says what a key must be, `error` what a return value means;
//! - `compare` says what of an object is otherwise than it was made: at its first sight in an epoch,
//!   and for `inventory` and `attest`;
//! - `export_check` looks at every opening whether the token keeps its keys to itself;
//! - `probe`, `self_test`, `provision` and `baseline` are for the command line, on modules not in
//!   use.
//!
//! A process may have any number of [`Token`]s, of one module or of several, each token once.

mod adopt;
mod adopted;
mod agreement;
mod anchor;
mod attest;
mod attributes;
mod baseline;
mod calls;
mod cipher;
mod compare;
mod config;
mod data_key_pair;
mod der;
mod deviation;
mod epoch;
mod error;
mod export_check;
mod generate;
mod handed_out;
mod import;
mod inventory;
mod job;
mod key;
mod mac;
mod material;
mod message_signature;
mod metrics;
mod module;
mod oaep;
mod pair;
mod pkcs8;
mod pool;
mod probe;
mod provision;
mod public_key;
mod queue;
mod rsa;
mod self_test;
mod self_test_pairs;
mod session;
mod shared;
mod signature;
mod supervisor;
mod system_key;
mod unwrapping;
mod verbs;
mod wrapping;

pub use adopt::{Adopted, Adoption, Locator};
pub use agreement::Encapsulated;
pub use attest::{Sighting, Subject, TokenIdentity};
pub use baseline::{
    Baseline, Latencies as BaselineLatencies, Operation as BaselineOperation, Rates,
};
pub use config::{SystemKey, TokenConfig, TokenSelector, TokenStats, TokenStatus, TokenTrouble};
pub use data_key_pair::DataKeyPair;
pub use deviation::Deviation;
pub use error::{TokenError, TokenErrorClass};
pub use export_check::AttributeCheck;
pub use import::{Import, Imported};
pub use inventory::{Expected, TokenObject};
pub use key::{AdoptedAttributes, Birth, KeyRef};
pub use probe::{ProbeReport, SlotReport, TokenReport, Verdict, probe};
pub use provision::{Provisioned, provision};
pub use self_test::MechanismCheck;

use crate::metrics::MetricFamily;
use job::{Job, Work};
use pool::Lane;
use queue::Comes;
use session::TokenSession;
use shared::Shared;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use supervisor::{Event, Supervisor};
use tokio::sync::oneshot;
use uuid::Uuid;

/// How long a job waits before it asks for another session thread.
const HURRY: Duration = Duration::from_millis(5);

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

    /// What kept the token from being opened the last time that it could not be.
    pub fn trouble(&self) -> Option<TokenTrouble> {
        let trouble = self.handle.shared.trouble.read();
        *trouble.unwrap_or_else(PoisonError::into_inner)
    }

    /// The token's serial number, while it is ready.
    pub fn serial(&self) -> Option<String> {
        match self.status() {
            TokenStatus::Ready { serial, .. } => Some(serial),
            TokenStatus::Away(_) | TokenStatus::Operator(_) => None,
        }
    }

    /// The same, where there has to be one.
    ///
    /// # Errors
    /// Class TokenLost or Operator while the token is not ready.
    pub fn require_serial(&self) -> Result<String, TokenError> {
        self.serial().ok_or_else(|| self.unavailable())
    }

    /// How busy the token is.
    pub fn stats(&self) -> TokenStats {
        let shared = &self.handle.shared;
        let lanes = shared.lanes.read().unwrap_or_else(PoisonError::into_inner);
        let queued = |lane| lanes.as_ref().map_or(0, |lanes| lanes.queue(lane).len());
        let (busy, hung) = shared.calls.under_way();
        TokenStats {
            epoch: shared.epoch.load(Ordering::Relaxed),
            threads: shared.threads.load(Ordering::Relaxed),
            busy,
            hung,
            queued: queued(Lane::ReadOnly),
            queued_read_write: queued(Lane::ReadWrite),
        }
    }

    /// Its metrics, as they stand.
    pub fn metrics(&self) -> Vec<MetricFamily> {
        let ready = matches!(self.status(), TokenStatus::Ready { .. });
        self.handle.shared.metrics.gather(ready, self.stats())
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
        let (caller, mut answer) = oneshot::channel();
        let job = Box::new(Work {
            work,
            idempotent,
            outcome: None,
            caller,
            queued: Instant::now(),
        });
        let metrics = &self.handle.shared.metrics;
        let answered = async {
            let submitted = self.submit(lane, job).await;
            let comes = submitted.inspect_err(|error| metrics.error(error.class))?;
            let lost = |_| pool::away("the session thread ended without an answer");
            // Only then: a timer so short costs a system call where nothing else goes on.
            if comes == Comes::Soon {
                match tokio::time::timeout(HURRY, &mut answer).await {
                    Ok(outcome) => return outcome.map_err(lost)?,
                    Err(_) => self.hurry(lane),
                }
            }
            answer.await.map_err(lost)?
        };
        if let Ok(outcome) = tokio::time::timeout(deadline, answered).await {
            return outcome;
        }
        metrics.error(TokenErrorClass::Deadline);
        let detail = format!("no answer within {} ms", deadline.as_millis());
        Err(TokenError::new(TokenErrorClass::Deadline, "queue", detail))
    }

    /// Has another thread come, where the one that a job counted on does not.
    fn hurry(&self, lane: Lane) {
        let lanes = self.handle.shared.lanes.read();
        if let Some(lanes) = lanes.unwrap_or_else(PoisonError::into_inner).as_ref() {
            lanes.queue(lane).hurry();
        }
    }

    /// Queues a job, once the module has been initialised anew where that is under way.
    async fn submit(&self, lane: Lane, job: Box<dyn Job>) -> Result<Comes, TokenError> {
        let shared = &self.handle.shared;
        loop {
            let mut paused = {
                let lanes = shared.lanes.read().unwrap_or_else(PoisonError::into_inner);
                match lanes.as_ref() {
                    Some(lanes) => return lanes.submit(lane, job),
                    None if *shared.paused.borrow() => shared.paused.subscribe(),
                    None => return Err(self.unavailable()),
                }
            };
            // The sender is our own and is not gone.
            let _ = paused.wait_for(|paused| !paused).await;
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
