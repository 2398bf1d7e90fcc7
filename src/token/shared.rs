//! What the verbs of a token and its supervisor share.

use super::calls::Calls;
use super::config::{TokenStatus, TokenTrouble};
use super::metrics::TokenMetrics;
use super::pool::Lanes;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;

/// What the verbs see.
pub(super) struct Shared {
    pub(super) status: watch::Sender<TokenStatus>,
    /// The queues of the epoch; `None` while there is no token.
    pub(super) lanes: RwLock<Option<Lanes>>,
    /// Whether there are none only because the module is initialised anew for another token.
    /// Changes under the lock of the queues.
    pub(super) paused: watch::Sender<bool>,
    /// Why the last opening failed.
    pub(super) trouble: RwLock<Option<TokenTrouble>>,
    pub(super) epoch: AtomicU64,
    pub(super) threads: AtomicUsize,
    pub(super) calls: Calls,
    pub(super) metrics: TokenMetrics,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            status: watch::Sender::new(TokenStatus::Away("the token is being opened".into())),
            lanes: RwLock::new(None),
            paused: watch::Sender::new(false),
            trouble: RwLock::new(None),
            epoch: AtomicU64::new(0),
            threads: AtomicUsize::new(0),
            calls: Calls::new(),
            metrics: TokenMetrics::new(),
        }
    }

    pub(super) fn set(&self, status: TokenStatus) {
        self.status.send_replace(status);
    }

    pub(super) fn publish(&self, status: TokenStatus, lanes: Lanes) {
        let mut place = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        self.set(status);
        *place = Some(lanes);
        self.paused.send_replace(false);
    }

    pub(super) fn unpause(&self) {
        let _place = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        self.paused.send_replace(false);
    }

    pub(super) fn take_lanes(&self, pause: bool) -> Option<Lanes> {
        let mut place = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        self.paused.send_replace(pause);
        place.take()
    }
}
