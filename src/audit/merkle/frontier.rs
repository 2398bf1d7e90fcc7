//! What has to be known of the leaves so far, to go on and to know the root: a compact range.

use super::{Hash, Node, complete, node_hash, root_of};

/// The tree's complete subtrees, the largest first: one for each bit of the size that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// Of so many leaves, if there are as many hashes as such a tree has subtrees.
    pub fn new(size: u64, nodes: Vec<Hash>) -> Option<Self> {
        let fits = nodes.len() == size.count_ones() as usize;
        fits.then_some(Self { size, nodes })
    }

    /// Reads it from a tree of at least this size.
    ///
    /// # Errors
    /// Those of `node`.
    pub fn read<E>(size: u64, node: impl FnMut(Node) -> Result<Hash, E>) -> Result<Self, E> {
        let nodes = complete(0, size).map(node).collect::<Result<_, E>>()?;
        Ok(Self { size, nodes })
    }

    /// The nodes that [`Frontier::read`] asks for.
    pub fn nodes_of(size: u64) -> impl Iterator<Item = Node> {
        complete(0, size)
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The subtrees' hashes, the largest's first.
    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.nodes.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.nodes.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        root_of(&self.nodes)
    }
}
