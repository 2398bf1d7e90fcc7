//! `[audit]`: the audit log's tree; see `docs/audit-anchors.md`.

use super::wrong;
use crate::Error;
use serde::Deserialize;

/// `[audit]`: how records get their places in the audit log's tree, and how often the token signs how far it has come; see
/// [audit-anchors.md](audit-anchors.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    /// How long the sequencer pauses where there is little to do: 50 to 60000.
    pub interval_ms: u64,
    /// A checkpoint after so long, if there are new records: 1 to 3600.
    pub checkpoint_seconds: u64,
    /// And one after so many records: 1 to 1000000.
    pub checkpoint_records: u64,
    /// How often the newest checkpoint is put on the token, as a data object; 0 for never, where
    /// the token keeps none. Every time wears the memory of an HSM a little: at most 86400.
    pub token_anchor_seconds: u64,
    /// The database was restored from a backup, and the audit log goes on from where that ends,
    /// whatever the token has seen of it. For one start, by hand.
    pub restored: bool,
}

impl Default for AuditSection {
    fn default() -> Self {
        Self {
            interval_ms: 1000,
            checkpoint_seconds: 60,
            checkpoint_records: 10_000,
            token_anchor_seconds: 600,
            restored: false,
        }
    }
}

impl AuditSection {
    pub(super) fn validate(&self) -> Result<(), Error> {
        if !(50..=60_000).contains(&self.interval_ms) {
            return Err(wrong("audit.interval_ms must be from 50 to 60000"));
        }
        if !(1..=3600).contains(&self.checkpoint_seconds) {
            return Err(wrong("audit.checkpoint_seconds must be from 1 to 3600"));
        }
        if !(1..=1_000_000).contains(&self.checkpoint_records) {
            return Err(wrong("audit.checkpoint_records must be from 1 to 1000000"));
        }
        if self.token_anchor_seconds > 86_400 {
            return Err(wrong("audit.token_anchor_seconds must be at most 86400"));
        }
        Ok(())
    }
}
