//! The session threads of one epoch, and what they do with the jobs of their queues.

use super::calls::Caller;
use super::config::{TokenConfig, TokenStatus};
use super::epoch::Epoch;
use super::error::{TokenError, TokenErrorClass};
use super::job::Job;
use super::queue::{self, Comes, Next, Queue, Refused};
use super::session::TokenSession;
use super::shared::Shared;
use super::supervisor::Event;
use super::verbs::GENERATION_DEADLINE;
use crossbeam_channel::Sender;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often an idle read-write thread looks whether the token is still there, so that a token
/// that vanishes at night is back before the first request of the morning.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// So many pairs of the slowest kind are done within the deadline of the next generation.
const MOST_WAITING: usize = 16;

/// Which threads a job goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// The cryptography: many read-only sessions.
    ReadOnly,
    /// Generation, destruction, long searches: one read-write session.
    ReadWrite,
    /// The same session, for what is refused while [`MOST_WAITING`] jobs wait: an RSA-4096 pair takes
    /// it seconds, anybody who may encrypt may ask for one, and CMKs are made here too.
    DataKeyPair,
}

impl Lane {
    /// Which of the two queues is its.
    pub(super) const fn queue(self) -> usize {
        match self {
            Lane::ReadOnly => 0,
            Lane::ReadWrite | Lane::DataKeyPair => 1,
        }
    }
}

/// An epoch's queues. The threads stop when this is dropped.
pub(super) struct Lanes {
    pub(super) epoch: Arc<Epoch>,
    /// By [`Lane::queue`].
    queues: [Arc<Queue>; 2],
}

impl Lanes {
    /// Queues a job, or answers Busy.
    pub(super) fn submit(&self, lane: Lane, job: Box<dyn Job>) -> Result<Comes, TokenError> {
        if self.epoch.lost.load(Ordering::Acquire) {
            return Err(away("the token was just lost"));
        }
        let queue = self.queue(lane);
        if lane == Lane::DataKeyPair && queue.len() >= MOST_WAITING {
            let detail = "too many key generations are waiting";
            return Err(TokenError::new(TokenErrorClass::Busy, "queue", detail));
        }
        queue.push(job).map_err(|refused| match refused {
            Refused::Full => {
                TokenError::new(TokenErrorClass::Busy, "queue", "the token's queue is full")
            }
            Refused::Closed => away("the session threads have stopped"),
        })
    }

    pub(super) fn queue(&self, lane: Lane) -> &Arc<Queue> {
        &self.queues[lane.queue()]
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.queues.iter().for_each(|queue| queue.close());
    }
}

/// The error of a verb while there is no token.
pub(super) fn away(detail: impl Into<String>) -> TokenError {
    TokenError::new(TokenErrorClass::TokenLost, "token", detail)
}

/// Opens the sessions of an epoch and starts a thread for each.
pub(super) fn start(
    epoch: Epoch,
    config: &TokenConfig,
    shared: &Arc<Shared>,
    events: &Sender<Event>,
) -> Result<(Lanes, Vec<JoinHandle<()>>), TokenError> {
    let epoch = Arc::new(epoch);
    let queue_length = config.queue_length.max(1);
    let lanes = Lanes {
        epoch: Arc::clone(&epoch),
        queues: [Queue::new(queue_length), Queue::new(queue_length)],
    };
    // All sessions first: if one cannot be opened (CKR_SESSION_COUNT), no thread has to be stopped.
    let mut crew = vec![(
        "strongroom-token-rw".to_owned(),
        TokenSession::open(Arc::clone(&epoch), true)?,
        lanes.queue(Lane::ReadWrite).join(),
        Lane::ReadWrite,
    )];
    for number in 1..=config.sessions.max(1) {
        crew.push((
            format!("strongroom-token-{number}"),
            TokenSession::open(Arc::clone(&epoch), false)?,
            lanes.queue(Lane::ReadOnly).join(),
            Lane::ReadOnly,
        ));
    }
    let mut threads = Vec::new();
    for (name, session, jobs, lane) in crew {
        let patience = match lane {
            Lane::ReadOnly => config.deadline,
            Lane::ReadWrite | Lane::DataKeyPair => config.deadline.max(GENERATION_DEADLINE),
        };
        let member = Member {
            session,
            jobs,
            lane,
            caller: shared.calls.caller(patience),
            shared: Arc::clone(shared),
            events: events.clone(),
        };
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || member.run())
            .map_err(|error| {
                TokenError::new(TokenErrorClass::Operator, "thread", error.to_string())
            });
        match thread {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                // The threads so far end with their queues; they have had no job yet.
                drop(lanes);
                for thread in threads {
                    let _ = thread.join();
                }
                return Err(error);
            }
        }
    }
    Ok((lanes, threads))
}

