//! Proofs that a leaf is in a tree, and that one tree goes on where another ended: RFC 9162 sections
//! 2.1.3 and 2.1.4.

use super::{Hash, Node, complete, node_hash, root_of};

/// The proof that a leaf is in the tree of the first `size` leaves: the hash beside each node on the
/// way from the leaf up. Of a leaf that is not in it, the empty one.
///
/// `node` answers the complete nodes of a tree of at least that size.
///
/// # Errors
/// Those of `node`.
pub fn inclusion<E>(
    leaf: u64,
    size: u64,
    mut node: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut begin, mut end) = (0, size);
    let mut proof = Vec::new();
    while leaf < end && end - begin > 1 {
        let middle = begin + split(end - begin);
        if leaf < middle {
            proof.push(range(middle, end, &mut node)?);
            end = middle;
        } else {
            proof.push(range(begin, middle, &mut node)?);
            begin = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of the first `size` leaves begins with that of the first `old`; empty where
/// there is nothing to show.
///
/// # Errors
/// Those of `node`.
pub fn consistency<E>(
    old: u64,
    size: u64,
    mut node: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut proof = Vec::new();
    if old == 0 || old >= size {
        return Ok(proof);
    }
    let (mut begin, mut end) = (0, size);
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            proof.push(range(middle, end, &mut node)?);
            end = middle;
        } else {
            proof.push(range(begin, middle, &mut node)?);
            begin = middle;
        }
    }
    // Whoever verifies has the old root: where that is the whole of what is left, it need not be told.
    if begin > 0 {
        proof.push(range(begin, end, &mut node)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The largest power of two that is less than this.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

fn range<E>(begin: u64, end: u64, node: impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    let nodes = complete(begin, end).map(node);
    Ok(root_of(&nodes.collect::<Result<Vec<_>, E>>()?))
}

/// The root of the tree of `size` leaves that a leaf is in according to a proof; None if it proves
/// nothing for that leaf.
pub fn root(leaf_hash: Hash, leaf: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    // RFC 9162 section 2.1.3.2, by its names.
    let mut last = size.checked_sub(1).filter(|last| leaf <= *last)?;
    let (mut at, mut root) = (leaf, leaf_hash);
    for beside in proof {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            root = node_hash(beside, &root);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(&root, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// Whether a proof shows that the tree of `size` leaves and this root begins with the tree of `old`
/// leaves and that root. Of no leaves, and of equal trees, the empty proof does.
pub fn is_consistent(
    old: u64,
    old_root: &Hash,
    size: u64,
    size_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old == 0 || old == size {
        return proof.is_empty() && (old == 0 || old_root == size_root);
    }
    if old > size {
        return false;
    }
    roots(old, old_root, size, proof).is_some_and(|roots| roots == (*old_root, *size_root))
}

/// RFC 9162 section 2.1.4.2: both roots, from the proof.
fn roots(old: u64, old_root: &Hash, size: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    let first;
    let (seed, rest) = match old.is_power_of_two() {
        true => (old_root, proof),
        false => {
            first = proof.split_first()?;
            first
        }
    };
    let (mut at, mut last) = (old - 1, size - 1);
    let complete = at.trailing_ones();
    at >>= complete;
    last >>= complete;
    let (mut old_root, mut size_root) = (*seed, *seed);
    for beside in rest {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            old_root = node_hash(beside, &old_root);
            size_root = node_hash(beside, &size_root);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            size_root = node_hash(&size_root, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old_root, size_root))
}
