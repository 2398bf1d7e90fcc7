//! What is known of the log from elsewhere, and was out of reach of the database's owner.

use crate::audit::checkpoint::Checkpoint;
use crate::audit::export::NoteLine;
use crate::audit::{Note, NoteError, VerifierKey};

/// Checkpoints and sizes that the log once had.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// Each with where it is from.
    pub(super) checkpoints: Vec<(Checkpoint, String)>,
    pub(super) sizes: Vec<(u64, String)>,
}

/// Why a text is no anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// There is none in it.
    #[error("there is no checkpoint in it, and it is no size")]
    None,
    /// One is not to be believed.
    #[error("the checkpoint that ends in line {0}: {1}")]
    Note(usize, NoteError),
    /// A signed note that is no checkpoint.
    #[error("the note that ends in line {0} is no checkpoint")]
    NoCheckpoint(usize),
}

impl Anchors {
    /// Adds what a file has, which is one of: a size alone, as a token keeps it; notes, one after the
    /// other; lines that hold `{"note": …}`, whatever a log collector has put before it.
    ///
    /// # Errors
    /// Every note has to be signed by the key.
    pub fn add(&mut self, name: &str, file: &str, key: &VerifierKey) -> Result<(), AnchorError> {
        if let Ok(size) = file.trim().parse() {
            self.sizes.push((size, name.to_owned()));
            return Ok(());
        }
        let before = self.checkpoints.len();
        let (mut note, mut signed) = (String::new(), false);
        for (line, number) in file.lines().zip(1..) {
            if let Some(start) = line.find(r#"{"note":"#)
                && let Ok(NoteLine { note }) = serde_json::from_str(line[start..].trim())
            {
                self.add_note(name, &note, number, key)?;
                continue;
            }
            let signature = line.starts_with('\u{2014}');
            if signed && !signature {
                self.add_note(name, &note, number - 1, key)?;
                note.clear();
            }
            signed = signature;
            // Between notes there may be an empty line.
            if !(note.is_empty() && line.is_empty()) {
                note.push_str(line);
                note.push('\n');
            }
        }
        if !note.is_empty() {
            self.add_note(name, &note, file.lines().count(), key)?;
        }
        match self.checkpoints.len() > before {
            true => Ok(()),
            false => Err(AnchorError::None),
        }
    }

    fn add_note(
        &mut self,
        name: &str,
        note: &str,
        line: usize,
        key: &VerifierKey,
    ) -> Result<(), AnchorError> {
        let of_note = |error| AnchorError::Note(line, error);
        let note = Note::parse(note).map_err(of_note)?;
        note.verify(key).map_err(of_note)?;
        let checkpoint = Checkpoint::parse(note.text()).ok_or(AnchorError::NoCheckpoint(line))?;
        self.checkpoints.push((checkpoint, name.to_owned()));
        Ok(())
    }
}
