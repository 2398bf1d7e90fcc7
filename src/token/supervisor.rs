//! The thread that opens the token, watches over its epochs and opens it again.
//!
//! The order is what matters: C_Finalize while another thread is inside the module crashes the
//! process, so sessions are dropped and threads joined first; and a thread that hangs in the
//! module is not waited for without end, at the price of not finalizing.

use super::config::{TokenConfig, TokenStatus};
use super::epoch::{self, OpenFailure};
use super::error::TokenError;
use super::pool::{self, Lanes};
use crossbeam_channel::{Receiver, Sender};
use cryptoki::context::Pkcs11;
use cryptoki::session::Session;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// How long threads are waited for beyond the deadline of a job.
const JOIN_GRACE: Duration = Duration::from_secs(5);

/// What the supervisor is told.
pub(super) enum Event {
    /// A session thread found the token gone.
    Lost { epoch: u64, detail: String },
    /// Stop, and say when it is done.
    Close(Option<oneshot::Sender<()>>),
}

/// What the verbs see.
pub(super) struct Shared {
    pub(super) status: watch::Sender<TokenStatus>,
    /// The queues of the epoch; `None` while there is no token.
    pub(super) lanes: RwLock<Option<Lanes>>,
    pub(super) epoch: AtomicU64,
    pub(super) threads: AtomicUsize,
    pub(super) busy: Arc<AtomicUsize>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            status: watch::Sender::new(TokenStatus::Away("the token is being opened".into())),
            lanes: RwLock::new(None),
            epoch: AtomicU64::new(0),
            threads: AtomicUsize::new(0),
            busy: Arc::default(),
        }
    }

    pub(super) fn set(&self, status: TokenStatus) {
        self.status.send_replace(status);
    }

    fn publish(&self, status: TokenStatus, lanes: Lanes) {
        let mut place = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        self.set(status);
        *place = Some(lanes);
    }

    fn take_lanes(&self) -> Option<Lanes> {
        let mut place = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        place.take()
    }
}

/// An epoch in progress.
struct Running {
    epoch: u64,
    anchor: Session,
    threads: Vec<JoinHandle<()>>,
}

pub(super) struct Supervisor {
    config: TokenConfig,
    shared: Arc<Shared>,
    events: Receiver<Event>,
    reports: Sender<Event>,
    /// Loaded once and kept: unloading a module that has had threads in it is asking for trouble.
    pkcs11: Option<Pkcs11>,
    /// Whether C_Initialize was ours and is still in force.
    initialized: bool,
    /// Threads that hang in the module; while there are any it must not be finalized.
    hanging: Vec<JoinHandle<()>>,
}

impl Supervisor {
    pub(super) fn new(
        config: TokenConfig,
        shared: Arc<Shared>,
        events: Receiver<Event>,
        reports: Sender<Event>,
    ) -> Self {
        Self {
            config,
            shared,
            events,
            reports,
            pkcs11: None,
            initialized: false,
            hanging: Vec::new(),
        }
    }

