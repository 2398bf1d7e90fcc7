//! Files that are made, and never replaced.

use super::failed;
use crate::Error;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A new file (0600) under a name of its own until there is something to keep in it, so that a file
/// which is there already is neither needed nor overwritten.
pub(super) struct NewFile {
    what: &'static str,
    path: PathBuf,
    new: PathBuf,
    file: File,
    kept: bool,
}

impl NewFile {
    /// `what` is what belongs into it, in words.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn create(path: &Path, what: &'static str) -> Result<Self, Error> {
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}", std::process::id()));
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(|error| failed(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self {
            what,
            path: path.to_owned(),
            new: new.into(),
            file,
            kept: false,
        })
    }

    /// Its name, once it is kept.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// # Errors
    /// It cannot be written, or there is one of its name by now: then what was to be in it is in
    /// another, which is named.
    pub(super) fn keep(&mut self, text: &str) -> Result<(), Error> {
        let (what, path, new) = (self.what, self.path.display(), self.new.display());
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_all())
            .map_err(|error| failed(format!("cannot write {path}: {error}")))?;
        self.kept = true;
        // Unlike a rename, a link replaces nothing.
        std::fs::hard_link(&self.new, &self.path)
            .map_err(|error| failed(format!("cannot write {path}: {error}; {what} is in {new}")))?;
        self.kept = false;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.new); // empty, or linked under its name
        }
    }
}
