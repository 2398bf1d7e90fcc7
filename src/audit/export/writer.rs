//! Writes an export, leaf by leaf.

use super::{CHECKPOINTS, LEAVES, MANIFEST, MISSING, Manifest, NoteLine, RECORDS};
use crate::audit::merkle::{Frontier, Hash};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// An export that is being written. It is one once [`Writer::finish`] has answered: the manifest
/// comes last.
pub struct Writer {
    folder: PathBuf,
    deployment: Uuid,
    before: Frontier,
    size: u64,
    records: BufWriter<File>,
    leaves: BufWriter<File>,
    checkpoints: BufWriter<File>,
}

impl Writer {
    /// Begins one in a folder that it makes, after the leaves that are in `before`.
    ///
    /// # Errors
    /// There is such a folder already; those of the file system.
    pub fn create(folder: &Path, deployment: Uuid, before: Frontier) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(folder)?;
        let file = |name| Ok::<_, io::Error>(BufWriter::new(create(&folder.join(name))?));
        Ok(Self {
            folder: folder.to_owned(),
            deployment,
            size: before.size(),
            before,
            records: file(RECORDS)?,
            leaves: file(LEAVES)?,
            checkpoints: file(CHECKPOINTS)?,
        })
    }

    /// The next leaf: its record, and the hash that the tree has of it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn record(&mut self, record: &[u8], leaf_hash: &Hash) -> io::Result<()> {
        // No record has a newline. One that was put there must not move those after it.
        for part in record.split_inclusive(|byte| *byte == b'\n') {
            match part.split_last() {
                Some((b'\n', part)) => {
                    self.records.write_all(part)?;
                    self.records.write_all(b" ")?;
                }
                _ => self.records.write_all(part)?,
            }
        }
        self.leaf(leaf_hash)
    }

    /// The next leaf, whose record is gone; of its request, if that is known.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn missing(&mut self, request_id: Option<Uuid>, leaf_hash: &Hash) -> io::Result<()> {
        self.records.write_all(MISSING)?;
        match request_id {
            Some(id) => write!(self.records, r#"true,"requestID":"{id}"}}"#)?,
            None => self.records.write_all(b"true}")?,
        }
        self.leaf(leaf_hash)
    }

    fn leaf(&mut self, leaf_hash: &Hash) -> io::Result<()> {
        self.records.write_all(b"\n")?;
        self.size += 1;
        self.leaves.write_all(leaf_hash)
    }

    /// The next checkpoint's note; by size, each once.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn checkpoint(&mut self, note: &str) -> io::Result<()> {
        let note = note.to_owned();
        serde_json::to_writer(&mut self.checkpoints, &NoteLine { note })?;
        self.checkpoints.write_all(b"\n")
    }

    /// Makes it whole and durable.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self) -> io::Result<Manifest> {
        for file in [self.records, self.leaves, self.checkpoints] {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
        }
        let manifest = Manifest::new(self.deployment, &self.before, self.size);
        let mut file = create(&self.folder.join(MANIFEST))?;
        serde_json::to_writer_pretty(&mut file, &manifest)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(manifest)
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}
