//! The configuration, as each layer below takes it.

use crate::config::{Config, ms};
use crate::server::ServerConfig;
use crate::store::StoreConfig;
use crate::token::{TokenConfig, TokenSelector};

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
    let select = match &token.serial {
        Some(serial) => TokenSelector::Serial(serial.clone()),
        None => TokenSelector::Label(token.label.clone().unwrap_or_default()),
    };
    TokenConfig {
        module: token.module.clone(),
        select,
        pin: token.pin.clone(),
        sessions: token.sessions,
        queue_length: token.queue_length,
        deadline: ms(token.deadline_ms),
        retry_pin: token.retry_pin,
        import_through_memory: token.import_through_memory,
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
    }
}
