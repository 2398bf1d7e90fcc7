//! The vectors that RFC 6962's implementations share.
//!
//! Source: <https://github.com/transparency-dev/merkle/blob/main/proof/verify_test.go>.

use super::proof::{consistency, inclusion, is_consistent, root};
use super::{Frontier, Hash, Node, empty_root, leaf_hash, node_hash};

const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// The leaf, the size, and the proof.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        3,
        &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    ),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// The old size, the size, and the proof.
const CONSISTENCY: [(u64, u64, &[&str]); 5] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
];

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hash(text: &str) -> Hash {
    unhex(text).try_into().unwrap()
}

fn hashes(texts: &[&str]) -> Vec<Hash> {
    texts.iter().map(|text| hash(text)).collect()
}

fn root_at(size: u64) -> Hash {
    hash(ROOTS[size as usize - 1])
}

/// A complete node over the vectors' leaves, from its definition.
fn node(node: Node) -> Result<Hash, ()> {
    if node.level == 0 {
        return Ok(leaf_hash(&unhex(LEAVES[node.index as usize])));
    }
    let below = |index| {
        self::node(Node {
            level: node.level - 1,
            index,
        })
    };
    Ok(node_hash(
        &below(2 * node.index)?,
        &below(2 * node.index + 1)?,
    ))
}

/// Every way to spoil a proof.
fn spoilt(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut spoilt = vec![[proof, &[[7; 32]]].concat(), [&[[7; 32]], proof].concat()];
    for at in 0..proof.len() {
        let mut one = proof.to_vec();
        one[at][0] ^= 8;
        spoilt.push(one);
        let mut one = proof.to_vec();
        one.remove(at);
        spoilt.push(one);
    }
    spoilt
}

#[test]
fn the_roots_are_the_vectors() {
    let mut frontier = Frontier::default();
    assert_eq!(frontier.root(), empty_root());
    assert_eq!(
        empty_root(),
        hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    );
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        frontier.push(leaf_hash(&unhex(leaf)));
        assert_eq!(frontier.root(), hash(root));
        let again = Frontier::new(frontier.size(), frontier.nodes().to_vec());
        assert_eq!(again, Some(frontier.clone()));
        assert_eq!(Frontier::read(frontier.size(), node), Ok(frontier.clone()));
    }
    assert_eq!(Frontier::new(6, vec![[0; 32]]), None);
}

#[test]
fn the_proofs_of_inclusion_are_the_vectors() {
    for (leaf, size, proof) in INCLUSION {
        assert_eq!(inclusion(leaf, size, node), Ok(hashes(proof)));
    }
}

#[test]
fn a_proof_of_inclusion_is_good_for_one_leaf_of_one_tree() {
    for size in 1..=8 {
        for leaf in 0..size {
            let proof = inclusion(leaf, size, node).unwrap();
            let own = node(Node {
                level: 0,
                index: leaf,
            })
            .unwrap();
            assert_eq!(root(own, leaf, size, &proof), Some(root_at(size)));
            for spoilt in spoilt(&proof) {
                assert_ne!(root(own, leaf, size, &spoilt), Some(root_at(size)));
            }
            for other in (0..9).filter(|other| *other != leaf) {
                assert_ne!(root(own, other, size, &proof), Some(root_at(size)));
            }
            assert_ne!(root([7; 32], leaf, size, &proof), Some(root_at(size)));
        }
    }
    assert_eq!(root([7; 32], 0, 0, &[]), None);
    assert_eq!(root([7; 32], u64::MAX, u64::MAX, &[]), None);
}

#[test]
fn the_proofs_of_consistency_are_the_vectors() {
    for (old, size, proof) in CONSISTENCY {
        assert_eq!(consistency(old, size, node), Ok(hashes(proof)));
    }
}

#[test]
fn a_proof_of_consistency_is_good_for_two_trees() {
    for size in 1..=8 {
        for old in 1..=size {
            let proof = consistency(old, size, node).unwrap();
            let (old_root, size_root) = (root_at(old), root_at(size));
            assert!(is_consistent(old, &old_root, size, &size_root, &proof));
            for spoilt in spoilt(&proof) {
                assert!(!is_consistent(old, &old_root, size, &size_root, &spoilt));
            }
            assert!(!is_consistent(old, &[7; 32], size, &size_root, &proof));
            assert!(!is_consistent(old, &old_root, size, &[7; 32], &proof));
            for other in (1..=9).filter(|other| *other != old) {
                assert!(!is_consistent(other, &old_root, size, &size_root, &proof));
            }
        }
        assert!(is_consistent(0, &empty_root(), size, &root_at(size), &[]));
    }
}
