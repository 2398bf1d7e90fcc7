//! What does not fit, and where.

use crate::audit::export::MISSING;
use crate::audit::note::NoteError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that is not as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "finding",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Finding {
    /// The record of a leaf is not the one that was signed.
    Record {
        /// The first such leaf since the checkpoint before.
        leaf: u64,
        /// What is there says that it is this one.
        record: RecordId,
        /// What is wrong with it.
        fault: RecordFault,
        /// How many more there are until the next checkpoint.
        more: u64,
    },
    /// The record is as it was signed; what the database's tree has of it is not.
    LeafHash {
        /// The leaf.
        leaf: u64,
        /// Its record.
        record: RecordId,
    },
    /// The records of `[from, to)` and the database's tree agree with each other, and not with what
    /// was signed at `to`: both were rewritten. What follows cannot be judged.
    Rewritten {
        /// The first leaf that may not fit: the size of the last checkpoint that agrees.
        from: u64,
        /// The size of the first that does not.
        to: u64,
        /// What is at `from`.
        record: RecordId,
    },
    /// Another log was signed under the same name: an anchor that the key has signed is not of this
    /// one, which the key has signed as well.
    Fork {
        /// Up to this size both are known to be the same: that of the last anchor that agrees, or 0.
        agreed: u64,
        /// The anchor's size.
        size: u64,
        /// Where the anchor is from.
        anchor: String,
    },
    /// The end is missing: a larger log was signed.
    CutOff {
        /// The export's size.
        size: u64,
        /// The size that was signed.
        signed: u64,
        /// Where that is from.
        anchor: String,
    },
    /// The last records are in no checkpoint.
    Unsigned {
        /// The first of them.
        from: u64,
        /// One more than the last.
        to: u64,
    },
    /// No checkpoint and no anchor agrees with any of it, also where there is no record: what it says of
    /// itself is all that there is.
    Unproven,
    /// The files end before the last leaf that the manifest names.
    Short {
        /// The first leaf that is not there.
        leaf: u64,
    },
    /// There are more records than the manifest names.
    Surplus {
        /// The first leaf that should not be there.
        leaf: u64,
    },
    /// A witness has cosigned none of the checkpoints that agree.
    NotWitnessed {
        /// Its name.
        witness: String,
    },
    /// A checkpoint is none.
    Checkpoint {
        /// Its line in the file of the checkpoints, from 1.
        line: u64,
        /// What is wrong with it.
        fault: CheckpointFault,
    },
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordFault {
    /// It is not there.
    Missing,
    /// It is another one: edited, or put there.
    Differs,
    /// It is the record of another leaf.
    OfLeaf(u64),
    /// It does not have the hash that the tree has, and no checkpoint follows that could tell which
    /// of the two is right.
    Undecided,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum CheckpointFault {
    /// It is no checkpoint's note.
    #[error("it is no checkpoint")]
    Malformed,
    /// It is not signed by the key.
    #[error("it is not signed by the key")]
    NotSigned,
    /// Its signature does not verify.
    #[error("its signature does not verify")]
    Forged,
    /// A witness's cosignature does not verify.
    #[error("a cosignature does not verify")]
    Cosignature,
    /// It is of another log.
    #[error("it is of another log")]
    OtherLog,
    /// It is of a smaller tree than the one before it.
    #[error("it is out of order")]
    OutOfOrder,
}

impl From<NoteError> for CheckpointFault {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Malformed => Self::Malformed,
            NoteError::NotSigned => Self::NotSigned,
            NoteError::Forged => Self::Forged,
        }
    }
}

/// What a record says of itself, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RecordId {
    /// Its id.
    #[serde(rename = "eventID", skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// That of its request.
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
}

impl RecordId {
    /// Reads it from a record's bytes.
    pub fn of(record: &[u8]) -> Self {
        serde_json::from_slice(record).unwrap_or_default()
    }
}

/// Whether a line says that its record is gone.
pub(super) fn is_missing(line: &[u8]) -> bool {
    line.starts_with(MISSING)
}

/// ` (eventID …, requestID …)`, or nothing.
impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = [
            ("eventID", &self.event_id),
            ("requestID", &self.request_id),
            ("eventName", &self.event_name),
            ("eventTime", &self.event_time),
        ];
        let known: Vec<String> = members
            .iter()
            .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)))
            .collect();
        match known.is_empty() {
            true => Ok(()),
            // Whoever edited it must not move the reader's cursor.
            false => write!(f, " ({})", known.join(", ").replace(char::is_control, "?")),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record {
                leaf,
                record,
                fault,
                more,
            } => {
                write!(f, "leaf {leaf}{record}: ")?;
                match fault {
                    RecordFault::Missing => write!(f, "the record is missing"),
                    RecordFault::Differs => write!(f, "the record is not the one that was signed"),
                    RecordFault::OfLeaf(other) => write!(f, "it has the record of leaf {other}"),
                    RecordFault::Undecided => write!(
                        f,
                        "the record does not have the hash that the tree has, and no checkpoint \
                         tells which of the two is right"
                    ),
                }?;
                match more {
                    0 => Ok(()),
                    more => write!(f, "; {more} more do not fit until the next checkpoint"),
                }
            }
            Self::LeafHash { leaf, record } => write!(
                f,
                "leaf {leaf}{record}: the record is as it was signed, but the database's tree has \
                 another hash of it"
            ),
            Self::Rewritten { from, to, record } => write!(
                f,
                "leaf {from}{record}: from here to leaf {}, records and tree are not those that \
                 were signed at size {to}; what follows cannot be judged",
                to.saturating_sub(1)
            ),
            Self::Fork {
                agreed,
                size,
                anchor,
            } => write!(
                f,
                "leaf {agreed}: from here on, or later, this is not the log that {anchor} was \
                 signed for at size {size}: there are two"
            ),
            Self::CutOff {
                size,
                signed,
                anchor,
            } => write!(
                f,
                "leaf {size}: the log ends before it, but {anchor} was signed for {signed} leaves: \
                 the end is missing, unless the export is the older of the two"
            ),
            Self::Unsigned { from, to } => write!(
                f,
                "leaf {from}: from here to leaf {}, the records are in no checkpoint",
                to.saturating_sub(1)
            ),
            Self::Unproven => write!(
                f,
                "no checkpoint and no anchor agrees with it: nothing shows that it is of the log"
            ),
            Self::Short { leaf } => write!(f, "leaf {leaf}: the export's files end before it"),
            Self::Surplus { leaf } => {
                write!(
                    f,
                    "leaf {leaf}: there are more records than the export has leaves"
                )
            }
            Self::NotWitnessed { witness } => {
                write!(
                    f,
                    "{witness} has cosigned none of the checkpoints that agree"
                )
            }
            Self::Checkpoint { line, fault } => write!(f, "checkpoint in line {line}: {fault}"),
        }
    }
}