    /// Runs until told to close.
    pub(super) fn run(mut self) {
        let mut backoff = FIRST_BACKOFF;
        let closing = loop {
            let wait = match self.open() {
                Ok(running) => {
                    backoff = FIRST_BACKOFF;
                    match self.watch(running) {
                        Some(closing) => break closing,
                        None => None,
                    }
                }
                Err(failure) => Some(failure),
            };
            // Where an epoch was lost, the first try to open the next comes at once.
            let Some(failure) = wait else { continue };
            self.tell(&failure);
            let timeout = match failure {
                OpenFailure::Final(_) => None,
                OpenFailure::Away(_) | OpenFailure::Operator(_) => Some(backoff),
            };
            backoff = (backoff * 2).min(LAST_BACKOFF);
            if let Some(closing) = self.wait(timeout) {
                break closing;
            }
        };
        self.finalize();
        self.shared
            .set(TokenStatus::Away("the token was closed".into()));
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Sleeps; answers what to tell when the event is to close.
    fn wait(&self, timeout: Option<Duration>) -> Option<Option<oneshot::Sender<()>>> {
        let timer = timeout.map_or_else(crossbeam_channel::never, crossbeam_channel::after);
        loop {
            let event = crossbeam_channel::select! {
                recv(self.events) -> event => event,
                recv(timer) -> _ => return None,
            };
            match event {
                Ok(Event::Close(done)) => return Some(done),
                // From an epoch that is over.
                Ok(Event::Lost { .. }) => {}
                Err(_) => return Some(None),
            }
        }
    }

    fn tell(&self, failure: &OpenFailure) {
        let seen = self.shared.epoch.load(Ordering::Relaxed) > 0;
        let text = failure.error().to_string();
        let status = match failure {
            OpenFailure::Away(_) => TokenStatus::Away(text),
            // A token that was here and is not listed any more is away; it is known to exist.
            OpenFailure::Operator(error) if seen && error.function == "C_GetSlotList" => {
                TokenStatus::Away(text)
            }
            OpenFailure::Operator(_) | OpenFailure::Final(_) => TokenStatus::Operator(text),
        };
        if *self.shared.status.borrow() != status {
            log::warn!("the token cannot be used: {}", failure.error());
        }
        self.shared.set(status);
    }

    /// One attempt at a new epoch; on failure the module is left finalized.
    fn open(&mut self) -> Result<Running, OpenFailure> {
        let opened = self.try_open();
        if opened.is_err() {
            self.finalize();
        }
        opened
    }

    fn try_open(&mut self) -> Result<Running, OpenFailure> {
        let pkcs11 = match &self.pkcs11 {
            Some(pkcs11) => pkcs11.clone(),
            None => {
                let pkcs11 = Pkcs11::new(&self.config.module)?;
                self.pkcs11.insert(pkcs11).clone()
            }
        };
        // `|=`: where a hanging thread kept us from finalizing, the module is still ours.
        self.initialized |= epoch::initialize(&pkcs11)?;
        let number = self.shared.epoch.load(Ordering::Relaxed) + 1;
        let (epoch, anchor) = epoch::begin(&pkcs11, &self.config, number)?;
        let status = TokenStatus::Ready {
            serial: epoch.serial.clone(),
            label: epoch.label.clone(),
            model: epoch.model.clone(),
        };
        let (lanes, threads) = pool::start(
            epoch,
            self.config.sessions,
            self.config.queue_length,
            &self.shared,
            &self.reports,
        )?;
        let count = threads.len() + self.hanging.len();
        self.shared.threads.store(count, Ordering::Relaxed);
        self.shared.epoch.store(number, Ordering::Relaxed);
        log::info!("the token {} is open, epoch {number}", self.config.select);
        // Ready before there are jobs, which may find that it no longer is; both under one lock,
        // so that a verb called meanwhile finds the queues.
        self.shared.publish(status, lanes);
        Ok(Running {
            epoch: number,
            anchor,
            threads,
        })
    }

    /// Stays with an epoch until the token is lost (`None`) or all is to close.
    fn watch(&mut self, running: Running) -> Option<Option<oneshot::Sender<()>>> {
        let closing = loop {
            match self.events.recv() {
                Ok(Event::Lost { epoch, detail }) if epoch == running.epoch => {
                    log::error!("the token is lost: {detail}");
                    self.shared.set(TokenStatus::Away(detail));
                    break None;
                }
                Ok(Event::Lost { .. }) => {}
                Ok(Event::Close(done)) => {
                    self.shared
                        .set(TokenStatus::Away("the token is being closed".into()));
                    break Some(done);
                }
                Err(_) => break Some(None),
            }
        };
        // Without a sender the threads empty their queues and end, closing their sessions.
        drop(self.shared.take_lanes());
        self.join(running.threads);
        if let Err(error) = running.anchor.close() {
            log::debug!("the anchor session could not be closed: {error}");
        }
        self.finalize();
        closing
    }

    /// Waits for the threads as long as their jobs may take, not longer.
    fn join(&mut self, threads: Vec<JoinHandle<()>>) {
        let timer = crossbeam_channel::after(self.config.deadline + JOIN_GRACE);
        while timer.is_empty() && threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(2));
        }
        for thread in threads {
            if !thread.is_finished() {
                let name = thread.thread().name().unwrap_or("?").to_owned();
                log::error!("{name} hangs in the PKCS#11 module and is left behind");
                self.hanging.push(thread);
            } else if thread.join().is_err() {
                log::error!("a session thread panicked");
            }
        }
        self.shared
            .threads
            .store(self.hanging.len(), Ordering::Relaxed);
    }

    fn finalize(&mut self) {
        self.hanging.retain(|thread| !thread.is_finished());
        if !self.initialized {
            return;
        }
        if !self.hanging.is_empty() {
            log::error!(
                "{} threads hang in the PKCS#11 module: C_Finalize is not called",
                self.hanging.len()
            );
            return;
        }
        self.initialized = false;
        if let Some(pkcs11) = &self.pkcs11
            && let Err(error) = pkcs11.clone().finalize()
        {
            log::warn!("{}", TokenError::from(error));
        }
    }
}
