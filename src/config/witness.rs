//! `[witness.<name>]`: who cosigns the audit log's checkpoints; see `docs/audit-anchors.md`.

use crate::model::Url;
use serde::Deserialize;
use std::path::PathBuf;

/// `[witness.<name>]`: a witness of the C2SP's (tlog-witness), which cosigns the audit log's checkpoints;
/// see [audit-anchors.md](audit-anchors.md). By the environment all of them at once, as
/// `STRONGROOM_WITNESS`: a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSection {
    /// Its submission prefix: where `/add-checkpoint` is.
    pub url: Url,
    /// Its public key, as the C2SP writes it: `<name>+<key id>+<base64>`, Ed25519 for cosignatures.
    pub key: String,
    /// The certificates of those who vouch for its server, where the system does not know them:
    /// PEM.
    pub ca_file: Option<PathBuf>,
}
