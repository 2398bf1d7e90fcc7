//! The command line: one file per subcommand.

pub mod admin;
pub mod attest;
pub mod audit;
pub mod bench;
mod client;
pub mod dev;
pub mod doctor;
pub mod init;
pub mod logging;
mod new_file;
mod private;
pub mod reconcile;
pub mod report;
pub mod serve;

use crate::Error;
use crate::version::{UNAUDITED, VERSION};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A key management service in front of hardware: the AWS KMS protocol over PKCS#11 tokens.
#[derive(Parser)]
#[command(version = VERSION)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve on a token and a Postgres of one's own, all in one folder: nothing to set up.
    Dev(dev::Arguments),
    /// Serve on a given token and Postgres.
    Serve(serve::Arguments),
    /// Make what a deployment needs: schema, the gateway's keys, an account, its root access key.
    Init(init::Arguments),
    /// Check configuration, token and database, and say what to do about what is wrong.
    Doctor(doctor::Arguments),
    /// Compare token and database, explain every difference, and repair those that are named.
    Reconcile(reconcile::Arguments),
    /// Export, search, prove and verify the audit log.
    Audit(audit::Arguments),
    /// Write evidence of a period for an auditor: a page, and its data as JSON and CSV.
    Report(report::Arguments),
    /// Manage accounts, users, roles, policies and access keys of a running gateway.
    Admin(admin::Arguments),
    /// Have a running gateway attest what the token says of keys, or verify what was attested.
    Attest(attest::Arguments),
    /// Measure a running gateway, and the token beside it.
    Bench(Box<bench::Arguments>),
}

impl Arguments {
    /// Runs the subcommand; answers the exit status of one that went well.
    ///
    /// # Errors
    /// A message for whoever typed it.
    pub fn run(self) -> Result<ExitCode, Error> {
        private::keep_memory_private()?;
        if UNAUDITED {
            self.command.refuse_unaudited()?;
        }
        match self.command {
            Command::Dev(arguments) => dev::run(arguments),
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Init(arguments) => init::run(arguments),
            Command::Doctor(arguments) => doctor::run(&arguments),
            Command::Reconcile(arguments) => return reconcile::run(arguments),
            Command::Audit(arguments) => return audit::run(arguments),
            Command::Report(arguments) => return report::run(&arguments),
            Command::Admin(arguments) => admin::run(arguments),
            Command::Attest(arguments) => return attest::run(arguments),
            Command::Bench(arguments) => bench::run(&arguments),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

impl Command {
    /// A build that keeps no audit log says so, and touches no deployment but one of its own.
    fn refuse_unaudited(&self) -> Result<(), Error> {
        eprintln!(
            "strongroom {VERSION}: THIS BUILD KEEPS NO AUDIT LOG. It is for scripts/audit-cost.sh alone."
        );
        match self {
            Self::Dev(_) | Self::Bench(_) => Ok(()),
            _ => Err(failed("this build has no commands but `dev` and `bench`")),
        }
    }
}

/// What went wrong outside any request: a message for the operator.
fn failed(message: impl Into<String>) -> Error {
    Error::new(crate::ErrorCode::Validation, message)
}

/// The runtime of everything but the connections, which actix-web's own threads serve.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::internal)
}
