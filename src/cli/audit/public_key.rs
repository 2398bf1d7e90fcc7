//! `strongroom audit public-key`: what auditors have to have from outside.

use super::failed;
use crate::Error;
use crate::config::Config;
use crate::gateway::audit_key;
use std::path::PathBuf;

/// Options of `public-key`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    config: PathBuf,
}

/// Prints the C2SP's form, which has the log's name, and PEM.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let key = audit_key(&Config::load(&arguments.config)?).await?;
    let vkey = key.vkey().ok_or_else(|| failed("the key has no name"))?;
    let pem = key
        .pem()
        .ok_or_else(|| failed("the key cannot be written as PEM"))?;
    println!("{vkey}\n{}", pem.trim_end());
    Ok(())
}
