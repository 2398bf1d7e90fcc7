//! `strongroom audit`: the audit log as evidence. What an auditor runs, `verify` and `verify-receipt`,
//! takes files alone; the rest runs where the gateway's configuration is.

mod archive;
mod checkpoint;
mod export;
mod filter;
mod progress;
mod prove;
mod prune;
mod public_key;
mod search;
mod tail;
mod tree;
mod verify;
mod verify_receipt;

use super::{failed, runtime};
use crate::Error;
use crate::audit::VerifierKey;
use crate::config::Config;
use crate::gateway::settings;
use crate::store::Store;
use clap::Subcommand;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit status where something is not as it was signed; 1 is for whoever could not look.
const WRONG: u8 = 2;

/// Options of `audit`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the log into a folder that `verify` needs nothing but the public key for.
    Export(export::Arguments),
    /// Verify an export, with nothing but the public key.
    Verify(verify::Arguments),
    /// Print the records that a filter is for, as JSON Lines.
    Search(search::Arguments),
    /// Print the newest records, as JSON Lines.
    Tail(tail::Arguments),
    /// Write receipts that a request's records are in the log, or that the log has only grown.
    Prove(prove::Arguments),
    /// Verify a receipt, with nothing but the public key.
    VerifyReceipt(verify_receipt::Arguments),
    /// Print a signed checkpoint, to be kept elsewhere.
    Checkpoint(checkpoint::Arguments),
    /// Write the records up to a date into a folder, as `export` does.
    Archive(archive::Arguments),
    /// Delete the records that an archive has, once it is verified.
    Prune(prune::Arguments),
    /// Print the public key that all is verified with; asks the token.
    PublicKey(public_key::Arguments),
}

/// Runs the subcommand. Exits with 2 where something is not as it was signed.
///
/// # Errors
/// A message for whoever typed it.
pub fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    match arguments.command {
        Command::Verify(arguments) => return verify::run(&arguments),
        Command::VerifyReceipt(arguments) => return verify_receipt::run(&arguments),
        Command::Export(arguments) => runtime()?.block_on(export::run(&arguments)),
        Command::Search(arguments) => runtime()?.block_on(search::run(&arguments)),
        Command::Tail(arguments) => runtime()?.block_on(tail::run(&arguments)),
        Command::Prove(arguments) => runtime()?.block_on(prove::run(&arguments)),
        Command::Checkpoint(arguments) => runtime()?.block_on(checkpoint::run(&arguments)),
        Command::Archive(arguments) => runtime()?.block_on(archive::run(&arguments)),
        Command::Prune(arguments) => runtime()?.block_on(prune::run(&arguments)),
        Command::PublicKey(arguments) => runtime()?.block_on(public_key::run(&arguments)),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// The gateway's configuration, for its database.
#[derive(clap::Args)]
struct Database {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    config: PathBuf,
}

impl Database {
    async fn open(&self) -> Result<Store, Error> {
        let config = Config::load(&self.config)?;
        Store::open(settings::store(&config)).await
    }
}

/// The key that an auditor has from outside.
#[derive(clap::Args)]
struct PublicKey {
    /// The file that has the public key, as `strongroom audit public-key` prints it; or PEM alone.
    #[arg(long)]
    public_key: PathBuf,
}

impl PublicKey {
    fn read(&self) -> Result<VerifierKey, Error> {
        let path = &self.public_key;
        let key = VerifierKey::parse(&read(path)?);
        key.ok_or_else(|| failed(format!("{} has no P-256 public key", path.display())))
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path);
    text.map_err(|error| failed(format!("cannot read {}: {error}", path.display())))
}

/// What went wrong with files.
fn io_failed(error: std::io::Error) -> Error {
    failed(error.to_string())
}

/// Prints a line. Answers whether anybody reads on.
fn print(line: &[u8]) -> Result<bool, Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(line).and_then(|()| out.write_all(b"\n")) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(io_failed(error)),
    }
}
