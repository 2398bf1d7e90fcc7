//! Verifies an export: with a public key, and without database, token or gateway.
//!
//! The leaves' hashes are made anew from the records and put into a tree. Wherever a checkpoint
//! stands, the tree so far has to have the root that the token signed. So any two checkpoints are
//! consistent with each other if both are right.
//!
//! To name the record that does not fit, each hash is compared with the one that the database's own
//! tree had. After the first that differs there are two trees; the next checkpoint tells which of
//! the two was signed.

mod anchor;
mod checkpoints;
mod finding;
mod records;
mod resumed;
mod tree;

pub use anchor::{AnchorError, Anchors};
pub use finding::{CheckpointFault, Finding, RecordFault, RecordId};
pub use resumed::Resumed;

use super::VerifierKey;
use super::checkpoint::origin;
use super::export::{CHECKPOINTS, LEAVES, Manifest, RECORDS, open};
use super::merkle::{Hash, leaf_hash};
use checkpoints::Marks;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use tree::{Found, Tree};
use uuid::Uuid;

/// No more are told: who wrote over every record need not fill the auditor's memory.
const MOST_FINDINGS: usize = 100;
/// Stands for a record where the file has ended.
const GONE: &[u8] = br#"{"missing":true}"#;

/// What a verification has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whose log it says it is.
    pub deployment: Uuid,
    /// The first leaf of the export.
    pub first: u64,
    /// One more than its last.
    pub size: u64,
    /// Up to here the records are those that the token signed; 0 where no checkpoint agrees.
    pub proven: u64,
    /// The root of all of it: of the records, or of the tree that was signed where they differ.
    #[serde(skip)]
    pub root: Hash,
    /// How many checkpoints agree with the records.
    pub checkpoints: u64,
    /// How many anchors do.
    pub anchors: u64,
    /// Up to which leaf (not included) each witness has cosigned.
    pub witnessed: Vec<Witnessed>,
    /// Anchors of sizes before the first leaf, which this export says nothing about.
    pub anchors_before: u64,
    /// Where the log itself says, in records that are as they were signed, that a restore has cut it off.
    pub resumed: Vec<Resumed>,
    /// What does not fit, in the order of the leaves; nothing if all is as it was signed.
    pub findings: Vec<Finding>,
}

/// How far a witness has cosigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witnessed {
    /// Its name.
    pub witness: String,
    /// The size of the largest checkpoint that it has cosigned.
    pub size: u64,
}

/// The keys that an auditor has from outside.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// The log's.
    pub log: &'a VerifierKey,
    /// Those of witnesses: each has to have cosigned.
    pub witnesses: &'a [VerifierKey],
}

impl Verification {
    /// Whether all is as it was signed.
    pub fn is_right(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Verifies the export in a folder. `progress` hears how many records have been looked at.
///
/// # Errors
/// The files cannot be read. What is wrong in them is no error but a finding.
pub fn verify(
    folder: &Path,
    keys: Keys<'_>,
    anchors: Anchors,
    mut progress: impl FnMut(u64),
) -> io::Result<Verification> {
    let manifest = Manifest::read(folder)?;
    let before = manifest.before()?;
    let records = open(&folder.join(RECORDS))?;
    let mut leaves = BufReader::with_capacity(1 << 16, open(&folder.join(LEAVES))?);
    let notes = BufReader::new(open(&folder.join(CHECKPOINTS))?);
    let name = origin(manifest.deployment);

    std::thread::scope(|scope| {
        let marks = Marks::start(scope, notes, keys, &name, anchors, manifest.first)?;
        let mut tree = Tree::new(before, marks, keys.witnesses.len())?;
        let (mut surplus, mut resumed) = (false, Vec::new());
        for block in records::Blocks::start(scope, records) {
            let block = block?;
            let room = MOST_FINDINGS - resumed.len();
            resumed.extend(block.resumed(tree.size()).take(room));
            for (line, hash) in block.lines() {
                surplus = tree.size() >= manifest.size;
                if surplus {
                    break;
                }
                tree.push(line, hash, next_hash(&mut leaves)?)?;
            }
            progress(tree.size() - manifest.first);
            if surplus {
                break;
            }
        }
        // Of the records that are not there, the tree's hashes may be.
        let end = tree.size();
        while tree.size() < manifest.size
            && let Some(hash) = next_hash(&mut leaves)?
        {
            tree.push(GONE, leaf_hash(GONE), Some(hash))?;
        }
        let size = tree.size();
        let mut found = tree.finish()?;
        if surplus {
            found.findings.push(Finding::Surplus { leaf: size });
        }
        if size < manifest.size {
            found.findings.push(Finding::Short { leaf: end });
        }
        resumed.retain(|resumed| resumed.leaf < found.proven);
        let witnessed = tell_witnessed(&mut found, keys.witnesses);
        tell_whose(&mut found, leaves.into_inner(), manifest.first)?;
        Ok(Verification {
            deployment: manifest.deployment,
            first: manifest.first,
            size: manifest.size,
            proven: found.proven,
            root: found.root,
            checkpoints: found.checkpoints,
            anchors: found.anchors,
            witnessed,
            anchors_before: found.anchors_before,
            resumed,
            findings: found.findings,
        })
    })
}

fn next_hash(leaves: &mut impl Read) -> io::Result<Option<Hash>> {
    let mut hash = [0; 32];
    match leaves.read_exact(&mut hash) {
        Ok(()) => Ok(Some(hash)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn tell_witnessed(found: &mut Found, witnesses: &[VerifierKey]) -> Vec<Witnessed> {
    let mut witnessed = Vec::new();
    for (key, size) in witnesses.iter().zip(&found.witnessed) {
        let witness = key.name().unwrap_or_default().to_owned();
        match size {
            0 => found.findings.push(Finding::NotWitnessed { witness }),
            size => witnessed.push(Witnessed {
                witness,
                size: *size,
            }),
        }
    }
    witnessed
}

/// Finds the leaves whose records are where others should be.
fn tell_whose(found: &mut Found, mut leaves: File, first: u64) -> io::Result<()> {
    if found.strangers.is_empty() {
        return Ok(());
    }
    let wanted: HashMap<Hash, usize> = found.strangers.drain(..).collect();
    leaves.rewind()?;
    let mut leaves = BufReader::with_capacity(1 << 16, leaves);
    let mut leaf = first;
    while let Some(hash) = next_hash(&mut leaves)? {
        let finding = wanted.get(&hash).and_then(|at| found.findings.get_mut(*at));
        if let Some(Finding::Record { fault, .. }) = finding {
            *fault = RecordFault::OfLeaf(leaf);
        }
        leaf += 1;
    }
    Ok(())
}
