//! `strongroom audit prove`: receipts for third parties.

use super::export::newest;
use super::{Database, failed, read, tree};
use crate::Error;
use crate::audit::merkle::proof;
use crate::audit::verify::RecordId;
use crate::audit::{Checkpoint, Growth, Note, Receipt};
use crate::store::{AuditLeaf, Store};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Options of `prove`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// The request, by the id that its answer had (x-amzn-RequestId).
    #[arg(value_name = "REQUEST_ID", required_unless_present = "since")]
    request_id: Option<Uuid>,
    /// Prove that the log has only grown since this checkpoint.
    #[arg(long, value_name = "FILE", conflicts_with = "request_id")]
    since: Option<PathBuf>,
    /// The folder to write into.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

/// Prints the names of the files that it writes.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let store = arguments.database.open().await?;
    match (&arguments.request_id, &arguments.since) {
        (Some(request_id), _) => receipts(&store, *request_id, &arguments.out).await,
        (None, Some(since)) => growth(&store, &read(since)?, &arguments.out).await,
        (None, None) => Err(failed("give a request's id, or --since")),
    }
}

async fn receipts(store: &Store, request_id: Uuid, out: &Path) -> Result<(), Error> {
    let leaves = store.audit_leaves_of(request_id).await?;
    if leaves.is_empty() {
        return Err(failed(format!(
            "the log has no record of {request_id}, or not yet: it gets its place within a second"
        )));
    }
    let size = newest(store).await?;
    for AuditLeaf { leaf, record, .. } in leaves {
        if leaf >= size {
            return Err(failed(
                "no checkpoint covers the record yet: wait for the next one",
            ));
        }
        let record = record.ok_or_else(|| failed(format!("the record of leaf {leaf} is gone")))?;
        let proof = tree::made(store, |node| proof::inclusion(leaf, size, node)).await?;
        let name = RecordId::of(&record).event_id;
        let name = name.and_then(|id| Uuid::parse_str(&id).ok());
        let name = name.map_or_else(|| leaf.to_string(), |id| id.to_string());
        let receipt = Receipt {
            record,
            leaf,
            proof,
            checkpoint: note(store, size).await?,
        };
        write(
            &out.join(format!("{name}.tlog-proof")),
            &receipt.to_string(),
        )?;
    }
    Ok(())
}

async fn growth(store: &Store, old: &str, out: &Path) -> Result<(), Error> {
    let parsed = Note::parse(old).ok();
    let checkpoint = parsed.and_then(|note| Checkpoint::parse(note.text()));
    let from = checkpoint
        .ok_or_else(|| failed("it is no checkpoint"))?
        .size;
    let size = newest(store).await?;
    if from > size {
        return Err(failed(format!(
            "the newest checkpoint has {size} leaves, fewer than the {from} of that one"
        )));
    }
    let proof = tree::made(store, |node| proof::consistency(from, size, node)).await?;
    let growth = Growth::new(old.to_owned(), note(store, size).await?, &proof);
    let text = serde_json::to_string_pretty(&growth).map_err(Error::internal)?;
    write(&out.join(format!("{from}-{size}.consistency.json")), &text)
}

async fn note(store: &Store, size: u64) -> Result<String, Error> {
    let checkpoint = store.checkpoints(size, size, 1).await?.pop();
    Ok(checkpoint
        .ok_or_else(|| failed("a checkpoint is gone"))?
        .note)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| failed(format!("cannot write {}: {error}", path.display())))?;
    println!("{}", path.display());
    Ok(())
}
