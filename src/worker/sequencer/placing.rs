//! Records become leaves, and the tree's tiles grow with them, in one transaction.

use crate::Error;
use crate::audit::merkle::{Edge, Tile};
use crate::store::{AuditTile, Store, Transaction};
use futures_util::FutureExt;

/// What one transaction did.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    /// New leaves.
    pub records: u64,
    /// Whether there may be more that wait.
    pub more: bool,
}

/// Gives the next records their leaves, a bounded number of them. `None` where another gateway is at it.
///
/// # Errors
/// Those of the database; internal if the tree's hashes are not all there.
pub async fn place(store: &Store) -> Result<Option<Placed>, Error> {
    store
        .transaction("sequence", |tx| place_in(tx).boxed())
        .await
}

async fn place_in(tx: &Transaction<'_>) -> Result<Option<Placed>, Error> {
    let Some(placed) = tx.place_records().await? else {
        return Ok(None);
    };
    let records = placed.hashes.len() as u64;
    if records > 0 {
        let tiles = tx.audit_tiles(&partial(placed.first)).await?;
        let mut edge = edge(placed.first, &tiles)?;
        placed.hashes.into_iter().for_each(|leaf| edge.push(leaf));
        let grown = edge.tiles().into_iter().map(|(tile, hashes)| AuditTile {
            level: tile.level,
            index: tile.index,
            hashes,
        });
        tx.put_audit_tiles(&grown.collect::<Vec<_>>()).await?;
    }
    Ok(Some(Placed {
        records,
        more: placed.more,
    }))
}

/// The tiles that [`edge`] takes.
pub(super) fn partial(size: u64) -> Vec<(u8, u64)> {
    let partial = Edge::partial_tiles(size);
    partial.map(|(tile, _)| (tile.level, tile.index)).collect()
}

/// The right edge of the tree of the first `size` leaves.
pub(super) fn edge(size: u64, tiles: &[AuditTile]) -> Result<Edge, Error> {
    let edge = Edge::read(size, |tile| hashes(tiles, tile))?;
    edge.ok_or_else(|| Error::internal("a tile of the audit log's tree is too short"))
}

/// The hashes of a tile.
pub(super) fn hashes(tiles: &[AuditTile], tile: Tile) -> Result<Vec<u8>, Error> {
    let mut tiles = tiles.iter();
    let found = tiles.find(|known| known.level == tile.level && known.index == tile.index);
    let missing = || Error::internal("a tile of the audit log's tree is missing");
    Ok(found.ok_or_else(missing)?.hashes.clone())
}
