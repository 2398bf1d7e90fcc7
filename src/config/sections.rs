//! The sections of what a gateway is made of: its listeners, its token, its database.

use secrecy::SecretString;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[server]`: the two listeners, and what they let in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSection {
    /// The API. Without `[tls]` it listens on loopback only, unless `allow_plaintext` is set.
    pub listen: SocketAddr,
    /// `/healthz`, `/readyz` and `/metrics`; likewise with `[admin_tls]`.
    pub admin_listen: SocketAddr,
    /// Threads that serve connections.
    pub workers: usize,
    /// A longer request is refused before it is read.
    pub max_body_bytes: usize,
    /// Requests under way at once; one more gets ThrottlingException. An account may have as many
    /// of them as are free: alone half, two a third each.
    pub max_in_flight: usize,
    /// How long a client may take to send its request, and for a handshake.
    pub read_timeout_ms: u64,
    /// How long requests under way may take to end when the gateway stops.
    pub drain_ms: u64,
    /// Listen beyond loopback without TLS: only where something in front terminates it.
    pub allow_plaintext: bool,
}

/// `[token]`: the token that has the keys. Exactly one of `label` and `serial` names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSection {
    /// The PKCS#11 module of the HSM's vendor.
    pub module: PathBuf,
    /// Its label.
    pub label: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// The user PIN: a file with nothing else in it that others cannot read. `STRONGROOM_TOKEN_PIN`
    /// has it instead; it is never in this file or on a command line.
    pub pin_file: Option<PathBuf>,
    /// Sessions for cryptographic operations, each on a thread of its own. Network HSMs like many
    /// (their vendors say how many); SoftHSM gains little from more than its processors.
    #[serde(default = "default::sessions")]
    pub sessions: usize,
    /// Operations that may wait for a session; one more gets ThrottlingException.
    #[serde(default = "default::queue_length")]
    pub queue_length: usize,
    /// How long an operation may take at the token, its time in the queue included.
    #[serde(default = "default::token_deadline_ms")]
    pub deadline_ms: u64,
    /// Try a PIN again that the token has refused or is about to lock over. For one start, by hand.
    #[serde(default)]
    pub retry_pin: bool,
    /// Imported key material that the token cannot unwrap by itself may pass through the gateway's
    /// memory; see [import.md](import.md). Without it such an import is refused.
    #[serde(default)]
    pub import_through_memory: bool,
    /// Read by [`super::Config::load`].
    #[serde(skip)]
    pub pin: SecretString,
}

/// `[database]`: Postgres. Exactly one of `url` and `url_file` says where it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSection {
    /// A libpq connection string or a `postgresql://` URL.
    #[serde(default)]
    pub url: SecretString,
    /// A file with nothing but that in it, for one that has a password.
    pub url_file: Option<PathBuf>,
    /// Connections, kept open.
    #[serde(default = "default::connections")]
    pub connections: usize,
    /// How long anything may wait for Postgres.
    #[serde(default = "default::database_deadline_ms")]
    pub deadline_ms: u64,
    /// Keys, aliases and access keys kept in memory. A symmetric key takes less than 400 bytes, and more
    /// with a description, tags or a policy of its own.
    #[serde(default = "default::cache_entries")]
    pub cache_entries: usize,
}

/// `[gateway]`: what a gateway has in common with the others of its deployment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySection {
    /// The Regions that this deployment answers for; `["*"]` for any. In the environment also
    /// `us-east-1,eu-west-1`.
    pub regions: Vec<String>,
    /// How long one operation may take. Generating an RSA-4096 key takes seconds.
    pub deadline_ms: u64,
    /// How long the other gateways keep off a step on the token that this one has begun: longer
    /// than `deadline_ms`.
    pub lease_ms: u64,
    /// How often deletions that are due, and leftovers of a crash, are looked for.
    pub worker_interval_ms: u64,
}

/// `[clusters.cluster-…]`: a token that can be a custom key store; CreateCustomKeyStore names it as
/// its CloudHsmClusterId, with its user PIN as KeyStorePassword (see
/// [custom-key-stores.md](custom-key-stores.md)). Sessions and deadlines are those of `[token]`. By
/// the environment all of them at once, as `STRONGROOM_CLUSTERS`: a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSection {
    /// The PKCS#11 module of the HSM's vendor.
    pub module: PathBuf,
    /// The token's label; exactly one of `label` and `serial` names it.
    pub label: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// Accounts that may have it as a custom key store; without it, any.
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
