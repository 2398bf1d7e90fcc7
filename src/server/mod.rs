//! The listeners: the only user of actix-web.
//!
//! - the API: `POST /`, AWS JSON 1.1, and for STS AWS Query, every request signed (SigV4) or with
//!   the token of an OIDC issuer;
//! - the admin listener: `/healthz`, `/readyz`, `/metrics`.

mod admin;
mod api;
mod body;
mod certificate;
mod listener;
mod presented;
pub mod query;
mod scheduling;
mod subject;
mod tls;

pub use certificate::{CertificateName, Rule};
pub use listener::Listener;
pub use tls::{TlsConfig, TlsMaterial};

use crate::metrics::Metrics;
use crate::model::{AccountId, Region, TraceParent};
use crate::operation::credential::Credential;
use crate::operation::quota::Places;
use crate::operation::{OperationName, Principal, Proof, Request, Step};
use crate::{Error, ErrorCode};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use futures_util::future::BoxFuture;
use listener::listen;
use secrecy::SecretString;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// What the server asks of the house behind it.
pub trait Endpoint: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> OffsetDateTime;
    /// Whether this deployment answers for a Region.
    fn serves(&self, region: &Region) -> bool;
    /// The user of an ARN, by whom a client certificate is used.
    fn user<'a>(&'a self, arn: &'a str) -> BoxFuture<'a, Result<Option<Principal>, Error>>;
    /// The credential of an access key in force, and of the session token that came with it, for
    /// whoever asks from an address.
    fn credential<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        source_ip: IpAddr,
    ) -> BoxFuture<'a, Result<Option<Arc<Credential>>, Error>>;
    /// Who presents an OIDC token, to assume the role `role_arn`.
    fn web_identity<'a>(
        &'a self,
        role_arn: &'a str,
        token: &'a SecretString,
    ) -> BoxFuture<'a, Result<(Principal, Proof), Error>>;
    /// The Region of requests that say none.
    fn region(&self) -> Region;
    /// The answer to an authenticated request of the operation `name`.
    fn answer(
        &self,
        name: OperationName,
        request: Request,
    ) -> BoxFuture<'_, Result<Vec<u8>, Error>>;
    /// Counts a caller who could not be authenticated.
    ///
    /// # Errors
    /// `ThrottlingException` if that happens too often at its address.
    fn failed(&self, source_ip: IpAddr) -> Result<(), Error>;
    /// Counts a request that did not get past authentication.
    fn rejected(&self, request_id: Uuid, trace: Option<TraceParent>, error: &Error);
    /// Measures a step of the pipeline that is the server's.
    fn took(&self, step: Step, time: Duration);
    /// What this gateway depends on, and whether each answers or why not.
    fn readiness(&self) -> BoxFuture<'_, Vec<(&'static str, Result<(), String>)>>;
    /// What else is wrong, and does not keep it from serving.
    fn notices(&self) -> Vec<(&'static str, String)>;
    /// The metrics in Prometheus's text format.
    fn metrics(&self) -> String;
}

/// Where and within what limits to listen.
#[derive(Clone)]
pub struct ServerConfig {
    /// The API's address; port 0 takes a free one.
    pub api: SocketAddr,
    /// The admin listener's address.
    pub admin: SocketAddr,
    /// Threads that serve connections.
    pub workers: usize,
    /// The longest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// Requests under way at once, of which no account gets all; one more is refused.
    pub max_in_flight: usize,
    /// How long a client may take to send its request.
    pub read_timeout: Duration,
    /// Whether to listen beyond loopback without TLS.
    pub allow_plaintext: bool,
    /// The API's TLS.
    pub tls: Option<TlsConfig>,
    /// The admin listener's.
    pub admin_tls: Option<TlsConfig>,
    /// How long requests under way may take to end once the server stops.
    pub drain: Duration,
}

/// Longer than the SDKs keep an idle connection: they, and not we, are to be the ones who close it.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

/// TLS handshakes at a time, for each worker: what is more waits in the listener's queue.
const MAX_HANDSHAKES: usize = 64;

/// What the handlers of the API share.
pub(crate) struct Shared {
    endpoint: Arc<dyn Endpoint>,
    /// For requests that are being read and authenticated, and for holders of OIDC tokens, by the
    /// addresses that they come from.
    unknown: Arc<Places<IpAddr>>,
    /// For the others that are authenticated and not yet answered, by account.
    in_flight: Arc<Places<AccountId>>,
    max_body_bytes: usize,
    read_timeout: Duration,
}

/// Both listeners, open.
pub struct Server {
    /// The API.
    pub api: Listener,
    /// Health and metrics.
    pub admin: Listener,
    endpoint: Arc<dyn Endpoint>,
}

impl Server {
    /// Opens both listeners; what they count is made part of `metrics`.
    ///
    /// # Errors
    /// An address is in use or not ours; plaintext beyond loopback that was not asked for; a
    /// certificate or key that is not one.
    pub async fn start(
        config: ServerConfig,
        endpoint: Arc<dyn Endpoint>,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        let listeners = [(config.api, &config.tls), (config.admin, &config.admin_tls)];
        for (address, tls) in listeners {
            if tls.is_none() && !address.ip().is_loopback() && !config.allow_plaintext {
                return Err(Error::new(
                    ErrorCode::Validation,
                    format!(
                        "{address} is not a loopback address and there is no TLS: set \
                         server.allow_plaintext = true only where something in front has it"
                    ),
                ));
            }
        }
        let shared = web::Data::new(Shared {
            endpoint: endpoint.clone(),
            unknown: Places::new(config.max_in_flight),
            in_flight: Places::new(config.max_in_flight),
            max_body_bytes: config.max_body_bytes,
            read_timeout: config.read_timeout,
        });
        // Called by each of the workers' threads.
        let api = HttpServer::new(move || {
            scheduling::waits_for_its_turn();
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(api::handle))
        })
        .workers(config.workers)
        .max_connections(config.max_in_flight.saturating_mul(4))
        .max_connection_rate(MAX_HANDSHAKES)
        .tls_handshake_timeout(config.read_timeout)
        .client_request_timeout(config.read_timeout)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(config.drain.as_secs())
        .disable_signals();
        let routes = web::Data::from(endpoint.clone());
        let admin = HttpServer::new(move || {
            App::new()
                .app_data(routes.clone())
                .wrap(from_fn(admin::guard))
                .configure(admin::routes)
        })
        .workers(1)
        .max_connection_rate(MAX_HANDSHAKES)
        .shutdown_timeout(1)
        .disable_signals();
        Ok(Self {
            api: listen!(api, config.api, config.tls, endpoint, metrics),
            admin: listen!(admin, config.admin, config.admin_tls, endpoint, metrics),
            endpoint,
        })
    }

    /// Takes the TLS of both listeners from another configuration; of both, or of none. Connections
    /// stay. A listener is not made plain by it, and a plain one stays plain.
    ///
    /// # Errors
    /// A certificate or key is not one, or has expired.
    pub fn reload(&self, api: Option<TlsConfig>, admin: Option<TlsConfig>) -> Result<(), Error> {
        let now = self.endpoint.now();
        let replacements = [self.api.prepare(api, now)?, self.admin.prepare(admin, now)?];
        for (tls, new) in replacements.into_iter().flatten() {
            tls.replace(new);
        }
        Ok(())
    }

    /// Takes no more connections, and waits for the requests under way.
    pub async fn stop(self) {
        self.api.stop(true).await;
        self.admin.stop(false).await;
    }
}
