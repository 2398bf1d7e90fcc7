//! The configuration: parsed and validated once. `strongroom.example.toml` explains every value.
//!
//! A value of the file is overridden by the environment: `STRONGROOM_<SECTION>_<KEY>`, as in
//! `STRONGROOM_TOKEN_PIN_FILE`; all of `[clusters]` by `STRONGROOM_CLUSTERS`, of `[oidc]` by
//! `STRONGROOM_OIDC`, of `[[approval]]` by `STRONGROOM_APPROVAL`. The PIN itself comes from a file or from
//! `STRONGROOM_TOKEN_PIN`, never from the configuration file or the command line.

mod approval;
mod log;
mod oidc;
mod quota;
mod tls;

pub use approval::ApprovalSection;
pub use log::{LogFormat, LogSection};
pub use oidc::OidcSection;
pub use quota::{AccountQuota, PrincipalQuota, QuotaDefaults, QuotaSection, RateSetting};
pub use tls::{CertificateSection, ClientCertificate, Signer, TlsFiles, TlsSection};

use crate::model::member::{Member, Violations};
use crate::model::shapes::CloudHsmClusterId;
use crate::model::{AccountId, Region};
use crate::{Error, ErrorCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const PREFIX: &str = "STRONGROOM_";
const PIN: &str = "STRONGROOM_TOKEN_PIN";
/// Whole sections, which have no keys of their own that a variable could name.
const WHOLE: [(&str, &str); 3] = [
    ("STRONGROOM_APPROVAL", "approval"),
    ("STRONGROOM_CLUSTERS", "clusters"),
    ("STRONGROOM_OIDC", "oidc"),
];
const SECTIONS: [&str; 7] = [
    "server", "tls", "token", "database", "gateway", "quota", "log",
];
/// Values that are text even where they look like something else.
const TEXT: [&str; 7] = [
    "serial", "label", "module", "pin_file", "url", "url_file", "listen",
];

/// All of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    #[serde(default)]
    pub server: ServerSection,
    pub tls: Option<TlsSection>,
    #[serde(default)]
    pub certificate: Vec<CertificateSection>,
    pub token: TokenSection,
    pub database: DatabaseSection,
    #[serde(default)]
    pub gateway: GatewaySection,
    #[serde(default)]
    pub log: LogSection,
    #[serde(default)]
    pub quota: QuotaSection,
    #[serde(default)]
    pub clusters: BTreeMap<String, ClusterSection>,
    #[serde(default)]
    pub approval: Vec<ApprovalSection>,
    #[serde(default)]
    pub oidc: BTreeMap<String, OidcSection>,
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

/// `[clusters.cluster-…]`: a token that can be a custom key store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ClusterSection {
    pub module: PathBuf,
    pub label: Option<String>,
    pub serial: Option<String>,
    pub accounts: Option<Vec<String>>,
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

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
}

