//! An address that is listened on, plain or over TLS.

use super::tls::{Current, Tls, TlsConfig};
use crate::{Error, ErrorCode};
use actix_web::dev::{Server, ServerHandle};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::task::JoinHandle;

/// See the module.
pub struct Listener {
    /// Where it is.
    pub address: SocketAddr,
    handle: ServerHandle,
    tls: Option<(Arc<Tls>, JoinHandle<()>)>,
}

/// Lets an `HttpServer`, whose type nobody can name, listen on an address.
macro_rules! listen {
    ($server:expr, $address:expr, $tls:expr, $endpoint:expr, $metrics:expr) => {{
        let tls = $tls.map(|tls| $crate::server::tls::Tls::open(tls, $metrics));
        let tls = tls.transpose()?;
        let (address, listener) = $crate::server::listener::bind($address)?;
        let server = match &tls {
            Some(tls) => {
                let noted = tls.clone();
                $server
                    .on_connect(move |connection, extensions| {
                        $crate::server::certificate::note(&noted, connection, extensions);
                    })
                    .listen_openssl(listener, tls.acceptor()?)
            }
            None => $server.listen(listener),
        };
        let server = server.map_err($crate::Error::internal)?.run();
        let endpoint = $endpoint.clone();
        $crate::server::Listener::run(address, server, tls, move || endpoint.now())
    }};
}
pub(super) use listen;

impl Listener {
    pub(super) fn run(
        address: SocketAddr,
        server: Server,
        tls: Option<Arc<Tls>>,
        now: impl Fn() -> OffsetDateTime + Send + Sync + 'static,
    ) -> Self {
        let handle = server.handle();
        tokio::spawn(server);
        let tls = tls.map(|tls| (tls.clone(), tokio::spawn(tls.follow(now))));
        Self {
            address,
            handle,
            tls,
        }
    }

    /// Where it is, as a URL.
    pub fn url(&self) -> String {
        let scheme = match self.tls {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    /// What is to take the place of its TLS; `None` if it has none, or is to have none.
    pub(super) fn prepare(
        &self,
        config: Option<TlsConfig>,
        now: OffsetDateTime,
    ) -> Result<Option<(&Tls, Current)>, Error> {
        let Some(((tls, _), config)) = self.tls.as_ref().zip(config) else {
            return Ok(None);
        };
        Ok(Some((tls, Current::open(config)?.checked(now)?)))
    }

    /// Takes no more connections; waits for the requests under way, if that is wanted.
    pub(super) async fn stop(self, gracefully: bool) {
        if let Some((_, follower)) = self.tls {
            follower.abort();
        }
        self.handle.stop(gracefully).await;
    }
}

pub(super) fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), Error> {
    let listener = TcpListener::bind(address).map_err(|error| {
        Error::new(
            ErrorCode::Validation,
            format!("cannot listen on {address}: {error}"),
        )
    })?;
    let bound = listener.local_addr().map_err(Error::internal)?;
    Ok((bound, listener))
}
