//! Which session threads have a call under way, and since when. Survives the epochs: a thread that
//! hangs in the module goes on being counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The session threads of a token.
pub(super) struct Calls {
    begun: Instant,
    threads: Mutex<Vec<Arc<Thread>>>,
}

struct Thread {
    /// When its call began, in nanoseconds since `Calls::begun`; 0 while it has none.
    since: AtomicU64,
    patience: Duration,
}

/// What a session thread has of it.
pub(super) struct Caller {
    begun: Instant,
    thread: Arc<Thread>,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            threads: Mutex::default(),
        }
    }

    /// For a thread, whose calls hang when they take longer than `patience`.
    pub(super) fn caller(&self, patience: Duration) -> Caller {
        let thread = Arc::new(Thread {
            since: AtomicU64::new(0),
            patience,
        });
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that ended have dropped theirs.
        threads.retain(|thread| Arc::strong_count(thread) > 1);
        threads.push(Arc::clone(&thread));
        let begun = self.begun;
        Caller { begun, thread }
    }

    /// How many threads have a call under way, and how many of those hang.
    pub(super) fn under_way(&self) -> (usize, usize) {
        let now = self.begun.elapsed();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut busy, mut hung) = (0, 0);
        for thread in threads.iter() {
            let since = thread.since.load(Ordering::Relaxed);
            if since > 0 {
                busy += 1;
                let took = now.saturating_sub(Duration::from_nanos(since));
                hung += usize::from(took > thread.patience);
            }
        }
        (busy, hung)
    }
}

impl Caller {
    /// Begins a call; it ends when this is dropped, whichever way.
    pub(super) fn call(&self) -> UnderWay {
        // Enough for five centuries.
        let since = (self.begun.elapsed().as_nanos() as u64).max(1);
        self.thread.since.store(since, Ordering::Relaxed);
        UnderWay(Arc::clone(&self.thread))
    }
}

/// A call under way.
pub(super) struct UnderWay(Arc<Thread>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.since.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_hangs_once_its_patience_is_over() {
        let calls = Calls::new();
        let callers = [Duration::ZERO, Duration::from_secs(60)].map(|it| calls.caller(it));
        assert_eq!(calls.under_way(), (0, 0));
        let under_way = callers.each_ref().map(Caller::call);
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(calls.under_way(), (2, 1));
        drop(under_way);
        assert_eq!(calls.under_way(), (0, 0));
    }

    #[test]
    fn a_thread_that_ended_is_forgotten() {
        let calls = Calls::new();
        let hanging = calls.caller(Duration::ZERO);
        let _call = hanging.call();
        drop(calls.caller(Duration::ZERO));
        drop(calls.caller(Duration::ZERO));
        assert_eq!(calls.under_way().0, 1);
        assert_eq!(calls.threads.lock().unwrap().len(), 2);
    }
}
