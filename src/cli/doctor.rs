//! `strongroom doctor`.

use crate::Error;
use std::path::PathBuf;

/// Options of `doctor`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    config: PathBuf,
}

/// # Errors
/// Always, so far.
pub fn run(_: &Arguments) -> Result<(), Error> {
    Err(super::failed("not built yet"))
}
