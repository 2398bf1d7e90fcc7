//! What an auditor takes away: a folder of files that are verified without database and token.
//!
//! - `records.jsonl`: the records' exact bytes, a line each, in the order of the leaves.
//! - `leaves.bin`: the leaf hashes that the database's tree has, 32 bytes each. A record that does not
//!   have its hash is the one that does not fit.
//! - `checkpoints.jsonl`: `{"note": …}` a line, by size.
//! - `export.json`: a [`Manifest`].
//!
//! None of it is believed. What is signed are the checkpoints; everything else has to agree.

mod writer;

pub use writer::Writer;

use super::merkle::{Frontier, Hash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead};
use std::path::Path;
use uuid::Uuid;

pub(super) const RECORDS: &str = "records.jsonl";
pub(super) const LEAVES: &str = "leaves.bin";
pub(super) const CHECKPOINTS: &str = "checkpoints.jsonl";
const MANIFEST: &str = "export.json";
const FORMAT: &str = "strongroom/audit-export/v1";
/// A manifest is small.
const MANIFEST_BYTES: u64 = 1 << 16;
/// The longest record, in bytes: a line without an end must not fill the memory.
pub(super) const LONGEST: usize = 1 << 24;
/// What the line of a record begins with that the database no longer has.
pub(super) const MISSING: &[u8] = br#"{"missing":"#;

/// What `export.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: String,
    /// Whose log it is.
    pub deployment: Uuid,
    /// The first leaf that is in it.
    pub first: u64,
    /// The size of the tree that it ends with: one more than the last leaf in it.
    pub size: u64,
    /// The tree of the leaves before the first: its complete subtrees, in base64.
    frontier: Vec<String>,
}

impl Manifest {
    fn new(deployment: Uuid, before: &Frontier, size: u64) -> Self {
        let nodes = before.nodes().iter();
        Self {
            format: FORMAT.to_owned(),
            deployment,
            first: before.size(),
            size,
            frontier: nodes.map(|node| STANDARD.encode(node)).collect(),
        }
    }

    /// Reads the one of an export.
    ///
    /// # Errors
    /// There is none, or not of this format.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let path = folder.join(MANIFEST);
        let file = open(&path)?;
        let read = serde_json::from_reader(io::Read::take(file, MANIFEST_BYTES));
        let manifest: Self = read.map_err(|error| invalid(&path, &error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(invalid(&path, &format!("it is not a {FORMAT}")));
        }
        if manifest.first > manifest.size {
            return Err(invalid(&path, "it ends before it begins"));
        }
        Ok(manifest)
    }

    /// The tree before the first leaf.
    ///
    /// # Errors
    /// It is not one of so many leaves.
    pub fn before(&self) -> io::Result<Frontier> {
        let decode =
            |node: &String| -> Option<Hash> { STANDARD.decode(node).ok()?.try_into().ok() };
        let nodes: Option<Vec<Hash>> = self.frontier.iter().map(decode).collect();
        let before = nodes.and_then(|nodes| Frontier::new(self.first, nodes));
        before.ok_or_else(|| invalid(Path::new(MANIFEST), "the frontier is not one"))
    }
}

/// A line of `checkpoints.jsonl`, and of what else keeps notes so.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NoteLine {
    pub(super) note: String,
}

/// The records of an export, a line each; of a line that is longer than any record, the pieces.
pub struct Lines {
    file: io::BufReader<std::fs::File>,
    line: Vec<u8>,
}

impl Lines {
    /// Of the export in a folder.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let file = open(&folder.join(RECORDS))?;
        Ok(Self {
            file: io::BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
        })
    }

    /// The next one, without its newline; none at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        // Nothing says yet that the file is what it should be.
        let mut some = io::Read::take(&mut self.file, LONGEST as u64);
        if some.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n");
        Ok(Some(line.unwrap_or(&self.line)))
    }
}

/// Opens a file; the error names it.
pub(super) fn open(path: &Path) -> io::Result<std::fs::File> {
    let file = std::fs::File::open(path);
    file.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

pub(super) fn invalid(path: &Path, what: &str) -> io::Error {
    let message = format!("{}: {what}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, message)
}
