//! Places that are shared fairly: one of many who want them cannot take them all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A bounded number of places. Whoever has fewer of them than are free may take another: somebody
/// alone gets half, two get a third each, and a newcomer always finds one (the dynamic threshold of
/// Choudhury and Hahne, "Dynamic queue length thresholds", 1998).
pub struct Places<K> {
    limit: usize,
    taken: Mutex<Taken<K>>,
}

struct Taken<K> {
    total: usize,
    by: HashMap<K, usize>,
}

/// A place, given back when dropped.
pub struct Place<K: Hash + Eq> {
    places: Arc<Places<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Places<K> {
    /// `limit` places.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: Mutex::new(Taken {
                total: 0,
                by: HashMap::new(),
            }),
        })
    }

    /// A place for `key`; `None` if it has its share.
    pub fn take(self: &Arc<Self>, key: K) -> Option<Place<K>> {
        let mut taken = self.lock();
        let has = taken.by.get(&key).copied().unwrap_or(0);
        if has >= self.limit.saturating_sub(taken.total) {
            return None;
        }
        taken.total += 1;
        taken.by.insert(key.clone(), has + 1);
        drop(taken);
        Some(Place {
            places: self.clone(),
            key,
        })
    }
}

impl<K> Places<K> {
    fn lock(&self) -> MutexGuard<'_, Taken<K>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.total -= 1;
        if let Some(has) = taken.by.get_mut(&self.key) {
            *has -= 1;
            if *has == 0 {
                taken.by.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_all_of_them() {
        let places = Places::new(12);
        let take = |key| std::iter::from_fn(|| places.take(key)).collect::<Vec<_>>();
        let alone = take("a");
        assert_eq!(alone.len(), 6);
        let (second, third) = (take("b"), take("c"));
        assert_eq!((second.len(), third.len()), (3, 2));
        assert!(places.take("a").is_none());
        drop(alone);
        assert_eq!(take("b").len(), 2, "five it has, and five are free");
        drop((second, third));
        let taken = places.lock();
        assert_eq!((taken.total, taken.by.len()), (0, 0));
    }

    #[test]
    fn one_place_is_for_one() {
        let places = Places::new(1);
        let one = places.take("a").unwrap();
        assert!(places.take("b").is_none());
        drop(one);
        assert!(places.take("b").is_some());
    }
}
