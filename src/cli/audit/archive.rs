//! `strongroom audit archive`: an export of what is older than a date, from where the last one ended.

use super::export::export;
use super::filter::moment;
use super::{Database, failed};
use crate::Error;
use std::path::PathBuf;
use time::OffsetDateTime;

/// Options of `archive`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// Up to the last checkpoint that was made before: 2026-01-31, or with a time, 2026-01-31T08:00:00Z.
    #[arg(long, value_parser = moment)]
    before: OffsetDateTime,
    /// The folder, which must not be there yet.
    #[arg(long)]
    out: PathBuf,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let store = arguments.database.open().await?;
    let first = store.audit_extent().await?.pruned;
    let checkpoint = store.checkpoint_at(arguments.before).await?;
    let size = checkpoint.map_or(0, |checkpoint| checkpoint.size);
    if size <= first {
        return Err(failed(
            "no record that is left is in a checkpoint from before then",
        ));
    }
    let manifest = export(&store, &arguments.out, first, size).await?;
    println!(
        "{}: leaves {} to {}; keep it, then: strongroom audit prune --archive",
        arguments.out.display(),
        manifest.first,
        manifest.size - 1
    );
    Ok(())
}
