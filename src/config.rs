//! The configuration: parsed and validated once. `strongroom.example.toml` explains every value.
//!
//! A value of the file is overridden by the environment: `STRONGROOM_<SECTION>_<KEY>`, as in
//! `STRONGROOM_TOKEN_PIN_FILE`. The PIN itself comes from a file or from `STRONGROOM_TOKEN_PIN`,
//! never from the configuration file or the command line.

use crate::model::Region;
use crate::{Error, ErrorCode};
use secrecy::SecretString;
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const PREFIX: &str = "STRONGROOM_";
const PIN: &str = "STRONGROOM_TOKEN_PIN";
const SECTIONS: [&str; 5] = ["server", "token", "database", "gateway", "quota"];
/// Values that are text even where they look like something else.
const TEXT: [&str; 6] = ["serial", "label", "module", "pin_file", "url", "url_file"];

/// All of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    #[serde(default)]
    pub server: ServerSection,
    pub token: TokenSection,
    pub database: DatabaseSection,
    #[serde(default)]
    pub gateway: GatewaySection,
    #[serde(default)]
    pub quota: QuotaSection,
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
    /// Read by [`Config::load`].
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

/// `[quota]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct QuotaSection {
    pub requests_per_second: NonZeroU32,
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
            max_body_bytes: 262_144,
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

impl Default for QuotaSection {
    fn default() -> Self {
        Self {
            requests_per_second: NonZeroU32::new(100_000).unwrap_or(NonZeroU32::MIN),
        }
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
}

impl Config {
    /// Reads a file, the environment, and the secrets that they name.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
        let mut config = Self::parse(&text, std::env::vars())
            .map_err(|error| wrong(format!("{}: {}", path.display(), error.message())))?;
        config.read_secrets()?;
        Ok(config)
    }

    /// Reads a file's text and an environment; not yet the secrets that they name.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let mut table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| wrong(error.message()))?;
        for (name, value) in environment {
            if name != PIN
                && let Some(rest) = name.strip_prefix(PREFIX)
                && let Some((section, key)) = rest.to_ascii_lowercase().split_once('_')
                // Kubernetes makes STRONGROOM_SERVICE_HOST and the like out of a service's name.
                && SECTIONS.contains(&section)
                // Compose files have no other way to say "not set".
                && !value.is_empty()
            {
                let section = table
                    .entry(section)
                    .or_insert_with(|| toml::Table::new().into());
                let section = section
                    .as_table_mut()
                    .ok_or_else(|| wrong(format!("{name} names no section")))?;
                section.insert(key.to_owned(), value_of(key, &value));
            }
        }
        let config: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| wrong(error.message()))?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), Error> {
        if self.token.label.is_some() == self.token.serial.is_some() {
            return Err(wrong("token: set exactly one of label and serial"));
        }
        let positive = [
            ("server.workers", self.server.workers),
            ("server.max_body_bytes", self.server.max_body_bytes),
            ("server.max_in_flight", self.server.max_in_flight),
            ("token.sessions", self.token.sessions),
            ("token.queue_length", self.token.queue_length),
            ("database.connections", self.database.connections),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(wrong(format!("{name} must be at least 1")));
        }
        if self.gateway.lease_ms <= self.gateway.deadline_ms {
            let message = "gateway.lease_ms must be longer than gateway.deadline_ms: a neighbour would \
                           take over what is still under way";
            return Err(wrong(message));
        }
        self.regions().map(drop)
    }

    fn read_secrets(&mut self) -> Result<(), Error> {
        self.token.pin = match (std::env::var(PIN), &self.token.pin_file) {
            (Ok(pin), None) => SecretString::from(pin),
            (Err(_), Some(path)) => read_secret(path)?,
            (Ok(_), Some(_)) => {
                return Err(wrong(format!("set only one of token.pin_file and {PIN}")));
            }
            (Err(_), None) => return Err(wrong(format!("no PIN: set token.pin_file or {PIN}"))),
        };
        if let Some(path) = &self.database.url_file {
            self.database.url = read_secret(path)?;
        }
        Ok(())
    }

    /// The Regions answered for; `None` for any.
    ///
    /// # Errors
    /// A name that is no Region's.
    pub fn regions(&self) -> Result<Option<Vec<Region>>, Error> {
        let names = &self.gateway.regions;
        if names.iter().any(|name| name == "*") {
            return Ok(None);
        }
        let region = |name: &String| {
            Region::parse(name)
                .ok_or_else(|| wrong(format!("gateway.regions: {name:?} is no Region's name")))
        };
        names.iter().map(region).collect::<Result<_, _>>().map(Some)
    }
}

/// Milliseconds of the file as a duration.
pub fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// A value of the environment, as TOML would have it.
fn value_of(key: &str, text: &str) -> toml::Value {
    if TEXT.contains(&key) {
        return text.into();
    }
    let parsed = format!("value = {text}").parse::<toml::Table>().ok();
    parsed
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| text.into())
}

/// A file with one secret, on one line; nobody but its owner and group may read it.
fn read_secret(path: &Path) -> Result<SecretString, Error> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |error| wrong(format!("cannot read {}: {error}", path.display()));
    let mode = std::fs::metadata(path)
        .map_err(failed)?
        .permissions()
        .mode();
    if mode & 0o007 != 0 {
        return Err(wrong(format!(
            "{} can be read by anyone: chmod 600 {}",
            path.display(),
            path.display()
        )));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.is_empty() {
        return Err(wrong(format!("{} is empty", path.display())));
    }
    Ok(SecretString::from(line))
}
