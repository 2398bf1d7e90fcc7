//! Where the log says that it has lost its end, and goes on from there.

use crate::audit::RESUMED;
use serde::{Deserialize, Serialize};

/// What a record's `eventName` is looked for in: it stands near the beginning.
const HEAD: usize = 192;

/// An operator said that the database was restored: what had been signed after that is not in this log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resumed {
    /// The record that says so.
    pub leaf: u64,
    /// How many leaves there were to go on from: about as many as the leaf's own number.
    pub leaves: u64,
    /// How many the token had signed.
    pub signed_leaves: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    event_name: &'a str,
    response_elements: Elements,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Elements {
    leaves: u64,
    signed_leaves: u64,
}

impl Resumed {
    /// Reads it from the record of a leaf, if that is one.
    pub(super) fn read(leaf: u64, record: &[u8]) -> Option<Self> {
        let name = RESUMED.as_bytes();
        let (first, head) = (name[0], record.get(..HEAD)?);
        let mut begins = head.iter().enumerate().filter(|(_, byte)| **byte == first);
        begins.find(|(at, _)| head[*at..].starts_with(name))?;
        let event: Event<'_> = serde_json::from_slice(record).ok()?;
        let Elements {
            leaves,
            signed_leaves,
        } = event.response_elements;
        (event.event_name == RESUMED).then_some(Self {
            leaf,
            leaves,
            signed_leaves,
        })
    }
}
