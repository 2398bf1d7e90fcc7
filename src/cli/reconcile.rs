//! `strongroom reconcile`: token against database, explained; repaired only as told.

use super::{failed, runtime};
use crate::Error;
use crate::config::Config;
use crate::gateway::reconciler;
use crate::reconcile::{Reconciler, Report};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The exit status where there are differences; 1 is for whoever could not compare.
const DIFFERENT: u8 = 2;

/// Options of `reconcile`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    config: PathBuf,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    /// Repair this difference; may be given several times.
    #[arg(long, value_name = "DIFFERENCE")]
    repair: Vec<String>,
    /// Do not ask before a repair.
    #[arg(long)]
    yes: bool,
    /// The serial number of the token that this one is a clone of, and has taken the place of.
    #[arg(long, value_name = "SERIAL")]
    replaces: Option<String>,
    /// After a restore: count so many more encryptions of every key, which the database has forgotten.
    #[arg(long, value_name = "NUMBER")]
    count_encryptions: Option<u32>,
}

/// Compares, and repairs what is named; then compares again. Exits with 0 where nothing differs, with
/// 2 where something does.
///
/// # Errors
/// What keeps it from comparing, or from a repair.
pub fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let config = Config::load(&arguments.config)?;
    runtime()?.block_on(async {
        let reconciler = reconciler(&config, arguments.replaces.clone()).await?;
        let done = reconcile(&reconciler, &arguments).await;
        reconciler.tokens.close_all().await;
        let report = done?;
        print(&report, arguments.json)?;
        Ok(match report.differences.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(DIFFERENT),
        })
    })
}

async fn reconcile(reconciler: &Reconciler, arguments: &Arguments) -> Result<Report, Error> {
    let report = reconciler.compare().await?;
    if arguments.repair.is_empty() && arguments.count_encryptions.is_none() {
        return Ok(report);
    }
    // Before anything is repaired: all that is asked for can be.
    let mut named = Vec::with_capacity(arguments.repair.len());
    for id in &arguments.repair {
        let found = report.differences.iter().find(|d| d.id() == *id);
        named.push(found.ok_or_else(|| failed(format!("there is no difference {id}")))?);
    }
    let operator = format!("uid {}", rustix::process::getuid().as_raw());
    for difference in named {
        eprintln!("{}", plain(&difference.to_string()));
        if arguments.yes || confirmed()? {
            reconciler.repair(difference, &operator).await?;
            eprintln!("repaired {}", difference.id());
        }
    }
    if let Some(more) = arguments.count_encryptions {
        let versions = reconciler.count_encryptions(more, &operator).await?;
        eprintln!("counted {more} more encryptions of each of {versions} keys");
    }
    reconciler.compare().await
}

/// Asks; anything but `yes` is no, and so is the end of the input.
fn confirmed() -> Result<bool, Error> {
    eprint!("Repair this? Type yes: ");
    let mut answer = String::new();
    std::io::stderr().flush().map_err(Error::internal)?;
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(Error::internal)?;
    Ok(answer.trim() == "yes")
}

fn print(report: &Report, json: bool) -> Result<(), Error> {
    if json {
        let text = serde_json::to_string_pretty(report).map_err(Error::internal)?;
        println!("{text}");
        return Ok(());
    }
    for note in &report.notes {
        println!("note: {}", plain(note));
    }
    for difference in &report.differences {
        println!("{}", plain(&difference.to_string()));
    }
    let Report {
        deployment,
        token_serial,
        versions,
        objects,
        differences,
        ..
    } = report;
    println!(
        "deployment {deployment}, token {token_serial}: {versions} key versions, {objects} objects, \
         {} differences",
        differences.len()
    );
    Ok(())
}

/// What a row says must not move the reader's cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}
