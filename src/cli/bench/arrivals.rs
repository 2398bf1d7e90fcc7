//! The open loop: requests that come when they come, whether or not the ones before are answered.
//!
//! Whichever connection is free takes the next arrival; while none is, arrivals wait here, and that
//! is part of their latency, which counts from when each was due.

use crate::Error;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;

/// The arrivals of one thread.
pub(super) struct Arrivals {
    first: Instant,
    /// Seconds from one to the next.
    every: f64,
    total: u64,
    taken: Cell<u64>,
    /// A permit for each that is due and not taken.
    due: Semaphore,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) due: Instant,
    /// How late it was taken by a connection that waited for it: the client's own fault.
    pub(super) late: Option<Duration>,
}

impl Arrivals {
    /// So many seconds apart, from `first` until `end`.
    pub(super) fn new(first: Instant, every: f64, end: Instant) -> Self {
        let seconds = end.saturating_duration_since(first).as_secs_f64();
        Self {
            first,
            every,
            total: (seconds / every).ceil() as u64,
            taken: Cell::new(0),
            due: Semaphore::new(0),
        }
    }

    fn at(&self, number: u64) -> Instant {
        self.first + Duration::from_secs_f64(self.every * number as f64)
    }

    /// Waits for the next one; `None` after the last.
    pub(super) async fn next(&self) -> Option<Arrival> {
        let waited = match self.due.try_acquire() {
            Ok(permit) => {
                permit.forget();
                false
            }
            Err(_) => {
                self.due.acquire().await.ok()?.forget();
                true
            }
        };
        let number = self.taken.replace(self.taken.get() + 1);
        let due = self.at(number);
        let late = waited.then(|| Instant::now().saturating_duration_since(due));
        (number < self.total).then_some(Arrival { due, late })
    }

    /// Lets them come, each in its time, and tells `connections` that there are no more. Tokio's own
    /// timers are as coarse as a millisecond; this one is not.
    ///
    /// # Errors
    /// The system has no timer.
    pub(super) async fn release(&self, connections: usize) -> Result<(), Error> {
        let timer = timer().map_err(Error::internal)?;
        let mut released = 0;
        while released < self.total {
            let wait = self.at(released).saturating_duration_since(Instant::now());
            if wait.is_zero() {
                self.due.add_permits(1);
                released += 1;
                continue;
            }
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: Timespec::try_from(wait).map_err(Error::internal)?,
            };
            // Setting it anew also takes back that it was due before: nothing has to be read.
            timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once).map_err(Error::internal)?;
            timer
                .readable()
                .await
                .map_err(Error::internal)?
                .clear_ready();
        }
        self.due.add_permits(connections);
        Ok(())
    }

    /// When each of those that were due last was, newest first.
    pub(super) fn latest(&self) -> impl Iterator<Item = Instant> {
        (0..self.total).rev().map(|number| self.at(number))
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe, and asks for what holds here: the descriptor is owned"
)]
fn timer() -> std::io::Result<AsyncFd<OwnedFd>> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_in_the_latency_of_all_who_came_meanwhile() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let first = Instant::now();
            let end = first + Duration::from_millis(100);
            let arrivals = Arrivals::new(first, 0.01, end);
            let mut latencies = Vec::new();
            let serve = async {
                while let Some(arrival) = arrivals.next().await {
                    if latencies.len() == 2 {
                        tokio::time::sleep(Duration::from_millis(60)).await;
                    }
                    latencies.push(arrival.due.elapsed());
                }
            };
            let (released, ()) = tokio::join!(arrivals.release(1), serve);
            released.unwrap();
            assert_eq!(latencies.len(), 10);
            let slow = latencies.iter().filter(|it| it.as_millis() >= 15).count();
            assert!(
                slow >= 4,
                "the third stalls for those behind it: {latencies:?}"
            );
            assert!(latencies[3] > latencies[5], "they catch up: {latencies:?}");
        });
    }
}
