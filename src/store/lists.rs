//! Lists that were read lately, kept apart from single rows: a long one pushes out none of those.

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::hash::Hash;
use std::sync::Arc;

/// The longest list, of a grantee's grants, has 1000 rows. Each part of a cache, of which there are
/// several where there are many lists of the typical length, has room for more than that.
const TYPICAL_ROWS: usize = 64;
const LEAST_ROWS: usize = 4096;

/// Lists by what they are of, bounded by the number of rows in all of them.
pub(super) struct Lists<K, T>(Cache<K, Arc<[T]>, ByRows>);

#[derive(Clone)]
struct ByRows;

impl<K, T> Weighter<K, Arc<[T]>> for ByRows {
    /// That there is nothing takes room too.
    fn weight(&self, _: &K, list: &Arc<[T]>) -> u64 {
        list.len().max(1) as u64
    }
}

impl<K: Eq + Hash, T> Lists<K, T> {
    /// With room for `rows`, within reason.
    pub(super) fn new(rows: usize) -> Self {
        let rows = rows.max(LEAST_ROWS);
        let lists = rows / TYPICAL_ROWS;
        Self(Cache::with_weighter(lists, rows as u64, ByRows))
    }

    pub(super) fn get(&self, of: &K) -> Option<Arc<[T]>> {
        self.0.get(of)
    }

    pub(super) fn put(&self, of: K, list: &Arc<[T]>) {
        self.0.insert(of, Arc::clone(list));
    }

    pub(super) fn forget(&self, of: &K) {
        self.0.remove(of);
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_all_lists_are_bounded() {
        for rows in [0, 10_000, 100_000] {
            let lists = Lists::<usize, u8>::new(rows);
            let long: Arc<[u8]> = Arc::from([0; 1000]);
            for at in 0..1000 {
                lists.put(at, &long);
                assert!(lists.get(&at).is_some(), "the longest has room: {rows}");
            }
            let kept = (0..1000).filter(|at| lists.get(at).is_some()).count();
            assert!((1..=rows.max(LEAST_ROWS) / 1000).contains(&kept), "{kept}");
            for at in 0..200_000 {
                lists.put(at, &Arc::from([]));
            }
            let kept = (0..200_000).filter(|at| lists.get(at).is_some()).count();
            assert!(kept <= rows.max(LEAST_ROWS), "{kept}");
        }
    }
}
