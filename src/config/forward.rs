//! `[forward.<name>]`: where the audit log's records go, too; see `docs/audit-anchors.md`.

use super::wrong;
use crate::Error;
use crate::model::Destination;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[forward.<name>]`: a place that the audit log's records, or its checkpoints, are sent to, each at
/// least once; see [audit-anchors.md](audit-anchors.md). How far it has come is kept under its name,
/// for all gateways together. By the environment all of them at once, as `STRONGROOM_FORWARD`: a
/// table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardSection {
    /// `tcp://HOST:PORT` (octet-counted), `udp://HOST:PORT` or `unix:/PATH`: syslog, as RFC 5424 has
    /// it; or `file:/PATH`, a line of JSON each.
    pub to: Destination,
    /// Which of the two.
    #[serde(default)]
    pub what: Forwarded,
    /// Also what was there before the place was first named.
    #[serde(default)]
    pub history: bool,
}

/// What is forwarded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Forwarded {
    #[default]
    Records,
    Checkpoints,
}

pub(super) fn validate(sections: &BTreeMap<String, ForwardSection>) -> Result<(), Error> {
    let plain = |name: &str| {
        let letters = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        letters && (1..=64).contains(&name.len())
    };
    match sections.keys().find(|name| !plain(name)) {
        Some(name) => Err(wrong(format!(
            "forward.{name}: a name is 1 to 64 letters, digits, - and _"
        ))),
        None => Ok(()),
    }
}
