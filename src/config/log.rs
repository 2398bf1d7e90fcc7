//! How the log is written.

use serde::Deserialize;

/// `[log]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct LogSection {
    pub format: LogFormat,
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people: level, module, message, then `key=value` pairs.
    #[default]
    Text,
    /// For machines: an object on each line.
    Json,
}
