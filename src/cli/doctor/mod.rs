//! `strongroom doctor`: what is right, what is wrong, and what to do about it. It changes nothing.

mod between;
mod database;
mod table;
mod token;

use super::{failed, runtime};
use crate::Error;
use crate::config::Config;
use crate::gateway::approvals;
use std::path::PathBuf;
use table::Table;

/// Options of `doctor`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    config: PathBuf,
}

/// Prints the table.
///
/// # Errors
/// Something is wrong: the lines of the table say what.
pub fn run(arguments: &Arguments) -> Result<(), Error> {
    let mut table = Table::default();
    let config = Config::load(&arguments.config)
        .and_then(|config| approvals::rules(&config).map(|_| config));
    match config {
        Ok(config) => {
            table.good("configuration", arguments.config.display());
            runtime()?.block_on(examine(&config, &mut table));
        }
        Err(error) => table.bad(
            "configuration",
            error.message(),
            "mend the file, or the environment",
        ),
    }
    print!("{table}");
    match table.wrong() {
        0 => Ok(()),
        wrong => Err(failed(format!(
            "found wrong: {wrong}; each line with -> says what to do"
        ))),
    }
}

async fn examine(config: &Config, table: &mut Table) {
    // The module first: one PKCS#11 context at a time.
    let usable = token::examine(config, table);
    let store = database::examine(config, table).await;
    match store {
        Some(store) if usable => {
            drop(store);
            between::examine(config, table).await
        }
        _ => table.note(
            "token against database",
            "not compared: both must work for that",
        ),
    }
}
