//! The log's tree, computed anew from the records (RFC 9162 section 2.1.1) by nobody's code but this.

use crate::dev::Dev;
use crate::postgres::sql;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::sha::sha256;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
/// Records without a leaf, leaves without a record, and leaves of another request's record.
const ASTRAY: &str = "select g.position, l.leaf from audit_group g full join audit_group_leaf l \
    on l.position = g.position where g.request_ids is distinct from l.request_ids";
/// Everything has its leaf, and the newest checkpoint covers it.
const DONE: &str = "select (select count(*) from audit_log) = size \
    and size = (select max(size) from audit_checkpoint) from audit_tree";

/// Fails unless each record has exactly one leaf, and what has been signed is the tree over them.
pub fn assert_whole(dev: &Dev) {
    let begun = Instant::now();
    while sql(dev, DONE) != ["t"] {
        let late = begun.elapsed() > PATIENCE;
        assert!(!late, "records without a leaf: {:?}", sql(dev, ASTRAY));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(sql(dev, ASTRAY), Vec::<String>::new(), "position|leaf");
    let records = sql(
        dev,
        "select leaf, encode(record, 'hex') from audit_log order by leaf",
    );
    let leaf = |(number, row): (usize, &String)| {
        let (leaf, record) = row.split_once('|').unwrap();
        assert_eq!(leaf, number.to_string(), "a gap");
        sha256(&[&[0], &unhex(record)[..]].concat())
    };
    let leaves: Vec<[u8; 32]> = records.iter().enumerate().map(leaf).collect();

    let tiles = sql(
        dev,
        "select encode(hashes, 'hex') from audit_tile where level = 0 order by tile",
    );
    assert!(unhex(&tiles.concat()) == leaves.concat(), "the tiles");
    let checkpoints = sql(
        dev,
        "select size, split_part(note, E'\\n', 2), split_part(note, E'\\n', 3) \
         from audit_checkpoint order by size",
    );
    for checkpoint in &checkpoints {
        let [size, signed_size, signed_root]: [&str; 3] =
            Vec::from_iter(checkpoint.split('|')).try_into().unwrap();
        assert_eq!(size, signed_size);
        let root = STANDARD.encode(root(&leaves[..size.parse().unwrap()]));
        assert_eq!(root, signed_root, "the checkpoint of {size}");
    }
    println!("{} leaves, {} checkpoints", leaves.len(), checkpoints.len());
}

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256(&[&[1], &root(left)[..], &root(right)].concat())
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}
