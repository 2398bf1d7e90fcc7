//! `strongroom audit tail`: the newest records, and those that come.

use super::filter::Filter;
use super::{Database, print};
use crate::Error;
use std::time::Duration;

/// How often it is looked for new ones.
const EVERY: Duration = Duration::from_secs(1);
/// Records that are read at a time.
const PAGE: u64 = 1000;

/// Options of `tail`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How many of the newest records are looked at.
    #[arg(long, short = 'n', default_value_t = 10)]
    lines: u64,
    /// Go on with those that come.
    #[arg(long, short = 'f')]
    follow: bool,
    #[command(flatten)]
    filter: Filter,
}

/// A record comes to light once it has its place in the tree, which takes a second or less.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let store = arguments.database.open().await?;
    let extent = store.audit_extent().await?;
    let newest = extent.size.saturating_sub(arguments.lines);
    let mut from = newest.max(extent.pruned);
    loop {
        let size = store.audit_extent().await?.size;
        let next = size.min(from + PAGE);
        let leaves = store.audit_leaves(from, next).await?;
        for record in leaves.iter().filter_map(|leaf| leaf.record.as_deref()) {
            if arguments.filter.takes(record) && !print(record)? {
                return Ok(());
            }
        }
        from = from.max(next);
        match (from < size, arguments.follow) {
            (true, _) => {}
            (false, true) => tokio::time::sleep(EVERY).await,
            (false, false) => return Ok(()),
        }
    }
}
