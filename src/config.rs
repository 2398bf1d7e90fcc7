//! The configuration: parsed and validated once. `strongroom.example.toml` explains every value.
//!
//! A value of the file is overridden by the environment: `STRONGROOM_<SECTION>_<KEY>`, as in
//! `STRONGROOM_TOKEN_PIN_FILE`; all of `[clusters]` by `STRONGROOM_CLUSTERS`, of `[oidc]` by
//! `STRONGROOM_OIDC`, of `[forward]` by `STRONGROOM_FORWARD`, of `[witness]` by
//! `STRONGROOM_WITNESS`, of `[[approval]]` by `STRONGROOM_APPROVAL`. The PIN itself comes from a file or from
//! `STRONGROOM_TOKEN_PIN`, never from the configuration file or the command line.

mod approval;
mod audit;
mod environment;
mod forward;
mod log;
mod oidc;
mod quota;
mod reload;
mod secret_file;
mod sections;
mod tls;
mod witness;

pub use approval::ApprovalSection;
pub use audit::AuditSection;
pub use environment::environment;
pub use forward::{ForwardSection, Forwarded};
pub use log::{LogFormat, LogLevel, LogSection};
pub use oidc::OidcSection;
pub use quota::{AccountQuota, PrincipalQuota, QuotaDefaults, QuotaSection, RateSetting};
pub use sections::{ClusterSection, DatabaseSection, GatewaySection, ServerSection, TokenSection};
pub use tls::{CertificateSection, ClientCertificate, Signer, TlsFiles, TlsSection};

pub use witness::WitnessSection;

use crate::model::member::{Member, Violations};
use crate::model::shapes::CloudHsmClusterId;
use crate::model::{AccountId, Region};
use crate::{Error, ErrorCode};
use environment::PIN;
use secrecy::{ExposeSecret, SecretString};
use secret_file::read_secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// All of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    #[serde(default)]
    pub server: ServerSection,
    pub tls: Option<TlsSection>,
    pub admin_tls: Option<TlsSection>,
    #[serde(default)]
    pub certificate: Vec<CertificateSection>,
    pub token: TokenSection,
    pub database: DatabaseSection,
    #[serde(default)]
    pub gateway: GatewaySection,
    #[serde(default)]
    pub audit: AuditSection,
    #[serde(default)]
    pub forward: BTreeMap<String, ForwardSection>,
    #[serde(default)]
    pub witness: BTreeMap<String, WitnessSection>,
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
        environment::overlay(&mut table, environment)?;
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
        for (name, section) in [("tls", &self.tls), ("admin_tls", &self.admin_tls)] {
            section.as_ref().map_or(Ok(()), |tls| tls.validate(name))?;
        }
        tls::validate(self.tls.as_ref(), &self.certificate)?;
        self.quota.validate()?;
        self.audit.validate()?;
        forward::validate(&self.forward)?;
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
