//! The Merkle tree of RFC 9162 section 2.1, over SHA-256; pure.

mod frontier;
pub mod proof;
mod tile;
#[cfg(test)]
mod vectors;

pub use frontier::Frontier;
pub use tile::{Edge, Place, TILE, Tile};

// In one call OpenSSL looks the algorithm up first, which takes longer than a node's hash.
use openssl::sha::Sha256;

/// Of a leaf or a node.
pub type Hash = [u8; 32];

/// A node of which every leaf is there: the root of the leaves from `index << level`, `1 << level`
/// of them. The node `(0, i)` is leaf i.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Node {
    pub level: u8,
    pub index: u64,
}

/// The hash of a leaf: of the record's exact bytes.
pub fn leaf_hash(record: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(&[0]);
    hash.update(record);
    hash.finish()
}

/// The hash of the node that has these two below it.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(&[1]);
    hash.update(left);
    hash.update(right);
    hash.finish()
}

/// The root of no leaves.
pub fn empty_root() -> Hash {
    Sha256::new().finish()
}

/// The complete nodes that the leaves `[begin, end)` are made of, from the left, where `begin` is a
/// multiple of a power of two that is not less than `end - begin`.
fn complete(begin: u64, end: u64) -> impl Iterator<Item = Node> {
    let mut next = begin;
    std::iter::from_fn(move || {
        let level = (end - next).checked_ilog2()?;
        let node = Node {
            level: level as u8, // less than 64
            index: next >> level,
        };
        next += 1 << level;
        Some(node)
    })
}

/// The root over complete nodes, from the left, each smaller than the one before it.
fn root_of(nodes: &[Hash]) -> Hash {
    let mut nodes = nodes.iter().rev();
    let last = nodes.next().copied();
    let root = last.map(|last| nodes.fold(last, |right, left| node_hash(left, &right)));
    root.unwrap_or_else(empty_root)
}
