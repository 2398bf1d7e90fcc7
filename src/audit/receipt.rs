//! What proves to a third party, by itself, that a record is in the log, or that the log has only
//! grown: to be verified with a public key alone.

use super::merkle::{Hash, leaf_hash, proof};
use super::{Checkpoint, Note, NoteError, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The form of a [`Receipt`]: <https://c2sp.org/tlog-proof>.
const PROOF: &str = "c2sp.org/tlog-proof@v1";
const GROWTH: &str = "strongroom/consistency-proof/v1";

/// That a record is in the log. Written as a C2SP tlog-proof, with the record as its extra data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The record's exact bytes.
    pub record: Vec<u8>,
    /// Its leaf.
    pub leaf: u64,
    /// The proof of inclusion in the checkpoint's tree.
    pub proof: Vec<Hash>,
    /// The checkpoint's signed note.
    pub checkpoint: String,
}

/// That the log of one checkpoint goes on where that of another ends. Written as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    format: String,
    /// The signed note of the smaller log.
    pub old: String,
    /// That of the larger one.
    pub new: String,
    /// The proof of consistency, in base64.
    proof: Vec<String>,
}

/// Why something proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It is none.
    #[error("it does not have the form of a receipt")]
    Malformed,
    /// A checkpoint is not to be believed.
    #[error("a checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The proof is not one.
    #[error("the proof does not lead to what was signed")]
    Proof,
}

impl Receipt {
    /// Reads one.
    ///
    /// # Errors
    /// [`ReceiptError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        Self::read(text).ok_or(ReceiptError::Malformed)
    }

    fn read(text: &str) -> Option<Self> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let form = lines.next()? == PROOF;
        let record = STANDARD.decode(lines.next()?.strip_prefix("extra ")?);
        let leaf = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        Some(Self {
            record: record.ok().filter(|_| form)?,
            leaf,
            proof: lines.map(hash).collect::<Option<_>>()?,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Verifies it, and answers what the record is in.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = signed(&self.checkpoint, key)?;
        let leaf = leaf_hash(&self.record);
        let root = proof::root(leaf, self.leaf, checkpoint.size, &self.proof);
        match root == Some(checkpoint.root) {
            true => Ok(checkpoint),
            false => Err(ReceiptError::Proof),
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leaf, record, .. } = self;
        writeln!(f, "{PROOF}\nextra {}", STANDARD.encode(record))?;
        writeln!(f, "index {leaf}")?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl Growth {
    /// From two notes, and a proof of consistency.
    pub fn new(old: String, new: String, proof: &[Hash]) -> Self {
        Self {
            format: GROWTH.to_owned(),
            old,
            new,
            proof: proof.iter().map(|hash| STANDARD.encode(hash)).collect(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`ReceiptError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let read = serde_json::from_str::<Self>(text).ok();
        let read = read.filter(|read| read.format == GROWTH);
        read.ok_or(ReceiptError::Malformed)
    }

    /// Verifies it, and answers both checkpoints, the smaller one first.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(&self, key: &VerifierKey) -> Result<(Checkpoint, Checkpoint), ReceiptError> {
        let (old, new) = (signed(&self.old, key)?, signed(&self.new, key)?);
        let proof = self.proof.iter().map(|text| hash(text));
        let proof: Option<Vec<Hash>> = proof.collect();
        let proof = proof.ok_or(ReceiptError::Malformed)?;
        let consistent = old.origin == new.origin
            && proof::is_consistent(old.size, &old.root, new.size, &new.root, &proof);
        match consistent {
            true => Ok((old, new)),
            false => Err(ReceiptError::Proof),
        }
    }
}

fn signed(note: &str, key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
    let note = Note::parse(note)?;
    note.verify(key)?;
    Checkpoint::parse(note.text()).ok_or(ReceiptError::Malformed)
}

fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
