//! The composition root: what a gateway is made of, how it starts, drains and stops.

pub mod approvals;
mod audit_key;
mod endpoint;
mod initialise;
mod quotas;
mod reconciler;
mod row_seal;
pub mod settings;

pub use audit_key::audit_key;
pub use initialise::{Initialised, initialise};
pub use reconciler::reconciler;

use crate::Error;
use crate::audit::Audit;
use crate::clock::SystemClock;
use crate::config::{Config, ms};
use crate::metrics::Metrics;
use crate::operation::credential::Credentials;
use crate::operation::evidence::AuditKey;
use crate::operation::quota::Quota;
use crate::operation::sts::{Issuers, SessionTokens};
use crate::operation::{Context, PipelineMetrics, PolicyCache, Tokens};
use crate::server::{Listener, Server};
use crate::store::Store;
use crate::token::{SystemKey, Token};
use crate::worker::forwarding::{self, ForwardMetrics};
use crate::worker::sequencer::{self, SequencerMetrics};
use crate::worker::{self, Notices, WorkerMetrics};
use endpoint::Gate;
use row_seal::TokenSeal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long a start waits for the token before it serves without: not ready, and saying so.
const TOKEN_PATIENCE: Duration = Duration::from_secs(10);

/// A running gateway.
pub struct Gateway {
    server: Server,
    context: Arc<Context>,
    workers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Gateway {
    /// Starts everything; returns once requests are served. A token that is away does not stop it
    /// from starting: `/readyz` says so until the token is back.
    ///
    /// # Errors
    /// The database does not answer or has another schema, an address is in use, the PKCS#11
    /// module cannot be named.
    pub async fn start(config: &Config) -> Result<Self, Error> {
        let approvals = approvals::rules(config)?;
        let sequencing = settings::sequencer(config)?;
        let quota = Arc::new(Quota::new(quotas::limits(&config.quota)?));
        let store = Store::open(settings::store(config)).await?;
        let token = Token::open(settings::token(config))?;
        let deployment = store.deployment();
        let [wrapping, row_mac] =
            [SystemKey::Wrapping, SystemKey::RowMac].map(|role| token.system_key(deployment, role));
        let sessions = Arc::new(SessionTokens::new(token.clone(), row_mac.clone()));
        store.set_seal(Arc::new(TokenSeal::new(token.clone(), row_mac)));
        let credentials = Credentials::new(
            store.clone(),
            token.clone(),
            wrapping.clone(),
            sessions.clone(),
            quota.clone(),
        );
        let clusters = settings::clusters(config);
        let context = Arc::new(Context {
            store: store.clone(),
            tokens: Tokens::new(token.clone(), wrapping, clusters),
            audit: Audit::start(store),
            audit_key: AuditKey::new(token.clone(), deployment),
            sessions: sessions.clone(),
            issuers: Issuers::new(settings::issuers(config)),
            clock: Arc::new(SystemClock),
            approvals,
            metrics: PipelineMetrics::new(),
            quota,
            policies: PolicyCache::default(),
            regions: config.regions()?,
            deadline: ms(config.gateway.deadline_ms),
            gateway: Uuid::new_v4(),
            lease: ms(config.gateway.lease_ms),
        });
        match token.wait_ready(TOKEN_PATIENCE).await {
            Ok(()) => drop(sessions.derive().await), // tried again below, if need be
            Err(error) => log::warn!("serving without a token: {error}"),
        }
        let (stop, stopped) = watch::channel(false);
        let forwarded = stopped.clone();
        let every = ms(config.gateway.worker_interval_ms);
        let metrics = Metrics::default();
        metrics.build(env!("CARGO_PKG_VERSION"));
        let notices = Notices::default();
        let of_worker = WorkerMetrics::new(&metrics, notices.clone());
        let mut workers = vec![
            tokio::spawn(worker::run(
                context.clone(),
                every,
                of_worker,
                stopped.clone(),
            )),
            tokio::spawn(sequencer::run(
                context.clone(),
                sequencing,
                notices.clone(),
                SequencerMetrics::new(&metrics),
                stopped.clone(),
            )),
            tokio::spawn(worker::key_stores::follow(context.clone(), stopped.clone())),
            tokio::spawn(async move { sessions.derive_at_last(stopped).await }),
        ];
        let of_forwards = ForwardMetrics::new(&metrics);
        workers.extend(settings::forwards(config).into_iter().map(|settings| {
            let (metrics, stopped) = (of_forwards.clone(), forwarded.clone());
            tokio::spawn(forwarding::run(context.clone(), settings, metrics, stopped))
        }));
        let gate = Arc::new(Gate::new(
            context.clone(),
            credentials,
            metrics.clone(),
            notices,
        ));
        let server = Server::start(settings::server(config), gate, &metrics).await?;
        Ok(Self {
            server,
            context,
            workers,
            stop,
        })
    }

    /// Where the API is, and whether it speaks TLS there.
    pub fn api(&self) -> &Listener {
        &self.server.api
    }

    /// Where health and metrics are.
    pub fn admin(&self) -> &Listener {
        &self.server.admin
    }

    /// Takes what can change while it runs from another configuration: its quotas and its
    /// certificates. All of it or, if anything is wrong, nothing; no connection is lost by it.
    ///
    /// # Errors
    /// A quota that is none; a certificate or key that is not one, or has expired.
    pub fn reload(&self, config: &Config) -> Result<(), Error> {
        let limits = quotas::limits(&config.quota)?;
        let (api, admin) = (settings::tls(config), settings::admin_tls(config));
        self.server.reload(api, admin)?;
        self.context.quota.set_limits(limits);
        let quotas = quotas::resources(&config.quota);
        self.context.store.set_quotas(quotas);
        Ok(())
    }

    /// Lets the requests under way end, then stops the workers and the tokens' threads.
    pub async fn stop(self) {
        self.server.stop().await;
        let _ = self.stop.send(true); // the workers may have ended already
        for worker in self.workers {
            if let Err(error) = worker.await {
                log::error!("a worker had failed: {error}");
            }
        }
        self.context.tokens.close_all().await;
    }
}
