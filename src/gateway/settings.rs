//! The configuration, as each layer below takes it.

use super::quotas;
use crate::config::{ClusterSection, Config, OidcSection, ms};
use crate::operation::sts::{Issuer, KeySource};
use crate::server::ServerConfig;
use crate::store::StoreConfig;
use crate::token::{TokenConfig, TokenSelector};
use secrecy::SecretString;
use std::collections::BTreeMap;

pub(super) fn server(config: &Config) -> ServerConfig {
    let server = &config.server;
    ServerConfig {
        api: server.listen,
        admin: server.admin_listen,
        workers: server.workers,
        max_body_bytes: server.max_body_bytes,
        max_in_flight: server.max_in_flight,
        read_timeout: ms(server.read_timeout_ms),
        allow_plaintext: server.allow_plaintext,
        drain: ms(server.drain_ms),
    }
}

/// For the token layer.
pub fn token(config: &Config) -> TokenConfig {
    let token = &config.token;
    TokenConfig {
        module: token.module.clone(),
        select: selector(token.serial.as_ref(), token.label.as_ref()),
        pin: token.pin.clone(),
        sessions: token.sessions,
        queue_length: token.queue_length,
        deadline: ms(token.deadline_ms),
        retry_pin: token.retry_pin,
        import_through_memory: token.import_through_memory,
    }
}

/// The tokens that can be custom key stores, used as the gateway's own is; their PINs are callers'.
pub fn clusters(config: &Config) -> BTreeMap<String, TokenConfig> {
    let own = token(config);
    let cluster = |section: &ClusterSection| TokenConfig {
        module: section.module.clone(),
        select: selector(section.serial.as_ref(), section.label.as_ref()),
        pin: SecretString::default(),
        retry_pin: false,
        ..own.clone()
    };
    let clusters = config.clusters.iter();
    clusters
        .map(|(id, section)| (id.clone(), cluster(section)))
        .collect()
}

fn selector(serial: Option<&String>, label: Option<&String>) -> TokenSelector {
    match serial {
        Some(serial) => TokenSelector::Serial(serial.clone()),
        None => TokenSelector::Label(label.cloned().unwrap_or_default()),
    }
}

/// For the store.
pub fn store(config: &Config) -> StoreConfig {
    let database = &config.database;
    StoreConfig {
        url: database.url.clone(),
        connections: database.connections,
        deadline: ms(database.deadline_ms),
        cache_entries: database.cache_entries,
        quotas: quotas::resources(&config.quota),
    }
}

/// The issuers of OIDC tokens.
pub(super) fn issuers(config: &Config) -> Vec<Issuer> {
    let issuer = |section: &OidcSection| {
        let keys = match (&section.jwks_file, &section.jwks_url) {
            (Some(file), _) => KeySource::File(file.clone()),
            (None, Some(url)) => KeySource::Url(url.clone(), section.ca_file.clone()),
            (None, None) => return None, // refused by the configuration
        };
        Some(Issuer {
            issuer: section.issuer.clone(),
            audiences: section.audiences.clone(),
            keys,
        })
    };
    config.oidc.values().filter_map(issuer).collect()
}
