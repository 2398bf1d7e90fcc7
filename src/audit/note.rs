//! Signed notes: a text, and who signed it.
//!
//! Source: <https://c2sp.org/signed-note>.

use super::verifier_key::VerifierKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The longest note that is read, in bytes.
const LONGEST: usize = 1 << 20;
/// The most signatures of one.
const SIGNATURES: usize = 64;
/// What a line with a signature begins with: an em dash.
const DASH: &str = "\u{2014} ";

/// A text and its signatures, which are not verified by being here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The signer's name.
    pub name: String,
    /// The first bytes of a hash over the key.
    pub key_id: [u8; 4],
    /// The signature itself, in the form that its algorithm has.
    pub signature: Vec<u8>,
}

/// Why a note is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It does not have the form of one.
    #[error("it is no signed note")]
    Malformed,
    /// None of its signatures is by the key.
    #[error("it is not signed by the key")]
    NotSigned,
    /// A signature that says that it is by the key is not.
    #[error("its signature does not verify")]
    Forged,
}

impl Note {
    /// A note without signatures yet.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] if the text does not end with a newline, or has other control
    /// characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        let control = |c: char| c.is_ascii_control() && c != '\n' && c != '\x7f';
        match text.ends_with('\n') && !text.contains(control) {
            true => Ok(Self {
                text,
                signatures: Vec::new(),
            }),
            false => Err(NoteError::Malformed),
        }
    }

    /// The same with one more signature.
    #[must_use]
    pub fn signed(mut self, signature: Signature) -> Self {
        self.signatures.push(signature);
        self
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let (text, signatures) = note
            .rsplit_once("\n\n")
            .filter(|_| note.len() <= LONGEST)
            .ok_or(NoteError::Malformed)?;
        let mut parsed = Self::new(format!("{text}\n"))?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        for line in lines.split('\n') {
            let signature = Signature::parse(line).ok_or(NoteError::Malformed)?;
            parsed.signatures.push(signature);
        }
        match parsed.signatures.len() <= SIGNATURES {
            true => Ok(parsed),
            false => Err(NoteError::Malformed),
        }
    }

    /// What is signed: ends with a newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its signatures.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Verifies that the key signed it; signatures by others are passed over.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`] if it has no signature by that key, [`NoteError::Forged`] if it has
    /// one that does not verify.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let mut own = self.signatures.iter().filter(|s| key.is_named_by(s));
        let Some(first) = own.next() else {
            return Err(NoteError::NotSigned);
        };
        let verifies = |s: &Signature| key.verifies(&self.text, &s.signature);
        match verifies(first) && own.all(verifies) {
            true => Ok(()),
            false => Err(NoteError::Forged),
        }
    }
}

/// The whole note, as it is kept and sent.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            writeln!(f, "{signature}")?;
        }
        Ok(())
    }
}

impl Signature {
    /// Reads one line, without its newline.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        (is_name(name) && !signature.is_empty()).then(|| Self {
            name: name.to_owned(),
            key_id: *key_id,
            signature: signature.to_vec(),
        })
    }
}

/// The line, without its newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.key_id.as_slice(), &self.signature].concat();
        write!(f, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// Whether a key may have this name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}