/// A session thread.
struct Member {
    session: TokenSession,
    jobs: queue::Member,
    lane: Lane,
    caller: Caller,
    shared: Arc<Shared>,
    events: Sender<Event>,
}

impl Member {
    /// Works until the queue is empty and its sending end gone.
    fn run(mut self) {
        loop {
            match self.jobs.next(WATCH_INTERVAL) {
                Next::Job(job) => {
                    if job.is_abandoned() {
                        continue;
                    }
                    self.shared.metrics.waited(self.lane, job.waited());
                    let begun = Instant::now();
                    let under_way = self.caller.call();
                    let job = self.work(job);
                    // Before the answer, so that a caller who has it finds nobody busy with it.
                    drop(under_way);
                    let took = begun.elapsed();
                    self.jobs.queue().took(took);
                    self.shared.metrics.worked(self.lane, took);
                    job.answer();
                }
                Next::Nothing if self.lane == Lane::ReadWrite => self.watch(),
                Next::Nothing => {}
                Next::Closed => return,
            }
        }
    }

    /// What an idle thread looks after.
    fn watch(&mut self) {
        let Err(error) = self.session.check_present() else {
            return;
        };
        let still_lost = match error.class {
            TokenErrorClass::SessionLost => self.reopen(&error).err(),
            _ => Some(error),
        };
        if let Some(error) = still_lost {
            self.report(&error.to_string());
        }
    }

    fn reopen(&mut self, error: &TokenError) -> Result<(), TokenError> {
        self.shared.metrics.reopenings.inc();
        self.session.reopen(error)
    }

    fn attempt(&mut self, job: &mut Box<dyn Job>) {
        job.attempt(&mut self.session);
        if let Some(error) = job.error() {
            self.shared.metrics.error(error.class);
        }
    }

    /// Brings a job to its outcome.
    fn work(&mut self, mut job: Box<dyn Job>) -> Box<dyn Job> {
        if self.session.epoch().lost.load(Ordering::Acquire) {
            job.fail(away("the token was lost while the job waited"));
            return job;
        }
        self.attempt(&mut job);
        if let Some(error) = job.error()
            && error.class == TokenErrorClass::SessionLost
        {
            log::warn!("a session is lost and is opened anew: {error}");
            match self.reopen(error) {
                Ok(()) if job.is_idempotent() => self.attempt(&mut job),
                Ok(()) => {}
                Err(error) => job.fail(TokenError {
                    class: TokenErrorClass::TokenLost,
                    ..error
                }),
            }
        }
        if let Some(error) = job.error()
            && error.class == TokenErrorClass::TokenLost
        {
            self.report(&error.to_string());
        }
        job
    }

    /// Tells the supervisor, once an epoch, that the token is gone.
    fn report(&self, detail: &str) {
        let epoch = self.session.epoch();
        if !epoch.lost.swap(true, Ordering::AcqRel) {
            // At once, so that who is told of the loss and then waits does not wait for this epoch.
            self.shared.set(TokenStatus::Away(detail.to_owned()));
            // The supervisor outlives the threads, so this fails only while all of it stops.
            let _ = self.events.send(Event::Lost {
                epoch: epoch.number,
                detail: detail.to_owned(),
            });
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Where panics unwind, a thread that ends by one would leave its lane without a worker.
        if std::thread::panicking() {
            self.report("a session thread panicked");
        }
    }
}
