//! Token buckets by key, as the generic cell rate algorithm (ITU-T I.371) has them: of each bucket
//! only the time is kept at which it will be full.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const SHARDS: usize = 16;
/// How often a full table is searched for buckets that need not be kept.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

/// How many on average, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    interval: Duration,
    burst: NonZeroU32,
}

impl Rate {
    /// `per_second` on average; at once as many as in a second, but at least one. `None` for what
    /// is no rate.
    pub fn per_second(per_second: f64) -> Option<Self> {
        let interval = Duration::try_from_secs_f64(per_second.recip()).ok()?;
        let burst = per_second.ceil().clamp(1.0, f64::from(u32::MAX));
        let burst = NonZeroU32::new(burst as u32)?;
        (per_second > 0.0 && !interval.is_zero()).then_some(Self { interval, burst })
    }

    /// The same with another burst.
    #[must_use]
    pub fn allow_burst(self, burst: NonZeroU32) -> Self {
        Self { burst, ..self }
    }
}

/// Buckets of any rate, by key; bounded. A time is one since a beginning that is the same for all
/// calls.
pub(super) struct Buckets<K> {
    shards: [Mutex<Shard<K>>; SHARDS],
    hasher: RandomState,
    /// Of each shard.
    capacity: usize,
}

struct Shard<K> {
    full_at: HashMap<K, Duration>,
    searched: Duration,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Keeps about `capacity` buckets that are not full; those that are need not be kept.
    pub(super) fn new(capacity: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                full_at: HashMap::new(),
                searched: Duration::ZERO,
            })
        };
        Self {
            shards: std::array::from_fn(|_| shard()),
            hasher: RandomState::new(),
            capacity: capacity.div_ceil(SHARDS),
        }
    }

    /// Takes one from a bucket; answers whether it had one. A new bucket for which there is no room
    /// has none.
    pub(super) fn take(&self, key: &K, rate: Rate, now: Duration) -> bool {
        self.with_shard(key, |shard| {
            let latest = now.saturating_add(rate.interval.saturating_mul(rate.burst.get()));
            if let Some(full_at) = shard.full_at.get_mut(key) {
                let then = (*full_at).max(now).saturating_add(rate.interval);
                if then > latest {
                    return false;
                }
                *full_at = then;
                return true;
            }
            if !shard.has_room(self.capacity, now) {
                return false;
            }
            let then = now.saturating_add(rate.interval);
            shard.full_at.insert(key.clone(), then);
            true
        })
    }

    /// Puts back what was taken.
    pub(super) fn give_back(&self, key: &K, rate: Rate) {
        self.with_shard(key, |shard| {
            if let Some(full_at) = shard.full_at.get_mut(key) {
                *full_at = full_at.saturating_sub(rate.interval);
            }
        });
    }

    /// Forgets the buckets that are full.
    pub(super) fn shrink(&self, now: Duration) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.full_at.retain(|_, full_at| *full_at > now);
            shard.full_at.shrink_to(self.capacity / 16);
        }
    }

    fn with_shard<T>(&self, key: &K, work: impl FnOnce(&mut Shard<K>) -> T) -> T {
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        let mut shard = self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(&mut shard)
    }
}

impl<K> Shard<K> {
    fn has_room(&mut self, capacity: usize, now: Duration) -> bool
    where
        K: Hash + Eq,
    {
        if self.full_at.len() >= capacity && now >= self.searched + SEARCH_EVERY {
            self.searched = now;
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.full_at.len() < capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn taken(buckets: &Buckets<u32>, key: u32, rate: Rate, now: f64) -> usize {
        (0..1000)
            .take_while(|_| buckets.take(&key, rate, at(now)))
            .count()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let (buckets, five) = (Buckets::new(1000), Rate::per_second(5.0).unwrap());
        assert_eq!(taken(&buckets, 1, five, 10.0), 5);
        assert_eq!(taken(&buckets, 2, five, 10.0), 5, "another's is its own");
        assert_eq!(taken(&buckets, 1, five, 10.19), 0);
        assert_eq!(taken(&buckets, 1, five, 10.6), 3);
        assert_eq!(taken(&buckets, 1, five, 100.0), 5, "no more than full");
        buckets.give_back(&1, five);
        assert_eq!(taken(&buckets, 1, five, 100.0), 1);
    }

    #[test]
    fn rates_below_one_and_bursts() {
        let (buckets, slow) = (Buckets::new(1000), Rate::per_second(0.25).unwrap());
        assert_eq!(taken(&buckets, 1, slow, 10.0), 1);
        assert_eq!(taken(&buckets, 1, slow, 13.9), 0);
        assert_eq!(taken(&buckets, 1, slow, 14.1), 1);
        let burst = slow.allow_burst(NonZeroU32::new(3).unwrap());
        assert_eq!(taken(&buckets, 2, burst, 10.0), 3);
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rate::per_second(none), None, "{none}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_gets_smaller() {
        let (buckets, one) = (Buckets::new(160), Rate::per_second(1.0).unwrap());
        let room = (0..10_000).filter(|key| buckets.take(key, one, at(10.0)));
        assert!(room.count() <= 160);
        let later = (10_000..20_000).filter(|key| buckets.take(key, one, at(12.0)));
        assert!(later.count() > 100, "those that are full again make room");
        buckets.shrink(at(14.0));
        let kept = |shard: &Mutex<Shard<u32>>| shard.lock().unwrap().full_at.len();
        assert_eq!(buckets.shards.iter().map(kept).sum::<usize>(), 0);
    }
}
