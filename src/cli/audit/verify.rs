//! `strongroom audit verify`: an export, with nothing but the public key.

use super::{PublicKey, WRONG, failed, io_failed, progress, read};
use crate::Error;
use crate::audit::VerifierKey;
use crate::audit::export::Manifest;
use crate::audit::verify::{Anchors, Keys, Verification, verify};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Options of `verify`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The folder that `strongroom audit export` or `archive` wrote.
    export: PathBuf,
    #[command(flatten)]
    public_key: PublicKey,
    /// What is known of the log from elsewhere: a checkpoint or several, or a size; may be given
    /// several times. Without one, an end that was cut off is not seen.
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
    /// A witness's key, as the configuration has it (`name+id+key`): it has to have cosigned; may be
    /// given several times.
    #[arg(long, value_name = "KEY", value_parser = witness)]
    witness: Vec<VerifierKey>,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

fn witness(key: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse_vkey(key).ok_or_else(|| "not of the form name+id+key".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let key = arguments.public_key.read()?;
    let mut anchors = Anchors::default();
    for path in &arguments.anchor {
        let name = path.display().to_string();
        let added = anchors.add(&name, &read(path)?, &key);
        added.map_err(|error| failed(format!("{name}: {error}")))?;
    }
    let folder = &arguments.export;
    let manifest = Manifest::read(folder).map_err(io_failed)?;
    let bar = progress::records(manifest.size - manifest.first);
    let keys = Keys {
        log: &key,
        witnesses: &arguments.witness,
    };
    let begun = Instant::now();
    let verified = verify(folder, keys, anchors, |done| bar.set_position(done));
    bar.finish_and_clear();
    let verification = verified.map_err(io_failed)?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&verification).map_err(Error::internal)?;
        println!("{text}");
    } else {
        tell(&verification, arguments.anchor.is_empty(), begun.elapsed());
    }
    Ok(match verification.is_right() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(WRONG),
    })
}

fn tell(verification: &Verification, no_anchor: bool, took: Duration) {
    let Verification {
        deployment,
        first,
        size,
        proven,
        root: _,
        checkpoints,
        anchors,
        witnessed,
        anchors_before,
        resumed,
        findings,
    } = verification;
    let records = size - first;
    let seconds = took.as_secs_f64();
    println!(
        "log of deployment {deployment}: {records} records from leaf {first}, {checkpoints} checkpoints \
         and {anchors} anchors agree; {seconds:.1} s, {:.0} records/s",
        records as f64 / seconds.max(0.001)
    );
    if *anchors_before > 0 {
        println!(
            "note: {anchors_before} anchors are of sizes before leaf {first}: verify the archive"
        );
    }
    for restore in resumed {
        println!(
            "note: leaf {} says that the database was restored, and that the log goes on from leaf {}: \
             the token had signed {} leaves, and those after that are not in it",
            restore.leaf, restore.leaves, restore.signed_leaves
        );
    }
    for by in witnessed {
        println!(
            "cosigned by {} up to leaf {} (not included)",
            by.witness, by.size
        );
    }
    for finding in findings {
        println!("WRONG: {finding}");
    }
    if !findings.is_empty() {
        match proven > first {
            true => println!("up to leaf {proven} (not included), all is as it was signed"),
            false => println!("no record is shown to be as it was signed"),
        }
        return;
    }
    println!("right: every record is as it was signed");
    if *first > 0 {
        println!(
            "note: the records before leaf {first} are not in it: they ought to be in archives, which \
             are verified in the same way"
        );
    }
    if no_anchor {
        println!(
            "note: without --anchor, nobody can tell whether the log went on after leaf {}",
            size.saturating_sub(1)
        );
    }
}
