//! The configuration, as each layer below takes it.

use super::quotas;
use crate::audit::VerifierKey;
use crate::config::{
    CertificateSection, ClientCertificate, ClusterSection, Config, ForwardSection, Forwarded,
    OidcSection, Signer, TlsSection, WitnessSection, ms,
};
use crate::model::{AccountId, Region};
use crate::operation::Cluster;
use crate::operation::sts::{Issuer, KeySource};
use crate::server::{CertificateName, Rule, ServerConfig, TlsConfig, TlsMaterial};
use crate::store::StoreConfig;
use crate::token::{TokenConfig, TokenSelector};
use crate::worker::forwarding::ForwardSettings;
use crate::worker::sequencer::{SequencerSettings, WitnessSettings};
use crate::{Error, ErrorCode};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The Region of what happens without a request: the first that is answered for.
///
/// # Errors
/// One of the names is none.
pub(super) fn own_region(config: &Config) -> Result<Region, Error> {
    let regions = config.regions()?.unwrap_or_default();
    // Unwrap safety: it is the name of a Region.
    let region = || Region::parse("us-east-1").unwrap();
    Ok(regions.into_iter().next().unwrap_or_else(region))
}

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
        tls: tls(config),
        admin_tls: admin_tls(config),
        drain: ms(server.drain_ms),
    }
}

/// Of the API.
pub(super) fn tls(config: &Config) -> Option<TlsConfig> {
    let rules = config.certificate.iter().filter_map(rule);
    let section = config.tls.as_ref()?;
    Some(of("tls", section, rules.map(Arc::new).collect()))
}

/// Of the admin listener, where certificates speak for nobody.
pub(super) fn admin_tls(config: &Config) -> Option<TlsConfig> {
    let section = config.admin_tls.as_ref()?;
    Some(of("admin_tls", section, Arc::default()))
}

fn of(name: &'static str, section: &TlsSection, rules: Arc<[Arc<Rule>]>) -> TlsConfig {
    let files = section.clone();
    TlsConfig {
        section: name,
        read: Arc::new(move || {
            let files = files.read()?;
            Ok(TlsMaterial {
                certificate: files.certificate,
                key: files.key,
                client_ca: files.client_ca,
                client_crl: files.client_crl,
            })
        }),
        reload: ms(section.reload_ms),
        client_required: section.client_certificate == ClientCertificate::Required,
        rules,
    }
}

/// The configuration has been checked: each names one thing, and a Region.
fn rule(section: &CertificateSection) -> Option<Rule> {
    let uri = section.uri.clone().map(CertificateName::Uri);
    let email = section.email.clone().map(CertificateName::Email);
    let subject = section.subject.clone().map(CertificateName::Subject);
    let dns = section.dns.as_deref().map(CertificateName::dns);
    Some(Rule {
        name: dns.or(uri).or(email).or(subject)?,
        principal: section.principal.clone(),
        region: section.region()?,
        any_signer: section.signer == Signer::Any,
    })
}

/// For the audit log's tree.
///
/// # Errors
/// A witness's key is none.
pub(super) fn sequencer(config: &Config) -> Result<SequencerSettings, Error> {
    let audit = &config.audit;
    let anchor = Some(audit.token_anchor_seconds).filter(|seconds| *seconds > 0);
    Ok(SequencerSettings {
        every: ms(audit.interval_ms),
        checkpoint_after: Duration::from_secs(audit.checkpoint_seconds),
        checkpoint_records: audit.checkpoint_records,
        token_anchor_every: anchor.map(Duration::from_secs),
        restored: audit.restored,
        witnesses: config
            .witness
            .iter()
            .map(witness)
            .collect::<Result<_, _>>()?,
    })
}

fn witness((name, section): (&String, &WitnessSection)) -> Result<WitnessSettings, Error> {
    let wrong = || {
        let message = format!("witness.{name}: key is not <name>+<key id>+<base64>, of Ed25519");
        Error::new(ErrorCode::Validation, message)
    };
    Ok(WitnessSettings {
        name: name.clone(),
        url: section.url.clone(),
        key: VerifierKey::parse_vkey(&section.key).ok_or_else(wrong)?,
        ca_file: section.ca_file.clone(),
    })
}

/// Where the audit log is forwarded to.
pub(super) fn forwards(config: &Config) -> Vec<ForwardSettings> {
    let forwards = config.forward.iter();
    let settings = |(name, section): (&String, &ForwardSection)| ForwardSettings {
        name: name.clone(),
        to: section.to.clone(),
        checkpoints: section.what == Forwarded::Checkpoints,
        history: section.history,
    };
    forwards.map(settings).collect()
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
pub fn clusters(config: &Config) -> BTreeMap<String, Cluster> {
    let own = token(config);
    let cluster = |section: &ClusterSection| Cluster {
        token: TokenConfig {
            module: section.module.clone(),
            select: selector(section.serial.as_ref(), section.label.as_ref()),
            pin: SecretString::default(),
            retry_pin: false,
            ..own.clone()
        },
        accounts: section.accounts.as_ref().map(|accounts| {
            let accounts = accounts.iter();
            accounts.filter_map(|id| AccountId::parse(id)).collect()
        }),
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
