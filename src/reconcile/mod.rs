//! `strongroom reconcile`: token against database. Every difference is explained; what is repaired is
//! what an operator names, one by one, and every repair is in the audit log.

mod difference;
mod look;
mod recognise;
mod repair;
mod unknown;
mod versions;

pub use difference::{Difference, Kind, Repair, Report};
pub use recognise::check_token;

use crate::Error;
use crate::clock::Clock;
use crate::model::Region;
use crate::operation::Tokens;
use crate::store::Store;
use crate::token::Token;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A deployment's token and its database. Gateways may go on working meanwhile.
pub struct Reconciler {
    /// With its row seal.
    pub store: Store,
    /// The gateway's own token; those of custom key stores are not looked at.
    pub tokens: Tokens,
    /// The time of day, for records.
    pub clock: Arc<dyn Clock>,
    /// Of the records that belong to no key.
    pub region: Region,
    /// The serial number of a token that this one has taken the place of: a clone of it.
    pub replaces: Option<String>,
}

impl Reconciler {
    /// Compares. What is under way while it looks is not a difference: where there is one it looks
    /// once more, and it is one if it is still there.
    ///
    /// # Errors
    /// The token is not this database's, or does not answer; those of the database.
    pub async fn compare(&self) -> Result<Report, Error> {
        let first = self.look().await?;
        if first.differences.is_empty() {
            return Ok(first);
        }
        let before: BTreeSet<String> = first.differences.iter().map(Difference::id).collect();
        let mut report = self.look().await?;
        report.differences.retain(|d| before.contains(&d.id()));
        Ok(report)
    }

    fn home(&self) -> &Token {
        self.tokens.home()
    }
}
