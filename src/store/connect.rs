//! How a connection is made, and on whose runtime it lives.

use super::StoreConfig;
use super::error::{StoreError, describe};
use crate::metrics::IntCounter;
use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

/// Reads the connection string.
///
/// # Errors
/// [`StoreError::Setup`] without the string, which may hold a password.
pub(super) fn parse(config: &StoreConfig) -> Result<Config, StoreError> {
    let mut parsed: Config = config.url.expose_secret().parse().map_err(|_| {
        StoreError::Setup(
            "The database URL is not a libpq connection string (host=… dbname=…) or a \
             postgresql:// URL that this build understands."
                .into(),
        )
    })?;
    if parsed.get_ssl_mode() == SslMode::Require {
        return Err(StoreError::Setup(
            "The database URL asks for TLS (sslmode=require), which this build does not speak: \
             use a Unix socket or a private network, and sslmode=disable."
                .into(),
        ));
    }
    let remote = parsed.get_hosts().iter().any(|host| match host {
        Host::Tcp(name) => !matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        Host::Unix(_) => false,
    });
    if remote && parsed.get_ssl_mode() != SslMode::Disable {
        return Err(StoreError::Setup(
            "The database is on another host, and this build does not speak TLS to it: say \
             sslmode=disable if the network between is private."
                .into(),
        ));
    }
    parsed.connect_timeout(config.deadline);
    if parsed.get_application_name().is_none() {
        parsed.application_name("strongroom");
    }
    Ok(parsed)
}

/// Lets the server, too, give up at the deadline: it would otherwise go on with what nobody waits
/// for, and a transaction whose gateway hangs would keep its locks. What is answered as durable is:
/// a role's or a server's default may say otherwise. What the planner takes for much work is a few rows
/// here, and compiling it takes longer than a request may.
pub(super) fn bound(config: &mut Config, deadline: Duration) {
    let statement_ms = deadline.as_millis().max(1);
    let idle_ms = statement_ms.saturating_mul(4);
    let ours = format!(
        "-c statement_timeout={statement_ms} -c idle_in_transaction_session_timeout={idle_ms} \
         -c synchronous_commit=on -c jit=off -c default_transaction_isolation=read\\ committed"
    );
    let options = match config.get_options() {
        Some(theirs) => format!("{ours} {theirs}"),
        None => ours,
    };
    config.options(options);
}

/// Connects on a chosen runtime, and counts it. Requests run on many current-thread runtimes; a connection bound
/// to the one that happened to open it would end with it, and stall while it is busy.
pub(super) struct OnRuntime(pub(super) Handle, pub(super) IntCounter);

impl Connect for OnRuntime {
    fn connect(
        &self,
        config: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = entered(&self.0, config.connect(NoTls)).await?;
            self.1.inc();
            let driver = self.0.spawn(async move {
                if let Err(error) = connection.await {
                    log::warn!("a connection to the database broke: {}", describe(&error));
                }
            });
            Ok((client, driver))
        })
    }
}

/// Runs a future so that the sockets and timers it makes belong to `handle`'s runtime.
async fn entered<F: Future>(handle: &Handle, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _guard = handle.enter();
        future.as_mut().poll(context)
    })
    .await
}

/// Opens a connection that is not the pool's.
pub(super) async fn connect(
    postgres: &tokio_postgres::Config,
    deadline: Duration,
) -> Result<
    (
        Client,
        tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>,
    ),
    StoreError,
> {
    tokio::time::timeout(deadline, postgres.connect(NoTls))
        .await
        .map_err(|_| StoreError::Deadline("connect".into()))?
        .map_err(|error| StoreError::Connect(describe(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn config(url: &str) -> StoreConfig {
        StoreConfig {
            url: url.into(),
            connections: 1,
            deadline: Duration::from_secs(1),
            cache_entries: 1,
            quotas: Default::default(),
        }
    }

    #[test]
    fn a_password_is_in_no_message() {
        let bad = config("postgresql://u:hunter2@h:port/x?nonsense=hunter2");
        let error = Error::from(parse(&bad).unwrap_err());
        assert!(!format!("{error} {bad:?}").contains("hunter2"));
    }

    #[test]
    fn tls_is_refused_and_not_forgotten() {
        let error = parse(&config("host=db sslmode=require")).unwrap_err();
        assert!(error.to_string().contains("sslmode"));
        assert!(parse(&config("host=/run/postgresql dbname=strongroom")).is_ok());
    }
}
