//! A PKCS#11 module: one for the process, however many of its tokens are in use.
//!
//! C_Initialize and C_Finalize are the process's (PKCS#11 v3.1 section 5.4), so a token that was
//! lost cannot be looked for anew while the others have sessions. Whoever uses a token is a member
//! of its module from before C_Initialize until its sessions are closed; C_Finalize is called when
//! the last member leaves. One that needs the module initialised anew leaves and asks the others to
//! do so as well: they end what is under way, leave, and come back.

use super::epoch;
use super::error::{TokenError, TokenErrorClass};
use super::supervisor::Event;
use crossbeam_channel::Sender;
use cryptoki::context::Pkcs11;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The modules in use. What is loaded stays: unloading a module that has had threads in it is
/// asking for trouble.
static MODULES: Mutex<Vec<Arc<Module>>> = Mutex::new(Vec::new());

pub(super) struct Module {
    path: PathBuf,
    state: Mutex<State>,
    renewed: Condvar,
}

#[derive(Default)]
struct State {
    pkcs11: Option<Pkcs11>,
    /// Whether C_Initialize was ours and is still in force.
    initialized: bool,
    members: BTreeMap<u64, Member>,
    /// How many members there have been; numbers are not used again.
    count: u64,
    /// The members were asked to leave, and nobody enters before they have.
    renewing: bool,
    /// Threads that hang in the module; while there are any it must not be finalized.
    hanging: Vec<Arc<JoinHandle<()>>>,
}

struct Member {
    events: Sender<Event>,
    serial: Option<String>,
}

/// The right to call the module, until it is given back.
pub(super) struct Membership {
    module: Arc<Module>,
    /// Tells it from every other, past ones included.
    pub(super) number: u64,
    pub(super) pkcs11: Pkcs11,
}

impl Module {
    /// The module in this file, which need not be there yet.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        // Two names of one file are one module to the dynamic linker.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.iter().find(|module| module.path == path) {
            return Arc::clone(module);
        }
        let module = Arc::new(Self {
            path,
            state: Mutex::default(),
            renewed: Condvar::new(),
        });
        modules.push(Arc::clone(&module));
        module
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads and initialises the module where it is not yet. Waits while the others are leaving,
    /// no longer than `patience`.
    pub(super) fn enter(
        self: &Arc<Self>,
        events: Sender<Event>,
        patience: Duration,
    ) -> Result<Membership, TokenError> {
        let leaving = |state: &mut State| state.renewing;
        let (mut state, late) = self
            .renewed
            .wait_timeout_while(self.lock(), patience, leaving)
            .unwrap_or_else(PoisonError::into_inner);
        if late.timed_out() && state.renewing {
            log::error!(
                "a token of {} does not leave the module, which is used as it is",
                self.path.display()
            );
            state.renewing = false;
            self.renewed.notify_all();
        }
        let pkcs11 = match &state.pkcs11 {
            Some(pkcs11) => pkcs11.clone(),
            None => state.pkcs11.insert(Pkcs11::new(&self.path)?).clone(),
        };
        // `|=`: where a hanging thread kept us from finalizing, the module is still ours.
        state.initialized |= epoch::initialize(&pkcs11)?;
        state.count += 1;
        let number = state.count;
        let serial = None;
        state.members.insert(number, Member { events, serial });
        Ok(Membership {
            module: Arc::clone(self),
            number,
            pkcs11,
        })
    }
}

impl Membership {
    /// Notes which token it is for. A token has one user at a time: C_Login by a second would
    /// succeed whatever the PIN.
    pub(super) fn claim(&self, serial: &str) -> Result<(), TokenError> {
        let mut state = self.module.lock();
        let taken = |member: &Member| member.serial.as_deref() == Some(serial);
        if state.members.values().any(taken) {
            return Err(TokenError::new(
                TokenErrorClass::Operator,
                "claim",
                format!("this gateway already uses the token with serial number {serial:?}"),
            ));
        }
        if let Some(own) = state.members.get_mut(&self.number) {
            own.serial = Some(serial.to_owned());
        }
        Ok(())
    }

    /// Gives the right back: every session is closed, and every thread has ended but those that
    /// hang. The last to leave finalizes the module. With `renew`, the others are asked to leave:
    /// answers whether there are any.
    pub(super) fn leave(self, hanging: &[Arc<JoinHandle<()>>], renew: bool) -> bool {
        let mut state = self.module.lock();
        state.members.remove(&self.number);
        for thread in hanging {
            if !state.hanging.iter().any(|known| Arc::ptr_eq(known, thread)) {
                state.hanging.push(Arc::clone(thread));
            }
        }
        if state.members.is_empty() {
            state.finalize();
            state.renewing = false;
            self.module.renewed.notify_all();
            return false;
        }
        if renew && !state.renewing {
            log::warn!(
                "{} is initialised anew; its other tokens pause meanwhile",
                self.module.path.display()
            );
            state.renewing = true;
            for (&number, member) in &state.members {
                // One whose supervisor has ended is about to leave.
                let _ = member.events.send(Event::Renew { number });
            }
        }
        renew
    }
}

impl State {
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

/// When the module may be initialised anew for one token's sake alone: one that stays away
/// makes the others pause ever more rarely.
pub(super) struct Renewal {
    due: Instant,
    wait: Duration,
}

impl Renewal {
    const FIRST: Duration = Duration::from_secs(1);
    pub(super) const LAST: Duration = Duration::from_secs(600);

    pub(super) fn new() -> Self {
        Self {
            due: Instant::now(),
            wait: Self::FIRST,
        }
    }

    /// Whether it may be now; then not again for a while.
    pub(super) fn take(&mut self) -> bool {
        let now = Instant::now();
        let due = now >= self.due;
        if due {
            self.due = now + self.wait;
            self.wait = (self.wait * 2).min(Self::LAST);
        }
        due
    }
}
