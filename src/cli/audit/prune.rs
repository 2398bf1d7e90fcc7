//! `strongroom audit prune`: records leave the database once an archive has them.

use super::{Database, PublicKey, failed, io_failed, progress, tree};
use crate::Error;
use crate::audit::export::Manifest;
use crate::audit::verify::{Anchors, Keys, verify};
use crate::audit::{Actor, Record};
use crate::store::{Store, Transaction};
use futures_util::FutureExt;
use serde_json::json;
use std::path::PathBuf;
use uuid::Uuid;

/// Leaves of one transaction.
const CHUNK: u64 = 2000;

/// Options of `prune`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// The folder that `strongroom audit archive` wrote.
    #[arg(long)]
    archive: PathBuf,
    #[command(flatten)]
    public_key: PublicKey,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let folder = &arguments.archive;
    let key = arguments.public_key.read()?;
    let keys = Keys {
        log: &key,
        witnesses: &[],
    };
    let manifest = Manifest::read(folder).map_err(io_failed)?;
    let bar = progress::records(manifest.size - manifest.first);
    let verified = verify(folder, keys, Anchors::default(), |done| {
        bar.set_position(done)
    });
    bar.finish_and_clear();
    let verification = verified.map_err(io_failed)?;
    if let Some(finding) = verification.findings.first() {
        return Err(failed(format!("{}: {finding}", folder.display())));
    }
    let store = arguments.database.open().await?;
    let first = store.audit_extent().await?.pruned;
    let mut from = first;
    let size = manifest.size;
    if manifest.deployment != store.deployment() || manifest.first > from {
        return Err(failed(format!(
            "it is not the archive that begins with leaf {from}"
        )));
    }
    // What the archive has is what is deleted: both have the same tree.
    if tree::frontier(&store, size).await?.root() != verification.root {
        return Err(failed(
            "the archive is not of the log that the database has",
        ));
    }
    let record = record(&store, from, size).await?;
    if size <= from {
        return Err(failed(format!(
            "its records are pruned already, up to leaf {from}"
        )));
    }
    let bar = progress::records(size - from);
    while from < size {
        let to = size.min(from + CHUNK);
        prune(&store, from, to, (from == first).then_some(&record)).await?;
        bar.inc(to - from);
        from = to;
    }
    bar.finish_and_clear();
    println!("the records before leaf {from} are in the archive alone");
    Ok(())
}

/// One transaction's part. The first one has the record.
async fn prune(
    store: &Store,
    from: u64,
    to: u64,
    record: Option<&(Uuid, Vec<u8>)>,
) -> Result<(), Error> {
    let pruned = store.transaction("prune", |tx: &Transaction<'_>| {
        let record = record.cloned();
        async move {
            let pruned = tx.prune_audit(from, to).await?;
            if let Some((request_id, record)) = record.filter(|_| pruned) {
                tx.record(request_id, &record).await?;
            }
            Ok(pruned)
        }
        .boxed()
    });
    match pruned.await? {
        true => Ok(()),
        false => Err(failed("somebody else prunes, too")),
    }
}

/// That records were pruned is in the log as well.
async fn record(store: &Store, from: u64, size: u64) -> Result<(Uuid, Vec<u8>), Error> {
    let account = store.unverified_management_account().await?;
    let operator = format!("uid {}", rustix::process::getuid().as_raw());
    let parameters = json!({ "fromLeaf": from, "toLeaf": size, "operator": operator });
    let record = Record {
        parameters: parameters.as_object(),
        ..Record::unasked(
            store.now().await?,
            "PruneAuditLog",
            "us-east-1",
            Actor::Auditor(&account),
        )
    };
    Ok((record.request_id, record.to_bytes()?))
}
