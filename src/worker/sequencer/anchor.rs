//! The newest checkpoint on the token itself: whoever has the database alone cannot cut the log off
//! behind it, nor write it anew.

use super::checkpoint::Signed;
use crate::Error;
use crate::operation::Context;
use std::time::{Duration, Instant};

/// The anchor, and when it is looked at again.
pub(super) struct Anchor {
    label: String,
    every: Duration,
    seen: Option<Instant>,
    /// The values of the objects on the token.
    values: Vec<Vec<u8>>,
    /// The size of the largest one.
    size: u64,
    /// Whether it was written since it was read.
    written: bool,
}

impl Anchor {
    pub(super) fn new(cx: &Context, every: Duration) -> Self {
        Self {
            label: format!("strongroom:audit-anchor:{}", cx.store.deployment()),
            every,
            seen: None,
            values: Vec::new(),
            size: 0,
            written: false,
        }
    }

    /// Whether it has not been looked at for as long as it may.
    pub(super) fn is_due(&self) -> bool {
        self.seen.is_none_or(|seen| seen.elapsed() >= self.every)
    }

    /// Reads it: the newest checkpoint that the token has.
    ///
    /// # Errors
    /// Whatever keeps the token from answering.
    pub(super) async fn read(&mut self, cx: &Context) -> Result<Option<Signed>, Error> {
        let (mut newest, mut values): (Option<Signed>, _) = (None, Vec::new());
        for value in cx.tokens.home().data(&self.label).await? {
            let note = std::str::from_utf8(&value).unwrap_or_default();
            match Signed::read(cx, note).await? {
                Some(signed) => {
                    values.push(value);
                    let known = newest.as_ref().map_or(0, |newest| newest.checkpoint.size);
                    newest = Some(signed)
                        .filter(|new| new.checkpoint.size > known)
                        .or(newest);
                }
                None => log::error!(
                    "a data object {} on the token is not by the audit key: somebody else made it",
                    self.label
                ),
            }
        }
        self.values = values;
        self.size = newest.as_ref().map_or(0, |newest| newest.checkpoint.size);
        self.seen = Some(Instant::now());
        self.written = false;
        Ok(newest)
    }

    /// Puts a checkpoint in the place of what was read, where it is newer: once, as every write wears
    /// the token's memory; `last` of a gateway that stops. What is newer still, by another gateway,
    /// stays.
    ///
    /// # Errors
    /// Whatever keeps the token from it.
    pub(super) async fn write(
        &mut self,
        cx: &Context,
        signed: &Signed,
        last: bool,
    ) -> Result<(), Error> {
        if signed.checkpoint.size <= self.size || self.written && !last {
            return Ok(());
        }
        let value = signed.note.clone().into_bytes();
        let old = std::mem::take(&mut self.values);
        let home = cx.tokens.home();
        home.replace_data(&self.label, value.clone(), old).await?;
        self.values = vec![value];
        self.written = true;
        self.size = signed.checkpoint.size;
        Ok(())
    }

    /// How many leaves it covers.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Forgets what was read: the next checkpoint takes its place, whatever it was.
    pub(super) fn give_up(&mut self) {
        self.size = 0;
    }
}
