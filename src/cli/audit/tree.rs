//! The tree's nodes, from the database's tiles.

use super::failed;
use crate::Error;
use crate::audit::merkle::{Frontier, Hash, Node, Place};
use crate::store::{AuditTile, Store};
use std::collections::{BTreeSet, HashMap};

/// What is made of nodes, by a function that asks for one after the other.
pub(super) async fn made<T>(
    store: &Store,
    make: impl Fn(&mut dyn FnMut(Node) -> Result<Hash, Error>) -> Result<T, Error>,
) -> Result<T, Error> {
    // Once to hear what it asks for, once with the answers.
    let mut wanted = BTreeSet::new();
    make(&mut |node| {
        wanted.insert(Place::of(node).tile);
        Ok([0; 32])
    })?;
    let wanted: Vec<_> = wanted.iter().map(|tile| (tile.level, tile.index)).collect();
    let tiles = store.audit_tiles(&wanted).await?.into_iter();
    let tiles: HashMap<_, _> = tiles
        .map(
            |AuditTile {
                 level,
                 index,
                 hashes,
             }| ((level, index), hashes),
        )
        .collect();
    make(&mut |node| {
        let place = Place::of(node);
        let tile = tiles.get(&(place.tile.level, place.tile.index));
        let hash = tile.and_then(|tile| place.read(tile));
        hash.ok_or_else(|| failed("the database's tree lacks a tile of the audit log"))
    })
}

/// The tree of the first `size` leaves.
pub(super) async fn frontier(store: &Store, size: u64) -> Result<Frontier, Error> {
    made(store, |node| Frontier::read(size, node)).await
}
