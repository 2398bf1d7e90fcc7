//! A bounded queue of jobs, and the session threads that wait at it.
//!
//! Waking a thread costs as much as a short call into the token, and two threads in one library wait
//! for each other's locks: so where calls have been short and few jobs wait, a job wakes none while one
//! is awake. The thread that slept last is woken first. A call that is unexpectedly long keeps its
//! followers waiting until one of them asks for another thread ([`Queue::hurry`]).

use super::job::Job;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For a longer call it is worth waking a thread, whether it waits for a network or keeps a processor busy.
const SHORT: Duration = Duration::from_micros(200);
/// Short calls that one thread will have done within this wait for it.
const SOON: Duration = Duration::from_millis(1);
/// The weight of the newest call in the mean, as a power of two.
const NEWEST: u32 = 3;
/// As how many means a call counts at most: one whose thread the kernel has put aside is like no other.
const MOST: u64 = 3;

/// Why a job was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    /// No thread will come for it.
    Closed,
}

/// Who comes for a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Comes {
    /// Whoever can.
    Now,
    /// A thread that is awake, once its call has ended. Where that takes long: [`Queue::hurry`].
    Soon,
}

/// What a thread gets.
pub(super) enum Next {
    Job(Box<dyn Job>),
    /// None for so long.
    Nothing,
    /// None any more.
    Closed,
}

pub(super) struct Queue {
    state: Mutex<State>,
    limit: usize,
    /// The mean of the latest calls, in nanoseconds; as of nothing, long.
    mean: AtomicU64,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    members: usize,
    /// Those that sleep, the latest last.
    asleep: Vec<Arc<Seat>>,
    closed: bool,
}

/// Where one thread sleeps.
#[derive(Default)]
struct Seat(Condvar);

/// A thread's membership, until it is dropped.
pub(super) struct Member {
    queue: Arc<Queue>,
    seat: Arc<Seat>,
}

impl Queue {
    /// For so many jobs at most.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            limit,
            mean: AtomicU64::new(u64::MAX >> NEWEST),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a thread, to be given to it.
    pub(super) fn join(self: &Arc<Self>) -> Member {
        self.state().members += 1;
        Member {
            queue: Arc::clone(self),
            seat: Arc::default(),
        }
    }

    pub(super) fn push(&self, job: Box<dyn Job>) -> Result<Comes, Refused> {
        let mut state = self.state();
        if state.closed || state.members == 0 {
            return Err(Refused::Closed);
        }
        if state.jobs.len() >= self.limit {
            return Err(Refused::Full);
        }
        state.jobs.push_back(job);
        let all_asleep = state.asleep.len() == state.members;
        if !all_asleep && self.is_soon(state.jobs.len()) {
            return Ok(Comes::Soon);
        }
        wake(state);
        Ok(Comes::Now)
    }

    /// Whether one thread will have done so many jobs soon, if their calls are as the latest were.
    fn is_soon(&self, jobs: usize) -> bool {
        let mean = Duration::from_nanos(self.mean.load(Ordering::Relaxed));
        mean < SHORT && mean.saturating_mul(u32::try_from(jobs).unwrap_or(u32::MAX)) < SOON
    }

    /// Wakes another thread, if one sleeps while jobs wait.
    pub(super) fn hurry(&self) {
        let state = self.state();
        if !state.jobs.is_empty() {
            wake(state);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.state().jobs.len()
    }

    /// Takes no more jobs; the threads end once they have done those that wait.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for seat in state.asleep.drain(..) {
            seat.0.notify_one();
        }
    }

    /// Notes how long a call took.
    pub(super) fn took(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) >> NEWEST;
        let mean = self.mean.load(Ordering::Relaxed);
        let share = mean >> NEWEST;
        // Of two threads at once one is not counted: it is a mean.
        let mean = mean - share + time.min(share.saturating_mul(MOST).max(1));
        self.mean.store(mean, Ordering::Relaxed);
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let seat = state.asleep.pop();
    drop(state);
    if let Some(seat) = seat {
        seat.0.notify_one();
    }
}