impl Config {
    /// Reads a file, the environment, and the secrets that they name.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::load_with(path, environment()?)
    }

    /// The same with another environment than the process's.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(path: &Path, environment: BTreeMap<String, String>) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
        let pin = environment.get(PIN).filter(|pin| !pin.is_empty()).cloned();
        let mut config = Self::parse(&text, environment.into_iter())
            .map_err(|error| wrong(format!("{}: {}", path.display(), error.message())))?;
        config.read_secrets(pin.map(SecretString::from))?;
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
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // Not the error's own text: it quotes the line, which may hold a password.
            let start = error.span().map_or(0, |span| span.start);
            let line = text[..start].matches('\n').count() + 1;
            wrong(format!("line {line}: {}", error.message()))
        })?;
        for (name, value) in environment {
            let whole = WHOLE.iter().find(|(known, _)| name == *known);
            if let Some((_, section)) = whole.filter(|_| !value.is_empty()) {
                table.insert((*section).into(), value_of(section, &value));
                continue;
            }
            if name != PIN
                && let Some(rest) = name.strip_prefix(PREFIX)
                && let Some((section, key)) = rest.to_ascii_lowercase().split_once('_')
                // Kubernetes makes STRONGROOM_SERVICE_HOST and the like from a service's name.
                && SECTIONS.contains(&section)
                // Compose files cannot say "not set" otherwise.
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
            // The whole text says in which key; there is no line to quote any more.
            .map_err(|error: toml::de::Error| wrong(error.to_string().trim().replace('\n', " ")))?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), Error> {
        if self.token.label.is_some() == self.token.serial.is_some() {
            return Err(wrong("token: set exactly one of label and serial"));
        }
        for (id, cluster) in &self.clusters {
            if CloudHsmClusterId::check(id.clone(), "", &mut Violations::default()).is_none() {
                return Err(wrong(format!(
                    "clusters.{id}: a cluster's id is \"cluster-\" and 11 to 16 letters or digits from 2 to 7"
                )));
            }
            if cluster.label.is_some() == cluster.serial.is_some() {
                return Err(wrong(format!(
                    "clusters.{id}: set exactly one of label and serial"
                )));
            }
            let mut accounts = cluster.accounts.iter().flatten();
            if let Some(account) = accounts.find(|a| AccountId::parse(a.as_str()).is_none()) {
                return Err(wrong(format!(
                    "clusters.{id}: accounts: {account:?} is no account's 12 digits"
                )));
            }
            if cluster.accounts.as_ref().is_some_and(Vec::is_empty) {
                return Err(wrong(format!(
                    "clusters.{id}: accounts is empty: name some, or leave it out for all"
                )));
            }
        }
        approval::validate(&self.approval)?;
        oidc::validate(&self.oidc)?;
        let positive = [
            ("server.workers", self.server.workers),
            ("server.max_body_bytes", self.server.max_body_bytes),
            ("server.max_in_flight", self.server.max_in_flight),
            ("token.sessions", self.token.sessions),
            ("token.queue_length", self.token.queue_length),
            ("database.connections", self.database.connections),
            ("database.cache_entries", self.database.cache_entries),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(wrong(format!("{name} must be at least 1")));
        }
        let waits = [
            ("server.read_timeout_ms", self.server.read_timeout_ms),
            ("token.deadline_ms", self.token.deadline_ms),
            ("database.deadline_ms", self.database.deadline_ms),
            ("gateway.deadline_ms", self.gateway.deadline_ms),
            ("gateway.lease_ms", self.gateway.lease_ms),
            (
                "gateway.worker_interval_ms",
                self.gateway.worker_interval_ms,
            ),
        ];
        if let Some((name, _)) = waits.iter().find(|(_, value)| *value == 0) {
            return Err(wrong(format!("{name} must be at least 1")));
        }
        if self.gateway.lease_ms <= self.gateway.deadline_ms {
            let message = "gateway.lease_ms must be longer than gateway.deadline_ms: a neighbour would \
                           take over what is still under way";
            return Err(wrong(message));
        }
        let url = !self.database.url.expose_secret().is_empty();
        if url == self.database.url_file.is_some() {
            return Err(wrong("database: set exactly one of url and url_file"));
        }
        if self.gateway.regions.is_empty() {
            return Err(wrong(
                "gateway.regions is empty: name some, or \"*\" for any",
            ));
        }
        tls::validate(self.tls.as_ref(), &self.certificate)?;
        self.quota.validate()?;
        self.regions().map(drop)
    }

    fn read_secrets(&mut self, pin: Option<SecretString>) -> Result<(), Error> {
        self.token.pin = match (pin, &self.token.pin_file) {
            (Some(pin), None) => pin,
            (None, Some(path)) => read_secret(path)?,
            (Some(_), Some(_)) => {
                return Err(wrong(format!("set only one of token.pin_file and {PIN}")));
            }
            (None, None) => return Err(wrong(format!("no PIN: set token.pin_file or {PIN}"))),
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

/// Our variables of the process's environment.
///
/// # Errors
/// One of them is not UTF-8. Others may hold what they like.
pub fn environment() -> Result<BTreeMap<String, String>, Error> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(wrong(format!("{name} is not UTF-8"))),
        })
        .collect()
}

/// A value of the environment, as TOML would have it.
fn value_of(key: &str, text: &str) -> toml::Value {
    if TEXT.contains(&key) {
        return text.into();
    }
    if key == "regions" && !text.starts_with('[') {
        let names = text.split(',').map(|name| name.trim().into());
        return toml::Value::Array(names.collect());
    }
    let parsed = format!("value = {text}").parse::<toml::Table>().ok();
    parsed
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| text.into())
}

/// A file with one secret, on one line; nobody but its owner and group may read it.
fn read_secret(path: &Path) -> Result<SecretString, Error> {
    check_private(path)?;
    let failed = |error| wrong(format!("cannot read {}: {error}", path.display()));
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.is_empty() {
        return Err(wrong(format!("{} is empty", path.display())));
    }
    Ok(SecretString::from(line))
}

/// Refuses a file that more than its owner and group can read.
fn check_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let path_shown = path.display();
    let metadata = std::fs::metadata(path)
        .map_err(|error| wrong(format!("cannot read {path_shown}: {error}")))?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(wrong(format!(
            "{path_shown} can be read by anyone: chmod 600 {path_shown}"
        )));
    }
    Ok(())
}
