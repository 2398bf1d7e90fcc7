//! The tree that the records make, held against what was signed.

use super::MOST_FINDINGS;
use super::checkpoints::{Mark, Marks};
use super::finding::{Finding, RecordFault, RecordId, is_missing};
use crate::audit::merkle::{Frontier, Hash};
use std::io;

/// How a checkpoint of the export is called where those of anchors have their names.
const OWN: &str = "a checkpoint of its own";

/// The tree so far.
pub(super) struct Tree {
    records: Frontier,
    /// The tree of the database's own hashes, while it is another one.
    leaves: Option<Frontier>,
    /// The first record since the last mark that does not have its hash.
    fault: Option<Fault>,
    marks: Marks,
    /// The last mark that agrees, and the record after it.
    agreed: u64,
    after_agreed: Vec<u8>,
    /// Anchors that do not agree, since then.
    disputed: Vec<(u64, String)>,
    /// The last anchor that agrees: so far both logs are the same, if there are two.
    shared: u64,
    /// Nothing can be judged any more.
    lost: bool,
    pub(super) found: Found,
}

/// What has been found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    /// The hashes of the records that are wrong, and which finding they belong to.
    pub(super) strangers: Vec<(Hash, usize)>,
    pub(super) proven: u64,
    pub(super) root: Hash,
    pub(super) checkpoints: u64,
    pub(super) anchors: u64,
    pub(super) anchors_before: u64,
    /// The largest checkpoint of each witness that agrees.
    pub(super) witnessed: Vec<u64>,
}

struct Fault {
    leaf: u64,
    record: RecordId,
    /// None where the record is missing.
    hash: Option<Hash>,
    more: u64,
}

impl Tree {
    /// # Errors
    /// The checkpoints cannot be read.
    pub(super) fn new(before: Frontier, marks: Marks, witnesses: usize) -> io::Result<Self> {
        let mut tree = Self {
            agreed: before.size(),
            records: before,
            leaves: None,
            fault: None,
            marks,
            after_agreed: Vec::new(),
            disputed: Vec::new(),
            shared: 0,
            lost: false,
            found: Found::default(),
        };
        tree.found.witnessed = vec![0; witnesses];
        tree.compare()?;
        Ok(tree)
    }

    pub(super) fn size(&self) -> u64 {
        self.records.size()
    }

    /// The next leaf: its record and that record's hash, if there is one; and the hash that the
    /// database's tree has, if that goes so far.
    ///
    /// # Errors
    /// The checkpoints cannot be read.
    pub(super) fn push(&mut self, record: &[u8], hash: Hash, leaf: Option<Hash>) -> io::Result<()> {
        if self.size() == self.agreed {
            self.after_agreed.clear();
            self.after_agreed.extend_from_slice(record);
        }
        let expected = leaf.unwrap_or(hash);
        if hash != expected && !self.lost {
            match &mut self.fault {
                Some(fault) => fault.more += 1,
                None => {
                    self.leaves.get_or_insert_with(|| self.records.clone());
                    self.fault = Some(Fault {
                        leaf: self.records.size(),
                        record: RecordId::of(record),
                        hash: (!is_missing(record)).then_some(hash),
                        more: 0,
                    });
                }
            }
        }
        self.records.push(hash);
        if let Some(leaves) = &mut self.leaves {
            leaves.push(expected);
        }
        self.compare()
    }

    /// Holds the tree against every mark of its size.
    fn compare(&mut self) -> io::Result<()> {
        while let Some(mark) = self.marks.up_to(self.size())? {
            if !self.lost {
                self.hold_against(mark);
            }
        }
        Ok(())
    }

