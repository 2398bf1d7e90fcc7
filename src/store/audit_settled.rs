//! Up to where all that is written has its leaf.
//!
//! Positions are not in the order of commits, so a record may come to light behind one that has its
//! leaf. `settled` is behind all of those: it moves to a position once every transaction that may
//! have been given one up to there has ended. For that a transaction has its id before it gets a
//! position (`sql/V13__audit_tree.sql`, `sql/V19__audit_groups.sql`).

use super::pool::column;
use crate::Error;
use tokio_postgres::Row;

/// Of the positions of one table, in the transaction of a sequencer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub(super) settled: i64,
    /// What `settled` becomes next.
    settling: i64,
    /// All transactions that may have a position up to `settling` have ended.
    quiet: bool,
    /// The transaction to wait for is another server's: the database was restored here.
    elsewhere: bool,
    /// The highest position that was to be seen before this transaction had an id.
    newest: i64,
    /// The highest position that has a leaf.
    pub(super) placed: i64,
}

impl Settled {
    /// From a row with these columns, but for `newest`.
    pub(super) fn read(row: &Row, newest: Option<i64>) -> Result<Self, Error> {
        let settled = column(row, "settled")?;
        Ok(Self {
            settled,
            settling: column(row, "settling")?,
            quiet: column(row, "quiet")?,
            elsewhere: column(row, "elsewhere")?,
            newest: newest.unwrap_or(settled),
            placed: column::<Option<i64>>(row, "placed")?.unwrap_or(settled),
        })
    }

    /// Behind which position to look for what has no leaf. While an old transaction keeps `settled` back, so
    /// far `behind` the newest leaf: what comes to light further behind waits for that transaction.
    pub(super) fn look_after(&self, behind: i64) -> i64 {
        match self.quiet {
            true => self.settled,
            false => self.settled.max(self.placed - behind),
        }
    }

    /// `settled`, and `settling` where there is a new one, once all up to `seen_to`, or all that is to be
    /// seen, has its leaf.
    pub(super) fn moved(&self, seen_to: Option<i64>) -> (i64, Option<i64>) {
        let settled = match self.quiet {
            true => seen_to.unwrap_or(self.settling).min(self.settling),
            false => self.settled,
        };
        let settled = settled.max(self.settled);
        let again = settled >= self.settling || self.elsewhere;
        (settled, again.then_some(self.newest.max(settled)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: Settled = Settled {
        settled: 10,
        settling: 20_000,
        quiet: true,
        elsewhere: false,
        newest: 30_000,
        placed: 25_000,
    };

    #[test]
    fn what_may_still_come_to_light_is_not_settled() {
        let running = Settled {
            quiet: false,
            ..STATE
        };
        assert_eq!(running.moved(None), (10, None));
        assert_eq!(running.look_after(2048), 25_000 - 2048);
        assert_eq!(STATE.look_after(2048), 10);
        assert_eq!(STATE.moved(None), (20_000, Some(30_000)));
        assert_eq!(STATE.moved(Some(8_000)), (8_000, None));
        let restored = Settled {
            elsewhere: true,
            ..running
        };
        assert_eq!(restored.moved(None), (10, Some(30_000)));
    }
}
