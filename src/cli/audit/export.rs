//! `strongroom audit export`: the log into files.

use super::{Database, failed, io_failed, progress, tree};
use crate::Error;
use crate::audit::export::{Manifest, Writer};
use crate::audit::merkle::Hash;
use crate::store::Store;
use std::path::{Path, PathBuf};

/// Leaves that are read at a time: whole tiles.
const PAGE: u64 = 4096;
const TILE: u64 = 256;
/// Checkpoints that are read at a time.
const CHECKPOINTS: u32 = 1000;

/// Options of `export`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: Database,
    /// The folder, which must not be there yet.
    #[arg(long)]
    out: PathBuf,
    /// The first leaf; by default the first whose record the database still has.
    #[arg(long, value_name = "LEAF")]
    from: Option<u64>,
    /// End with the checkpoint of this size, instead of the newest.
    #[arg(long, value_name = "SIZE")]
    size: Option<u64>,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Error> {
    let store = arguments.database.open().await?;
    let size = match arguments.size {
        Some(size) => size,
        None => newest(&store).await?,
    };
    let first = match arguments.from {
        Some(first) => first,
        None => store.audit_extent().await?.pruned,
    };
    let manifest = export(&store, &arguments.out, first, size).await?;
    let (out, log) = (arguments.out.display(), manifest.deployment);
    match manifest.size.checked_sub(1) {
        Some(last) if last >= first => {
            println!("{out}: leaves {first} to {last} of the log of {log}");
        }
        _ => println!("{out}: no record, the log of {log} is pruned up to leaf {first}"),
    }
    Ok(())
}

/// The size of the newest checkpoint: what is after it, nothing says anything about yet.
pub(super) async fn newest(store: &Store) -> Result<u64, Error> {
    let newest = store.last_checkpoint().await?;
    let newest = newest.ok_or_else(|| failed("there is no checkpoint yet: wait for the first"))?;
    Ok(newest.size)
}

/// Writes the leaves `[first, size)` and the checkpoints of these sizes; `size` has to be one's.
pub(super) async fn export(
    store: &Store,
    folder: &Path,
    first: u64,
    size: u64,
) -> Result<Manifest, Error> {
    let pruned = store.audit_extent().await?.pruned;
    if first < pruned {
        let message = format!("the records before leaf {pruned} are in an archive, and pruned");
        return Err(failed(message));
    }
    if first > size || store.checkpoints(size, size, 1).await?.is_empty() {
        let message =
            format!("there is no checkpoint of {size} leaves that ends after leaf {first}");
        return Err(failed(message));
    }
    let before = tree::frontier(store, first).await?;
    let named = |error| failed(format!("{}: {error}", folder.display()));
    let writer = Writer::create(folder, store.deployment(), before);
    let mut writer = writer.map_err(named)?;
    let bar = progress::records(size - first);
    let mut from = first;
    while from < size {
        let to = size.min((from / PAGE + 1) * PAGE);
        page(store, &mut writer, from, to).await?;
        bar.inc(to - from);
        from = to;
    }
    bar.finish_and_clear();
    let mut from = first;
    loop {
        let notes = store.checkpoints(from, size, CHECKPOINTS).await?;
        let Some(last) = notes.last() else { break };
        from = last.size + 1;
        for checkpoint in &notes {
            writer.checkpoint(&checkpoint.note).map_err(io_failed)?;
        }
    }
    if store.audit_extent().await?.pruned > first {
        return Err(failed("records were pruned meanwhile: export again"));
    }
    writer.finish().map_err(io_failed)
}

/// The leaves `[from, to)` of one page. What the database lacks is told by whoever verifies.
async fn page(store: &Store, writer: &mut Writer, from: u64, to: u64) -> Result<(), Error> {
    let tiles: Vec<_> = (from / TILE..to.div_ceil(TILE))
        .map(|tile| (0, tile))
        .collect();
    let tiles = store.audit_tiles(&tiles).await?;
    let leaf_hash = |leaf: u64| -> Hash {
        let tile = tiles.iter().find(|tile| tile.index == leaf / TILE);
        let hashes = tile.map_or(&[][..], |tile| tile.hashes.as_chunks::<32>().0);
        let hash = hashes.get((leaf % TILE) as usize); // less than 256
        hash.copied().unwrap_or_default()
    };
    let leaves = store.audit_leaves(from, to).await?;
    let mut leaves = leaves.into_iter().peekable();
    for leaf in from..to {
        // Whoever has the database may have made two of one.
        while leaves.next_if(|row| row.leaf < leaf).is_some() {}
        let row = leaves.next_if(|row| row.leaf == leaf);
        let request_id = row.as_ref().map(|row| row.request_id);
        match row.and_then(|row| row.record) {
            Some(record) => writer.record(&record, &leaf_hash(leaf)),
            None => writer.missing(request_id, &leaf_hash(leaf)),
        }
        .map_err(io_failed)?;
    }
    Ok(())
}
