//! The checkpoints of an export and those of the anchors, by size.

use super::Keys;
use super::anchor::Anchors;
use super::finding::{CheckpointFault, Finding};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::export::NoteLine;
use crate::audit::merkle::Hash;
use crate::audit::{Note, NoteError};
use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

/// Verified checkpoints that wait for the records to come so far.
const AHEAD: usize = 256;
/// The longest line: a note with all the cosignatures that one may have.
const LONGEST: u64 = 1 << 21;

/// A root that was signed.
pub(super) struct Mark {
    pub(super) size: u64,
    pub(super) root: Hash,
    /// Where the anchor is from; none for the export's own.
    pub(super) anchor: Option<String>,
    /// The witnesses that have cosigned it, by their places in the list of them.
    pub(super) cosigned: Vec<usize>,
}

type Verified = io::Result<Result<Mark, Finding>>;

/// All marks, in order.
pub(super) struct Marks {
    own: Receiver<Verified>,
    next_own: Option<Mark>,
    /// By size, the largest first.
    anchors: Vec<Mark>,
    pub(super) sizes: Vec<(u64, String)>,
    /// Checkpoints that are none.
    pub(super) findings: Vec<Finding>,
    pub(super) anchors_before: u64,
}

impl Marks {
    /// Starts to read and to verify. Those before `first` are of no use here.
    ///
    /// # Errors
    /// An anchor is of another log.
    pub(super) fn start<'s>(
        scope: &'s Scope<'s, '_>,
        notes: impl BufRead + Send + 's,
        keys: Keys<'s>,
        log: &'s str,
        anchors: Anchors,
        first: u64,
    ) -> io::Result<Self> {
        let (verified, own) = sync_channel(AHEAD);
        scope.spawn(move || {
            for mark in read(notes, keys, log) {
                if verified.send(mark).is_err() {
                    return;
                }
            }
        });
        let mut of_anchors = Vec::with_capacity(anchors.checkpoints.len());
        for (Checkpoint { origin, size, root }, name) in anchors.checkpoints {
            if origin != log {
                let message = format!("{name} is of the log {origin}, the export of {log}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            of_anchors.push(Mark {
                size,
                root,
                anchor: Some(name),
                cosigned: Vec::new(),
            });
        }
        of_anchors.sort_by_key(|mark| std::cmp::Reverse(mark.size));
        let known = of_anchors.partition_point(|mark| mark.size >= first);
        let anchors_before = of_anchors.drain(known..).count() as u64;
        let mut marks = Self {
            own,
            next_own: None,
            anchors: of_anchors,
            sizes: anchors.sizes,
            findings: Vec::new(),
            anchors_before,
        };
        marks.advance()?;
        while marks.next_own.as_ref().is_some_and(|own| own.size < first) {
            marks.advance()?;
        }
        Ok(marks)
    }

    /// The next mark, if it is not of a larger tree than this: the export's own before the anchors.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn up_to(&mut self, size: u64) -> io::Result<Option<Mark>> {
        let anchor = self.anchors.last().map(|mark| mark.size);
        let own = self.next_own.as_ref().map(|mark| mark.size);
        let own_is_next = own.is_some_and(|own| anchor.is_none_or(|anchor| own <= anchor));
        if own_is_next && own.is_some_and(|own| own <= size) {
            let mark = self.next_own.take();
            self.advance()?;
            return Ok(mark);
        }
        Ok(self
            .anchors
            .pop_if(|mark| !own_is_next && mark.size <= size))
    }

    /// Reads the next of the export's own; none at the end of the file.
    fn advance(&mut self) -> io::Result<()> {
        self.next_own = None;
        for verified in &self.own {
            match verified? {
                Ok(mark) => {
                    self.next_own = Some(mark);
                    return Ok(());
                }
                Err(finding) if self.findings.len() < super::MOST_FINDINGS => {
                    self.findings.push(finding);
                }
                Err(_) => {}
            }
        }
        Ok(())
    }
}

fn read(mut notes: impl BufRead, keys: Keys<'_>, log: &str) -> impl Iterator<Item = Verified> {
    let (mut line, mut number, mut newest) = (Vec::new(), 0, 0);
    std::iter::from_fn(move || {
        line.clear();
        number += 1;
        match io::Read::take(&mut notes, LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
        let mark = read_line(&line, keys, log).and_then(|mark| {
            let in_order = mark.size >= newest;
            newest = newest.max(mark.size);
            in_order.then_some(mark).ok_or(CheckpointFault::OutOfOrder)
        });
        let line = number;
        Some(Ok(mark.map_err(|fault| Finding::Checkpoint { line, fault })))
    })
}

fn read_line(line: &[u8], keys: Keys<'_>, log: &str) -> Result<Mark, CheckpointFault> {
    let line = serde_json::from_slice(line);
    let NoteLine { note } = line.map_err(|_| CheckpointFault::Malformed)?;
    let note = Note::parse(&note)?;
    note.verify(keys.log)?;
    let mut cosigned = Vec::new();
    for (witness, place) in keys.witnesses.iter().zip(0..) {
        match note.verify(witness) {
            Ok(()) => cosigned.push(place),
            Err(NoteError::NotSigned) => {}
            Err(_) => return Err(CheckpointFault::Cosignature),
        }
    }
    let checkpoint = Checkpoint::parse(note.text()).ok_or(CheckpointFault::Malformed)?;
    let Checkpoint { origin, size, root } = checkpoint;
    (origin == log)
        .then_some(Mark {
            size,
            root,
            anchor: None,
            cosigned,
        })
        .ok_or(CheckpointFault::OtherLog)
}
