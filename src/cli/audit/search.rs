//! `strongroom audit search`: records by key, principal, operation and time, from the database or from
//! an export.

use super::filter::Filter;
use super::{failed, io_failed, print, progress};
use crate::Error;
use crate::audit::export::{Lines, Manifest};
use crate::config::Config;
use crate::gateway::settings;
use crate::store::Store;
use std::path::{Path, PathBuf};
use time::{Duration, OffsetDateTime};

/// Records that are read at a time.
const PAGE: u64 = 2000;
/// How far the times in records may be from the order of the leaves: two gateways' clocks, and
/// transactions that take their time.
const SLACK: Duration = Duration::minutes(5);

/// Options of `search`.
#[derive(clap::Args)]
#[group(id = "source", required = true, multiple = false, args = ["config", "export"])]
pub(super) struct Arguments {
    /// The configuration file, to search the database.
    #[arg(long)]
    config: Option<PathBuf>,
    /// An export, to search that. It is not verified.
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let filter = &arguments.filter;
    match (&arguments.config, &arguments.export) {
        (Some(config), _) => {
            let config = Config::load(config)?;
            let store = Store::open(settings::store(&config)).await?;
            in_database(&store, filter).await
        }
        (None, Some(folder)) => in_export(folder, filter),
        (None, None) => Err(failed("give --config or --export")),
    }
}

fn in_export(folder: &Path, filter: &Filter) -> Result<(), Error> {
    let manifest = Manifest::read(folder).map_err(io_failed)?;
    let bar = progress::records(manifest.size - manifest.first);
    let mut lines = Lines::open(folder).map_err(io_failed)?;
    while let Some(record) = lines.read().map_err(io_failed)? {
        if filter.takes(record) && !bar.suspend(|| print(record))? {
            break;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

async fn in_database(store: &Store, filter: &Filter) -> Result<(), Error> {
    let extent = store.audit_extent().await?;
    let (mut from, mut to) = (extent.pruned, extent.size);
    if let Some(time) = filter.from {
        from = leaf_at(store, from, to, time - SLACK).await?;
    }
    if let Some(time) = filter.to {
        to = leaf_at(store, from, to, time + SLACK).await?;
    }
    let bar = progress::records(to - from);
    let begin = from;
    while from < to {
        let next = to.min(from + PAGE);
        let leaves = store.audit_leaves(from, next).await?;
        from = next;
        for record in leaves.iter().filter_map(|leaf| leaf.record.as_deref()) {
            if filter.takes(record) && !bar.suspend(|| print(record))? {
                return Ok(());
            }
        }
        bar.set_position(from - begin);
    }
    bar.finish_and_clear();
    Ok(())
}

/// The first of the leaves `[from, to)` that was written at a time or later, or `to`.
async fn leaf_at(
    store: &Store,
    mut from: u64,
    mut to: u64,
    time: OffsetDateTime,
) -> Result<u64, Error> {
    while from < to {
        let middle = from + (to - from) / 2;
        match store.audit_written_at(middle).await? {
            Some(written) if written < time => from = middle + 1,
            _ => to = middle,
        }
    }
    Ok(from)
}
