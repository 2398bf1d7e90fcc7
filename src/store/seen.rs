//! Which rows the database has been seen to have since the last change of any: a group of records that uses
//! these alone is committed without a look at them (`sql/V18__commit_seen_group.sql`).

use super::RowVersion;
use std::collections::HashSet;
use std::sync::Mutex;
use uuid::Uuid;

/// Some 40 bytes each; whoever uses more at a time has them looked at again.
const MOST: usize = 16_384;

/// All of its rows were there under its stamp, which the database changes with any of them.
#[derive(Default)]
pub(super) struct Seen(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    stamp: Option<Uuid>,
    rows: HashSet<RowVersion>,
}

impl Seen {
    /// The stamp under which all of these were seen.
    pub(super) fn stamp(&self, uses: &[RowVersion]) -> Option<Uuid> {
        let seen = self.lock();
        let all = uses.iter().all(|used| seen.rows.contains(used));
        seen.stamp.filter(|_| all)
    }

    /// Takes it down that these were there under this stamp.
    pub(super) fn saw(&self, stamp: Uuid, uses: &[RowVersion]) {
        let mut seen = self.lock();
        if seen.stamp != Some(stamp) || seen.rows.len() + uses.len() > MOST {
            seen.rows.clear();
        }
        seen.stamp = Some(stamp);
        seen.rows.extend(uses);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Rows> {
        // A stamp goes with its rows: after a panic in between there are no rows, or more of them.
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(row: u128, version: i64) -> RowVersion {
        RowVersion::Key(Uuid::from_u128(row), version)
    }

    #[test]
    fn rows_were_seen_under_the_last_stamp_or_not_at_all() {
        let (seen, [first, second]) = (Seen::default(), [1, 2].map(Uuid::from_u128));
        assert_eq!(seen.stamp(&[]), None, "before the database was asked");
        seen.saw(first, &[key(1, 1)]);
        seen.saw(first, &[key(2, 1)]);
        assert_eq!(seen.stamp(&[key(1, 1), key(2, 1)]), Some(first));
        assert_eq!(seen.stamp(&[]), Some(first));
        assert_eq!(seen.stamp(&[key(1, 1), key(3, 1)]), None);
        assert_eq!(seen.stamp(&[key(1, 2)]), None, "of another version");

        seen.saw(second, &[key(2, 1)]);
        assert_eq!(seen.stamp(&[key(2, 1)]), Some(second));
        assert_eq!(seen.stamp(&[key(1, 1)]), None, "not since the change");
    }

    #[test]
    fn no_more_rows_are_kept_than_the_bound() {
        let (seen, stamp) = (Seen::default(), Uuid::from_u128(1));
        for row in 0..MOST as u128 {
            seen.saw(stamp, &[key(row, 1)]);
        }
        assert_eq!(seen.stamp(&[key(0, 1)]), Some(stamp));
        seen.saw(stamp, &[key(MOST as u128, 1)]);
        assert_eq!(seen.stamp(&[key(0, 1)]), None);
        assert_eq!(seen.stamp(&[key(MOST as u128, 1)]), Some(stamp));
        assert_eq!(seen.lock().rows.len(), 1);
    }
}