impl Member {
    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Waits for a job for so long.
    pub(super) fn next(&self, patience: Duration) -> Next {
        let mut state = self.queue.state();
        let (mut yielded, mut until) = (false, None);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Next::Job(job);
            }
            if state.closed {
                return Next::Closed;
            }
            // Who brings the next job may have to run for it.
            if !yielded && self.queue.is_soon(1) {
                drop(state);
                std::thread::yield_now();
                yielded = true;
                state = self.queue.state();
                continue;
            }
            let now = Instant::now();
            let until = *until.get_or_insert(now + patience);
            if now >= until {
                return Next::Nothing;
            }
            state.asleep.push(Arc::clone(&self.seat));
            let waited = self.seat.0.wait_timeout(state, until - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            // Still there where it was not woken by anybody.
            state.asleep.retain(|seat| !Arc::ptr_eq(seat, &self.seat));
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.queue.state().members -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::error::TokenError;
    use crate::token::session::TokenSession;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Is answered when somebody takes what it says.
    struct Says(mpsc::SyncSender<()>);

    impl Job for Says {
        fn is_abandoned(&self) -> bool {
            false
        }
        fn waited(&self) -> Duration {
            Duration::ZERO
        }
        fn attempt(&mut self, _: &mut TokenSession) {}
        fn error(&self) -> Option<&TokenError> {
            None
        }
        fn is_idempotent(&self) -> bool {
            true
        }
        fn fail(&mut self, _: TokenError) {}
        fn answer(self: Box<Self>) {
            let _ = self.0.send(());
        }
    }

    fn job() -> (Box<dyn Job>, mpsc::Receiver<()>) {
        let (says, said) = mpsc::sync_channel(0);
        (Box::new(Says(says)), said)
    }

    fn works(member: Member) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            while let Next::Job(job) = member.next(PATIENCE) {
                job.answer();
            }
        })
    }

    fn until(what: impl Fn() -> bool) {
        let begun = Instant::now();
        while !what() {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_is_bounded_and_what_it_has_is_done_to_the_end() {
        let queue = Queue::new(1);
        assert_eq!(queue.push(job().0), Err(Refused::Closed), "nobody comes");
        let member = queue.join();
        assert_eq!(queue.push(job().0), Ok(Comes::Now));
        assert_eq!(queue.push(job().0), Err(Refused::Full));
        queue.close();
        assert_eq!(queue.push(job().0), Err(Refused::Closed));
        assert!(matches!(member.next(PATIENCE), Next::Job(_)));
        assert!(matches!(member.next(PATIENCE), Next::Closed));
    }

    #[test]
    fn an_idle_thread_looks_up_in_time() {
        let member = Queue::new(1).join();
        assert!(matches!(
            member.next(Duration::from_millis(1)),
            Next::Nothing
        ));
        assert!(member.queue().state().asleep.is_empty());
    }

    #[test]
    fn one_long_call_says_nothing_and_many_do() {
        let queue = Queue::new(1);
        let took = |times, time| (0..times).for_each(|_| queue.took(time));
        assert!(!queue.is_soon(1), "as of nothing calls are long");
        took(1000, Duration::from_micros(20));
        assert!(queue.is_soon(40) && !queue.is_soon(60));
        took(1, Duration::from_secs(1));
        assert!(queue.is_soon(30), "its thread was put aside");
        took(30, Duration::from_millis(5));
        assert!(!queue.is_soon(1), "they are long");
        took(1000, Duration::ZERO);
        took(100, Duration::from_millis(5));
        assert!(!queue.is_soon(1), "they are again");
    }

    #[test]
    fn a_job_waits_for_a_short_call_and_for_a_long_one_no_longer_than_it_likes() {
        let queue = Queue::new(8);
        let threads = [queue.join(), queue.join()].map(works);
        until(|| queue.state().asleep.len() == 2);
        // As of nothing calls are long: both come.
        let (first, second) = (job(), job());
        queue.push(first.0).unwrap();
        queue.push(second.0).unwrap();
        until(|| queue.len() == 0);
        for said in [first.1, second.1] {
            said.recv().unwrap();
        }
        until(|| queue.state().asleep.len() == 2);

        (0..1000).for_each(|_| queue.took(Duration::from_micros(20)));
        let (first, second) = (job(), job());
        assert_eq!(queue.push(first.0), Ok(Comes::Now), "all were asleep");
        assert_eq!(queue.push(second.0), Ok(Comes::Soon));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(queue.len(), 1, "it counts on the thread that is awake");
        queue.hurry();
        until(|| queue.len() == 0);
        for said in [first.1, second.1] {
            said.recv().unwrap();
        }
        queue.close();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
