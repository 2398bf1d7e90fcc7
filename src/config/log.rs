//! How much the log says, and how it is written.

use serde::Deserialize;

/// `[log]`: what is said on standard error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// How much: this, and what is graver; of libraries `info` at most. `RUST_LOG`, where it is set,
    /// decides instead. On SIGHUP it changes at once.
    pub level: LogLevel,
    /// `"text"` for people, or `"json"`: an object on each line.
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

/// How much is logged: this, and what is graver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for ::log::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}
