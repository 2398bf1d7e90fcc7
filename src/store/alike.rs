//! What many keys have alike, kept once for all of them.

use super::record::{KeyProfile, VersionProfile};
use super::{Key, KeyVersion};
use crate::model::{Breed, Region};
use quick_cache::sync::Cache;
use std::hash::Hash;
use std::sync::Arc;

/// How many there are of each. What is had by one key alone goes soon, and what is had by more than
/// one is only kept several times if it was pushed out by as many others in between.
const KEPT: usize = 1024;

/// Values of which whoever has an equal one may have this one instead.
struct Known<T>(Cache<T, T>);

impl<T: Clone + Eq + Hash> Known<T> {
    fn instead_of(&self, value: &mut T) {
        match self.0.get(value) {
            Some(known) => *value = known,
            None => self.0.insert(value.clone(), value.clone()),
        }
    }
}

impl<T: Clone + Eq + Hash> Default for Known<T> {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

/// What keys that were read may have alike. By its pointer a text is the same for all that have it.
#[derive(Default)]
pub(super) struct Alike {
    regions: Known<Region>,
    policies: Known<Arc<str>>,
    profiles: Known<Arc<KeyProfile>>,
    breeds: Known<Arc<Breed>>,
    version_profiles: Known<Arc<VersionProfile>>,
}

impl Alike {
    /// A key without its versions.
    pub(super) fn share(&self, key: &mut Key) {
        self.regions.instead_of(&mut key.region);
        self.policies.instead_of(&mut key.policy);
        self.profiles.instead_of(&mut key.profile);
    }

    pub(super) fn share_version(&self, version: &mut KeyVersion) {
        self.breeds.instead_of(&mut version.birth.breed);
        self.version_profiles.instead_of(&mut version.profile);
    }
}
