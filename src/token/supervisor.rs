//! The thread that opens the token, watches over its epochs and opens it again.
//!
//! The order is what matters: C_Finalize while another thread is inside the module crashes the
//! process, so sessions are dropped and threads joined before the module is left; and a thread that
//! hangs in the module is not waited for without end, at the price of not finalizing.

use super::config::{TokenConfig, TokenStatus};
use super::epoch::{self, OpenFailure};
use super::module::{Membership, Module, Renewal};
use super::pool;
use super::shared::Shared;
use crossbeam_channel::{Receiver, Sender};
use cryptoki::session::Session;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// How long threads are waited for beyond the deadline of a job.
const JOIN_GRACE: Duration = Duration::from_secs(5);

/// What the supervisor is told.
pub(super) enum Event {
    /// A session thread found the token gone.
    Lost { epoch: u64, detail: String },
    /// Another token of the module needs it initialised anew; for one membership alone.
    Renew { number: u64 },
    /// Stop, and say when it is done.
    Close(Option<oneshot::Sender<()>>),
}

/// An epoch in progress.
struct Running {
    epoch: u64,
    begun: Instant,
    anchor: Session,
    threads: Vec<JoinHandle<()>>,
    membership: Membership,
}

/// Why an epoch ends.
enum Ending {
    Lost,
    Renew,
    Close(Option<oneshot::Sender<()>>),
}

pub(super) struct Supervisor {
    config: TokenConfig,
    shared: Arc<Shared>,
    events: Receiver<Event>,
    reports: Sender<Event>,
    module: Arc<Module>,
    renewal: Renewal,
    /// Threads of this token that hang in the module.
    hanging: Vec<Arc<JoinHandle<()>>>,
}

impl Supervisor {
    pub(super) fn new(
        config: TokenConfig,
        shared: Arc<Shared>,
        events: Receiver<Event>,
        reports: Sender<Event>,
    ) -> Self {
        Self {
            module: Module::of(&config.module),
            config,
            shared,
            events,
            reports,
            renewal: Renewal::new(),
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
                Ok(Event::Lost { .. } | Event::Renew { .. }) => {}
                Err(_) => return Some(None),
            }
        }
    }

    fn tell(&self, failure: &OpenFailure) {
        self.shared.metrics.error(failure.error().class);
        let mut trouble = self
            .shared
            .trouble
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *trouble = Some(failure.error().trouble());
        drop(trouble);
        let seen = self.shared.epoch.load(Ordering::Relaxed) > 0;
        let text = failure.error().to_string();
        let status = match failure {
            OpenFailure::Away(_) => TokenStatus::Away(text),
            // A token that was here and is not listed any more is away; it is known to exist.
            OpenFailure::Operator(_) if seen && failure.is_absence() => TokenStatus::Away(text),
            OpenFailure::Operator(_) | OpenFailure::Final(_) => TokenStatus::Operator(text),
        };
        if *self.shared.status.borrow() != status {
            log::warn!("the token cannot be used: {}", failure.error());
        }
        self.shared.set(status);
        self.shared.unpause();
    }

    /// One attempt at a new epoch; on failure the module is left.
    fn open(&mut self) -> Result<Running, OpenFailure> {
        loop {
            match self.try_open() {
                Ok(running) => return Ok(running),
                // The module is about to know more.
                Err((_, true)) => {}
                Err((failure, false)) => return Err(failure),
            }
        }
    }

    /// The failure comes with whether the module is initialised anew because of it.
    fn try_open(&mut self) -> Result<Running, (OpenFailure, bool)> {
        // Another token's threads are given as long to end as this one's.
        let patience = 2 * (self.config.deadline + JOIN_GRACE);
        let entered = self.module.enter(self.reports.clone(), patience);
        let membership = entered.map_err(|error| (error.into(), false))?;
        match self.begin(&membership) {
            Ok((epoch, anchor, threads)) => Ok(Running {
                epoch,
                begun: Instant::now(),
                anchor,
                threads,
                membership,
            }),
            Err(failure) => {
                let renew = failure.is_absence() && self.renewal.take();
                let renewed = membership.leave(&self.hanging, renew);
                Err((failure, renewed))
            }
        }
    }

    fn begin(
        &mut self,
        membership: &Membership,
    ) -> Result<(u64, Session, Vec<JoinHandle<()>>), OpenFailure> {
        let number = self.shared.epoch.load(Ordering::Relaxed) + 1;
        let pkcs11 = &membership.pkcs11;
        let (slot, info) = epoch::find_token(pkcs11, &self.config.select)?;
        membership.claim(info.serial_number())?;
        let (epoch, anchor) = epoch::begin(pkcs11, slot, &info, &self.config, number)?;
        let status = TokenStatus::Ready {
            serial: epoch.serial.clone(),
            label: epoch.label.clone(),
            model: epoch.model.clone(),
        };
        let (lanes, threads) = pool::start(epoch, &self.config, &self.shared, &self.reports)?;
        self.hanging.retain(|thread| !thread.is_finished());
        let count = threads.len() + self.hanging.len();
        self.shared.threads.store(count, Ordering::Relaxed);
        self.shared.epoch.store(number, Ordering::Relaxed);
        self.shared.metrics.openings.inc();
        log::info!("the token {} is open, epoch {number}", self.config.select);
        // Ready before there are jobs, which may find that it no longer is; both under one lock,
        // so that a verb called meanwhile finds the queues.
        self.shared.publish(status, lanes);
        Ok((number, anchor, threads))
    }

    /// Stays with an epoch until the token is lost or must be opened anew (`None`), or all is to
    /// close.
    fn watch(&mut self, running: Running) -> Option<Option<oneshot::Sender<()>>> {
        let ending = loop {
            match self.events.recv() {
                Ok(Event::Lost { epoch, detail }) if epoch == running.epoch => {
                    log::error!("the token is lost: {detail}");
                    self.shared.set(TokenStatus::Away(detail));
                    break Ending::Lost;
                }
                Ok(Event::Renew { number }) if number == running.membership.number => {
                    break Ending::Renew;
                }
                Ok(Event::Lost { .. } | Event::Renew { .. }) => {}
                Ok(Event::Close(done)) => {
                    self.shared
                        .set(TokenStatus::Away("the token is being closed".into()));
                    break Ending::Close(done);
                }
                Err(_) => break Ending::Close(None),
            }
        };
        // Without a sender the threads empty their queues and end, closing their sessions.
        let pause = matches!(ending, Ending::Renew);
        drop(self.shared.take_lanes(pause));
        self.join(running.threads);
        if let Err(error) = running.anchor.close() {
            log::debug!("the anchor session could not be closed: {error}");
        }
        if running.begun.elapsed() > Renewal::LAST {
            self.renewal = Renewal::new();
        }
        let renew = matches!(ending, Ending::Lost) && self.renewal.take();
        running.membership.leave(&self.hanging, renew);
        match ending {
            Ending::Lost | Ending::Renew => None,
            Ending::Close(done) => Some(done),
        }
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
                self.hanging.push(Arc::new(thread));
            } else if thread.join().is_err() {
                log::error!("a session thread panicked");
            }
        }
        self.shared
            .threads
            .store(self.hanging.len(), Ordering::Relaxed);
    }
}
