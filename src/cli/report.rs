//! `strongroom report`: evidence of a period for an auditor, as a page and as data.

mod folder;

use super::{failed, runtime};
use crate::Error;
use crate::config::{ApprovalSection, Config};
use crate::gateway::{Reporter, reporter};
use crate::report::tally::{Noted, Tally};
use crate::report::{Limits, Period, Read, Report, RuleEntry, page, tables};
use folder::Folder;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `report`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration file; see strongroom.example.toml.
    #[arg(long)]
    config: PathBuf,
    /// The first day, or moment, of the period: 2026-10-01, 2026-10-01T06:00:00Z.
    #[arg(long)]
    from: String,
    /// The last day of it, or the first moment after it.
    #[arg(long)]
    to: String,
    /// Where to write it: a folder that is made, or is empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Do not ask the token: no row is verified then, and no object looked at.
    #[arg(long)]
    without_token: bool,
    /// How long a key version may be current, for every key; without it, as long as the key's rotation
    /// has it, or as NIST SP 800-57 part 1 suggests.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    crypto_period: Option<u32>,
    /// How old an access key may be.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    access_key_age: u32,
    /// After how long a key or an access key counts as unused.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    unused_after: u32,
}

/// Reads the period, and writes the report.
///
/// # Errors
/// The database does not answer; the folder cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let period = Period::parse(&arguments.from, &arguments.to).map_err(failed)?;
    let config = Config::load(&arguments.config)?;
    let folder = Folder::new(&arguments.out)?;
    let report = runtime()?.block_on(async {
        let reporter = reporter(&config, arguments.without_token).await?;
        let report = read(&reporter, &config, arguments, period, &folder).await;
        reporter.close().await;
        report
    })?;
    for note in &report.about.notes {
        eprintln!("note: {}", note.replace(char::is_control, "?"));
    }
    folder.text("report.html", &page(&report))?;
    folder.json("report.json", &report)?;
    folder.tables(&report)?;
    eprintln!(
        "{} keys, {} records, {} exceptions: {}",
        report.keys.len(),
        report.log.records,
        report.exceptions.len(),
        arguments.out.join("report.html").display()
    );
    Ok(ExitCode::SUCCESS)
}

async fn read(
    reporter: &Reporter,
    config: &Config,
    arguments: &Arguments,
    period: Period,
    folder: &Folder,
) -> Result<Report, Error> {
    let store = &reporter.store;
    let metadata = store.metadata().await?;
    let period = period.until(metadata.at);
    let (from, to) = (period.from.0, period.to.0);
    let mut log = Tally::new(period);
    let mut denials = folder.table("denials.csv", tables::ACTS)?;
    let mut changes = folder.table("changes.csv", tables::ACTS)?;
    let mut decisions = folder.table("dual-control.csv", tables::ACTS)?;
    let mut reader = store.read_log(from, to).await?;
    loop {
        let page = reader.page().await?;
        if page.is_empty() {
            break;
        }
        for record in page {
            let added = log.add(record.written, &record.record, record.has_leaf);
            let Some((act, noted)) = added else { continue };
            let row = tables::act(&act);
            for noted in noted {
                let file = match noted {
                    Noted::Denial => &mut denials,
                    Noted::Change => &mut changes,
                    Noted::Decision => &mut decisions,
                };
                file.row(&row).map_err(Error::internal)?;
            }
        }
    }
    for file in [denials, changes, decisions] {
        file.finish().map_err(Error::internal)?;
    }
    log.finish();
    let seen = reporter.look_at(&metadata.keys).await?;
    let token = reporter.token.as_ref();
    Ok(Report::new(Read {
        deployment: store.deployment(),
        period,
        metadata,
        seen,
        audit_key: token.ok().map(|token| &*token.audit_key),
        token: token.map(|token| &token.report).map_err(Clone::clone),
        log,
        tree: store.tree_state().await?,
        checkpoints: &store.checkpoints_made(from, to).await?,
        rules: config.approval.iter().map(rule).collect(),
        crypto_period: arguments.crypto_period,
        limits: Limits {
            access_key_days: arguments.access_key_age,
            unused_days: arguments.unused_after,
        },
    }))
}

fn rule(section: &ApprovalSection) -> RuleEntry {
    RuleEntry {
        operations: section.operations.clone(),
        accounts: section.accounts.clone(),
        approvals: section.approvals,
        approvers: section.approvers.clone(),
    }
}
