//! Where a report is written.

use crate::Error;
use crate::cli::failed;
use crate::report::Report;
use crate::report::csv::Csv;
use serde::Serialize;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A folder that had nothing in it. What it gets is for its owner alone.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes it unless it is there.
    ///
    /// # Errors
    /// It cannot be made, or there is something in it.
    pub(super) fn new(path: &Path) -> Result<Self, Error> {
        let wrong = |error: io::Error| failed(format!("{}: {error}", path.display()));
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(wrong)?;
        match path.read_dir().map_err(wrong)?.next() {
            None => Ok(Self(path.to_owned())),
            Some(_) => Err(failed(format!("{} is not empty", path.display()))),
        }
    }

    fn open(&self, name: &str) -> io::Result<BufWriter<File>> {
        let path = self.0.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        Ok(BufWriter::new(options.open(&path).map_err(named)?))
    }

    fn written(result: io::Result<()>) -> Result<(), Error> {
        result.map_err(|error| failed(error.to_string()))
    }

    pub(super) fn text(&self, name: &str, text: &str) -> Result<(), Error> {
        let write = || {
            let mut file = self.open(name)?;
            file.write_all(text.as_bytes())?;
            file.flush()
        };
        Self::written(write())
    }

    pub(super) fn json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let write = || {
            let mut file = self.open(name)?;
            serde_json::to_writer(&mut file, value)?;
            file.write_all(b"\n")?;
            file.flush()
        };
        Self::written(write())
    }

    pub(super) fn table(&self, name: &str, head: &[&str]) -> Result<Csv<BufWriter<File>>, Error> {
        let table = self.open(name).and_then(|file| Csv::new(file, head));
        table.map_err(|error| failed(error.to_string()))
    }

    pub(super) fn tables(&self, report: &Report) -> Result<(), Error> {
        Self::written(report.write_tables(&mut |name: &str| self.open(name)))
    }
}
