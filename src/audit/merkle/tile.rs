//! The tree's hashes in tiles of 256, as C2SP's tlog-tiles has them: 256 hashes of one level, from the
//! left. Level 0 has the hashes of the leaves, level 1 those of 256 leaves each, and so on.
//!
//! Source: <https://c2sp.org/tlog-tiles>.

use super::{Hash, Node, root_of};

/// Hashes in a full tile.
pub const TILE: u64 = 256;
/// Levels of the tree that a tile spans.
const HEIGHT: u8 = 8;

/// Where a tile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Tile {
    pub level: u8,
    pub index: u64,
}

/// Where a node is: it is the root over some hashes of one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The tile.
    pub tile: Tile,
    first: usize,
    count: usize,
}

impl Place {
    /// Of a node.
    pub fn of(node: Node) -> Self {
        let inside = node.level % HEIGHT;
        let first = node.index << inside;
        Self {
            tile: Tile {
                level: node.level / HEIGHT,
                index: first / TILE,
            },
            first: (first % TILE) as usize, // less than 256
            count: 1 << inside,
        }
    }

    /// The node, from the tile's hashes, one after the other. None if the tile ends before it.
    pub fn read(&self, tile: &[u8]) -> Option<Hash> {
        let (hashes, _) = tile.as_chunks::<32>();
        let below = hashes.get(self.first..self.first + self.count)?;
        Some(root_of_complete(below))
    }
}

/// The right edge of a tree that grows: of each level the last tile, while it is not full.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    size: u64,
    partial: Vec<Vec<Hash>>,
    full: Vec<(Tile, Vec<Hash>)>,
}

impl Edge {
    /// The tiles that are not full in a tree of this size, and how many hashes each has.
    pub fn partial_tiles(size: u64) -> impl Iterator<Item = (Tile, usize)> {
        let levels = (0u8..).map_while(move |level| {
            let hashes = size.checked_shr(u32::from(level * HEIGHT))?;
            (hashes > 0).then_some((level, hashes))
        });
        levels
            .filter(|(_, hashes)| hashes % TILE > 0)
            .map(|(level, hashes)| {
                let index = hashes / TILE;
                (Tile { level, index }, (hashes % TILE) as usize) // less than 256
            })
    }

    /// Reads it: `tile` answers the hashes of each of [`Edge::partial_tiles`].
    ///
    /// # Errors
    /// Those of `tile`; none where a tile has fewer hashes than it should, but then None.
    pub fn read<E>(
        size: u64,
        mut tile: impl FnMut(Tile) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Self>, E> {
        let mut partial = Vec::new();
        for (at, count) in Self::partial_tiles(size) {
            let bytes = tile(at)?;
            let (hashes, _) = bytes.as_chunks::<32>();
            let Some(hashes) = hashes.get(..count) else {
                return Ok(None);
            };
            partial.resize(usize::from(at.level), Vec::new());
            partial.push(hashes.to_vec());
        }
        Ok(Some(Self {
            size,
            partial,
            full: Vec::new(),
        }))
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let (mut hash, mut level) = (leaf, 0u8);
        self.size += 1;
        loop {
            let at = usize::from(level);
            if self.partial.len() <= at {
                self.partial.resize(at + 1, Vec::new());
            }
            self.partial[at].push(hash);
            if (self.partial[at].len() as u64) < TILE {
                return;
            }
            let hashes = std::mem::take(&mut self.partial[at]);
            hash = root_of_complete(&hashes);
            let index = (self.size >> (level * HEIGHT)) / TILE - 1;
            self.full.push((Tile { level, index }, hashes));
            level += 1;
        }
    }

    /// Every tile that has changed, or may have, with all its hashes: those that have become full
    /// since the last time, and those that are not full.
    pub fn tiles(&mut self) -> Vec<(Tile, Vec<u8>)> {
        let full = std::mem::take(&mut self.full);
        let partial = Self::partial_tiles(self.size)
            .map(|(tile, _)| (tile, self.partial[usize::from(tile.level)].clone()));
        full.into_iter()
            .chain(partial)
            .map(|(tile, hashes)| (tile, hashes.concat()))
            .collect()
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        // From the lowest level up: what is right of each level's complete subtrees is below it.
        let mut right = None;
        for hashes in self.partial.iter().filter(|hashes| !hashes.is_empty()) {
            let nodes = super::complete(0, hashes.len() as u64).map(|node| {
                let first = (node.index << node.level) as usize; // less than 256
                root_of_complete(&hashes[first..first + (1 << node.level)])
            });
            let nodes: Vec<Hash> = nodes.chain(right).collect();
            right = Some(root_of(&nodes));
        }
        right.unwrap_or_else(super::empty_root)
    }
}

/// The root over a power of two of hashes.
fn root_of_complete(hashes: &[Hash]) -> Hash {
    let mut frontier = super::Frontier::default();
    hashes.iter().for_each(|hash| frontier.push(*hash));
    frontier.root()
}

#[cfg(test)]
mod tests {
    use super::super::{Frontier, leaf_hash};
    use super::*;
    use std::collections::HashMap;

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    #[test]
    fn an_edge_grows_as_the_frontier_does_and_its_tiles_have_every_node() {
        let mut tiles: HashMap<Tile, Vec<u8>> = HashMap::new();
        let (mut edge, mut frontier) = (Edge::default(), Frontier::default());
        for step in [1u64, 254, 1, 1, 255, 65_000, 23, 1, 1, 700] {
            for _ in 0..step {
                edge.push(leaf(edge.size()));
                frontier.push(leaf(frontier.size()));
            }
            tiles.extend(edge.tiles());
            assert_eq!(edge.root(), frontier.root(), "{}", edge.size());
            let node = |node| {
                let place = Place::of(node);
                place.read(&tiles[&place.tile]).ok_or(())
            };
            assert_eq!(Frontier::read(edge.size(), node), Ok(frontier.clone()));
            let again = Edge::read(edge.size(), |tile| Ok::<_, ()>(tiles[&tile].clone()));
            edge = again.unwrap().unwrap();
        }
        assert_eq!(tiles[&Tile { level: 1, index: 0 }].len(), 8192);
        assert_eq!(tiles[&Tile { level: 2, index: 0 }].len(), 32);
    }

    #[test]
    fn a_tile_that_is_too_short_is_not_one() {
        let short = Edge::read(3, |_| Ok::<_, ()>(vec![0; 64]));
        assert!(short.unwrap().is_none());
        assert_eq!(Place::of(Node { level: 1, index: 1 }).read(&[0; 96]), None);
    }
}
