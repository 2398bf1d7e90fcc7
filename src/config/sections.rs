//! The sections of what a gateway is made of: its log, its listeners, its token, its database.

use secrecy::SecretString;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct LogSection {
    pub level: LogLevel,
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

impl From<LogLevel> for log::LevelFilter {
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

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct ServerSection {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub workers: usize,
    pub max_body_bytes: usize,
    pub max_in_flight: usize,
    pub read_timeout_ms: u64,
    pub drain_ms: u64,
    pub allow_plaintext: bool,
}

/// `[token]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TokenSection {
    pub module: PathBuf,
    pub label: Option<String>,
    pub serial: Option<String>,
    pub pin_file: Option<PathBuf>,
    #[serde(default = "default::sessions")]
    pub sessions: usize,
    #[serde(default = "default::queue_length")]
    pub queue_length: usize,
    #[serde(default = "default::token_deadline_ms")]
    pub deadline_ms: u64,
    #[serde(default)]
    pub retry_pin: bool,
    #[serde(default)]
    pub import_through_memory: bool,
    /// Read by [`super::Config::load`].
    #[serde(skip)]
    pub pin: SecretString,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct DatabaseSection {
    #[serde(default)]
    pub url: SecretString,
    pub url_file: Option<PathBuf>,
    #[serde(default = "default::connections")]
    pub connections: usize,
    #[serde(default = "default::database_deadline_ms")]
    pub deadline_ms: u64,
    #[serde(default = "default::cache_entries")]
    pub cache_entries: usize,
}

/// `[gateway]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct GatewaySection {
    pub regions: Vec<String>,
    pub deadline_ms: u64,
    pub lease_ms: u64,
    pub worker_interval_ms: u64,
}

/// `[clusters.cluster-…]`: a token that can be a custom key store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ClusterSection {
    pub module: PathBuf,
    pub label: Option<String>,
    pub serial: Option<String>,
}

mod default {
    pub(super) fn sessions() -> usize {
        4
    }
    pub(super) fn queue_length() -> usize {
        1024
    }
    pub(super) fn token_deadline_ms() -> u64 {
        10_000
    }
    pub(super) fn connections() -> usize {
        8
    }
    pub(super) fn database_deadline_ms() -> u64 {
        5_000
    }
    pub(super) fn cache_entries() -> usize {
        100_000
    }
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 7701)),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            max_body_bytes: 524_288,
            max_in_flight: 1024,
            read_timeout_ms: 10_000,
            drain_ms: 10_000,
            allow_plaintext: false,
        }
    }
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            regions: vec!["us-east-1".into()],
            deadline_ms: 70_000,
            lease_ms: 120_000,
            worker_interval_ms: 5_000,
        }
    }
}
