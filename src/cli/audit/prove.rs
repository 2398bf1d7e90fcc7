//! `strongroom audit prove`: receipts for third parties.

use super::export::newest;
use super::{Database, failed, io_failed, progress, read, tree};
use crate::Error;
use crate::audit::export::{Lines, Manifest};
use crate::audit::merkle::{leaf_hash, proof};
use crate::audit::verify::RecordId;
use crate::audit::{Checkpoint, Growth, Note, Receipt};
use crate::store::{AuditLeaf, Store};
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
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
    /// An archive that has the request's records, where they are pruned from the database.
    #[arg(long, value_name = "FOLDER", requires = "request_id")]
    archive: Option<PathBuf>,
    /// The folder to write into; it is made if it is not there.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

/// Prints the names of the files that it writes.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let store = arguments.database.open().await?;
    let out = &arguments.out;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(out);
    made.map_err(|error| failed(format!("cannot make {}: {error}", out.display())))?;
    match (&arguments.request_id, &arguments.since) {
        (Some(request_id), _) => {
            let leaves = match &arguments.archive {
                Some(archive) => archived(&store, archive, *request_id)?,
                None => store.audit_leaves_of(*request_id).await?,
            };
            receipts(&store, *request_id, leaves, out).await
        }
        (None, Some(since)) => growth(&store, &read(since)?, out).await,
        (None, None) => Err(failed("give a request's id, or --since")),
    }
}

/// The leaves of a request that an archive has. It is not verified: a receipt of what is not in the log
/// is none.
fn archived(store: &Store, folder: &Path, request_id: Uuid) -> Result<Vec<AuditLeaf>, Error> {
    let manifest = Manifest::read(folder).map_err(io_failed)?;
    if manifest.deployment != store.deployment() {
        return Err(failed("the archive is of another log"));
    }
    let bar = progress::records(manifest.size - manifest.first);
    let wanted = request_id.to_string();
    let mut leaves = Vec::new();
    let mut lines = Lines::open(folder).map_err(io_failed)?;
    for leaf in manifest.first..manifest.size {
        let Some(record) = lines.read().map_err(io_failed)? else {
            break;
        };
        if RecordId::of(record).request_id.as_ref() == Some(&wanted) {
            let record = Some(record.to_vec());
            leaves.push(AuditLeaf {
                leaf,
                request_id,
                record,
            });
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(leaves)
}

async fn receipts(
    store: &Store,
    request_id: Uuid,
    leaves: Vec<AuditLeaf>,
    out: &Path,
) -> Result<(), Error> {
    if leaves.is_empty() {
        return Err(failed(format!(
            "there is no record of {request_id}, or not yet: it gets its place within a second; or an \
             archive has it: --archive"
        )));
    }
    let size = newest(store).await?;
    let note = note(store, size).await?;
    let signed = parsed(&note).map(|checkpoint| checkpoint.root);
    for AuditLeaf { leaf, record, .. } in leaves {
        if leaf >= size {
            return Err(failed(
                "no checkpoint covers the record yet: wait for the next one",
            ));
        }
        let record = record.ok_or_else(|| failed(format!("the record of leaf {leaf} is gone")))?;
        let proof = tree::made(store, |node| proof::inclusion(leaf, size, node)).await?;
        let root = proof::root(leaf_hash(&record), leaf, size, &proof);
        if root.is_none() || root != signed {
            return Err(failed(format!(
                "the record of leaf {leaf} is not the one that was signed"
            )));
        }
        let name = RecordId::of(&record).event_id;
        let name = name.and_then(|id| Uuid::parse_str(&id).ok());
        let name = name.map_or_else(|| leaf.to_string(), |id| id.to_string());
        let receipt = Receipt {
            record,
            leaf,
            proof,
            checkpoint: note.clone(),
        };
        write(
            &out.join(format!("{name}.tlog-proof")),
            &receipt.to_string(),
        )?;
    }
    Ok(())
}

async fn growth(store: &Store, old: &str, out: &Path) -> Result<(), Error> {
    let from = parsed(old)
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

fn parsed(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(Note::parse(note).ok()?.text())
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
