//! The client's side of a measurement: connections that ask, and ask again.

use super::arrivals::{Arrival, Arrivals};
use super::system::System;
use super::tally::{Tally, Window};
use crate::Error;
use crate::cli::client::Wire;
use crate::clock::{Clock, SystemClock};
use crate::token::BaselineOperation as Operation;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// A connection that fails so often in one measurement gives up.
const MAX_ERRORS: u64 = 100;

/// When requests are made.
pub(super) enum Pace {
    /// After the last answer.
    Closed,
    Open(Arrivals),
}

/// What the connections of one thread share.
pub(super) struct Asking<'a> {
    pub(super) system: &'a dyn System,
    pub(super) pattern: &'a [Operation],
    pub(super) pace: Pace,
    pub(super) window: Window,
    pub(super) requests: Requests,
    pub(super) tally: RefCell<Tally>,
}

impl Asking<'_> {
    /// One connection's loop; the `nth` begins as far into the pattern.
    pub(super) async fn repeat(&self, mut wire: Option<Wire>, nth: usize) {
        let mut errors = 0;
        let mut pattern = self.pattern.iter().cycle().skip(nth % self.pattern.len());
        while errors < MAX_ERRORS
            && let Some(arrival) = self.next().await
            && let Some(operation) = pattern.next()
        {
            match self.once(&mut wire, *operation).await {
                Ok(()) => self.tally.borrow_mut().answered(*operation, arrival),
                Err(error) => {
                    errors += 1;
                    self.tally.borrow_mut().failed(arrival.due, &error);
                }
            }
        }
    }

    async fn next(&self) -> Option<Arrival> {
        match &self.pace {
            Pace::Open(arrivals) => arrivals.next().await,
            Pace::Closed => {
                let due = Instant::now();
                (due < self.window.end).then_some(Arrival { due, late: None })
            }
        }
    }

    /// One exchange; a connection that broke is opened anew the next time.
    async fn once(&self, kept: &mut Option<Wire>, operation: Operation) -> Result<(), Error> {
        let mut wire = match kept.take() {
            Some(wire) => wire,
            None => Wire::open(self.system.url()).await?,
        };
        let request = self.requests.of(self.system, operation)?;
        let answered = match wire.exchange(&request).await? {
            (200, _) => Ok(()),
            (status, answer) => Err(self.system.refusal(status, answer)),
        };
        *kept = Some(wire);
        answered
    }
}

/// The bytes of each operation's request. A signature has the second in it: until the next one, the
/// same request has the same signature, and signing it again would be the client's cost alone.
#[derive(Default)]
pub(super) struct Requests(RefCell<[Option<OfSecond>; Operation::ALL.len()]>);

/// A Unix time, and the bytes made in it.
type OfSecond = (i64, Rc<[u8]>);

impl Requests {
    fn of(&self, system: &dyn System, operation: Operation) -> Result<Rc<[u8]>, Error> {
        let now = SystemClock.now().unix_timestamp();
        let kept = &mut self.0.borrow_mut()[operation as usize];
        match kept {
            Some((second, bytes)) if *second == now => Ok(Rc::clone(bytes)),
            _ => {
                let bytes: Rc<[u8]> = system.request(operation)?.into();
                *kept = Some((now, Rc::clone(&bytes)));
                Ok(bytes)
            }
        }
    }
}
