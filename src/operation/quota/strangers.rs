//! Callers who are not in memory: they are looked up in turn, and no address keeps the others from it.

use super::places::{Place, Places};
use super::{network, throttled};
use crate::Error;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};

/// Looked up, or waiting for it, at a time.
const PLACES: usize = 64;
/// Those of one access key wait for one lookup; so do, now and then, those of two.
const TURNS: usize = 256;

/// See the module.
pub struct Strangers {
    places: Arc<Places<IpAddr>>,
    turns: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Strangers {
    fn default() -> Self {
        Self {
            places: Places::new(PLACES),
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Strangers {
    /// Waits until nobody else looks up the same access key.
    pub async fn turn(&self, access_key_id: &str) -> MutexGuard<'_, ()> {
        let at = self.hasher.hash_one(access_key_id) as usize % TURNS;
        self.turns[at].lock().await
    }

    /// A place to wait in.
    ///
    /// # Errors
    /// `ThrottlingException` if the address has its share of them.
    pub fn place(&self, address: IpAddr) -> Result<Place<IpAddr>, Error> {
        let place = self.places.take(network(address));
        place.ok_or_else(|| throttled("unknown-callers"))
    }
}