    fn hold_against(&mut self, mark: Mark) {
        let by_records = self.records.root() == mark.root;
        let signed = self.leaves.take_if(|leaves| leaves.root() == mark.root);
        if !by_records && signed.is_none() {
            match mark.anchor {
                Some(anchor) => self.disputed.push((mark.size, anchor)),
                // Two checkpoints of one size: the records are those of the other one.
                None if self.is_signed_at(mark.size) => {
                    let other = (mark.size, OWN.to_owned());
                    self.disputed.push(other);
                    self.tell_disputed();
                }
                None => self.lose(mark.size),
            }
            return;
        }
        for place in &mark.cosigned {
            self.found.witnessed[*place] = mark.size;
        }
        match mark.anchor {
            Some(_) => {
                self.found.anchors += 1;
                self.shared = mark.size;
            }
            None => self.found.checkpoints += 1,
        }
        if let Some(fault) = self.fault.take() {
            match signed {
                Some(signed) => {
                    self.records = signed;
                    self.tell_fault(fault, RecordFault::Differs);
                }
                None => {
                    let Fault { leaf, record, .. } = fault;
                    self.tell(Finding::LeafHash { leaf, record });
                }
            }
        }
        self.leaves = None;
        self.tell_disputed();
        self.agreed = mark.size;
        if self.found.findings.is_empty() {
            self.found.proven = mark.size;
        }
    }

    /// Whether a mark of this size has agreed already.
    fn is_signed_at(&self, size: u64) -> bool {
        self.agreed == size && self.found.checkpoints + self.found.anchors > 0
    }

    /// Neither tree is the one that was signed.
    fn lose(&mut self, to: u64) {
        if let Some(fault) = self.fault.take() {
            self.tell_fault(fault, RecordFault::Undecided);
        }
        let record = RecordId::of(&self.after_agreed);
        let from = self.agreed;
        self.tell(Finding::Rewritten { from, to, record });
        self.leaves = None;
        self.disputed.clear();
        self.lost = true;
    }

    fn tell_fault(&mut self, fault: Fault, what: RecordFault) {
        if let Some(hash) = fault.hash {
            self.found.strangers.push((hash, self.found.findings.len()));
        }
        self.tell(Finding::Record {
            leaf: fault.leaf,
            record: fault.record,
            fault: fault.hash.map_or(RecordFault::Missing, |_| what),
            more: fault.more,
        });
    }

    fn tell_disputed(&mut self) {
        let agreed = self.shared;
        for (size, anchor) in std::mem::take(&mut self.disputed) {
            self.tell(Finding::Fork {
                agreed,
                size,
                anchor,
            });
        }
    }

    fn tell(&mut self, finding: Finding) {
        self.found.findings.push(finding);
        self.lost |= self.found.findings.len() >= MOST_FINDINGS;
    }

    /// Says what can be said once all records have been looked at, of as many as the manifest names
    /// or fewer.
    ///
    /// # Errors
    /// The checkpoints cannot be read.
    pub(super) fn finish(mut self) -> io::Result<Found> {
        let size = self.size();
        self.found.root = self.records.root();
        if let Some(fault) = self.fault.take() {
            self.tell_fault(fault, RecordFault::Undecided);
        }
        self.tell_disputed();
        if size > self.agreed && !self.lost {
            let (from, to) = (self.agreed, size);
            self.tell(Finding::Unsigned { from, to });
        }
        if self.found.checkpoints + self.found.anchors == 0 && self.found.findings.is_empty() {
            self.tell(Finding::Unproven);
        }
        let (mut own, mut elsewhere) = (None, None);
        while let Some(mark) = self.marks.up_to(u64::MAX)? {
            match mark.anchor {
                None => own = Some((mark.size, OWN.to_owned())),
                Some(anchor) => elsewhere = Some((mark.size, anchor)),
            }
        }
        let mut sizes = std::mem::take(&mut self.marks.sizes);
        let agree = sizes.extract_if(.., |(known, _)| *known <= size);
        self.found.anchors += agree.count() as u64;
        for (signed, anchor) in own.into_iter().chain(elsewhere).chain(sizes) {
            self.tell(Finding::CutOff {
                size,
                signed,
                anchor,
            });
        }
        self.found.findings.append(&mut self.marks.findings);
        self.found.anchors_before = self.marks.anchors_before;
        Ok(self.found)
    }
}
