//! The log's tree and its checkpoints: what the token has signed of it in the period.

use super::moment::Moment;
use crate::audit::{self, Note, VerifierKey, origin};
use crate::store::{Checkpoint, CheckpointsMade, TreeState};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use uuid::Uuid;

/// The checkpoints, and what was found about them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// The log's name.
    pub origin: String,
    /// Leaves in the tree now.
    pub size: i64,
    /// Of those, the first that are in an archive and no longer in the database.
    pub pruned: i64,
    /// Records that have had no leaf for ten minutes.
    pub late: i64,
    /// Checkpoints in the period.
    pub many: i64,
    /// Those that are larger than one that was made after them.
    pub disordered: i64,
    /// The longest time from one to the next, in seconds.
    pub longest_seconds: Option<i64>,
    /// The first.
    pub first: Option<CheckpointEntry>,
    /// The last ones, the newest first.
    pub last: Vec<CheckpointEntry>,
}

/// One checkpoint.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointEntry {
    /// How many leaves it is about.
    pub size: u64,
    /// When it was made.
    pub made: Moment,
    /// The root over them, in base64; empty for what is no checkpoint.
    pub root: String,
    /// Who has signed it.
    pub signers: Vec<String>,
    /// What was found of it.
    pub found: Found,
}

/// What was found of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Found {
    /// It is signed by the deployment's audit key, which is on the token.
    Signed,
    /// It is not.
    NotSigned,
    /// It is no checkpoint of this log and this size.
    Malformed,
    /// The token was not read, so that its key is not known.
    NotVerified,
}

impl Found {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Found::Signed => "signed by the token's audit key",
            Found::NotSigned => "not signed by the token's audit key",
            Found::Malformed => "no checkpoint of this log",
            Found::NotVerified => "not verified",
        }
    }
}

fn entry(checkpoint: &Checkpoint, origin: &str, key: Option<&VerifierKey>) -> CheckpointEntry {
    let note = Note::parse(&checkpoint.note).ok();
    let text = note.as_ref().map(Note::text);
    let text = text.and_then(audit::Checkpoint::parse);
    let fits = |text: &audit::Checkpoint| text.origin == origin && text.size == checkpoint.size;
    let found = match (&note, &text, key) {
        (Some(note), Some(text), Some(key)) if fits(text) => match note.verify(key) {
            Ok(()) => Found::Signed,
            Err(_) => Found::NotSigned,
        },
        (Some(_), Some(text), None) if fits(text) => Found::NotVerified,
        _ => Found::Malformed,
    };
    let signatures = note.iter().flat_map(|note| note.signatures());
    CheckpointEntry {
        size: checkpoint.size,
        made: Moment(checkpoint.made_at),
        root: text.map_or_else(String::new, |text| BASE64_STANDARD.encode(text.root)),
        signers: signatures.map(|one| one.name.clone()).collect(),
        found,
    }
}

impl Chain {
    /// Of a deployment's log; `key` is its audit key's public half, where the token was read.
    pub fn new(
        deployment: Uuid,
        tree: TreeState,
        checkpoints: &CheckpointsMade,
        key: Option<&VerifierKey>,
    ) -> Self {
        let origin = origin(deployment);
        let entry = |checkpoint| entry(checkpoint, &origin, key);
        Self {
            size: tree.size,
            pruned: tree.pruned,
            late: tree.late,
            many: checkpoints.many,
            disordered: checkpoints.disordered,
            longest_seconds: checkpoints.longest_seconds,
            first: checkpoints.first.as_ref().map(entry),
            last: checkpoints.last.iter().map(entry).collect(),
            origin: origin.clone(),
        }
    }
}
