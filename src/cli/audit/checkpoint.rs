//! `strongroom audit checkpoint`: what to keep elsewhere.

use super::{Database, failed};
use crate::Error;

/// Options of `checkpoint`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// The one of this size, instead of the newest.
    #[arg(long)]
    size: Option<u64>,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let store = arguments.database.open().await?;
    let checkpoint = match arguments.size {
        Some(size) => store.checkpoints(size, size, 1).await?.pop(),
        None => store.last_checkpoint().await?,
    };
    let checkpoint = checkpoint.ok_or_else(|| failed("there is no such checkpoint"))?;
    print!("{}", checkpoint.note);
    Ok(())
}
