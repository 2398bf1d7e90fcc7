//! TLS on the API's listener: versions, certificates, and who may be let in by one of their own.
//!
//! The files are read again every so often. A connection is accepted with the context of that
//! moment: the one that actix-web holds does nothing but hand over to it.

mod material;

pub use material::TlsMaterial;

use super::certificate::Rule;
use crate::{Error, ErrorCode};
use material::{builder, store};
use openssl::ssl::{ClientHelloResponse, SslAcceptorBuilder, SslContext};
use openssl::stack::StackRef;
use openssl::x509::store::X509Store;
use openssl::x509::{X509, X509Ref, X509StoreContext};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// What the API's TLS is made of.
#[derive(Clone)]
pub struct TlsConfig {
    /// Reads the files, at the start and then again and again.
    pub read: Arc<dyn Fn() -> Result<TlsMaterial, Error> + Send + Sync>,
    /// How often.
    pub reload: Duration,
    /// Whether a client without a certificate is refused at the handshake.
    pub client_required: bool,
    /// Whom clients' certificates speak for.
    pub rules: Arc<[Rule]>,
}

/// The TLS of a listener, as its files have it now.
pub(super) struct Tls {
    config: TlsConfig,
    current: RwLock<Arc<Current>>,
    /// Raised whenever what was verified before is to be verified again.
    round: AtomicU64,
}

struct Current {
    digest: [u8; 32],
    context: SslContext,
    clients: Option<X509Store>,
}

impl Tls {
    /// # Errors
    /// A file is not there or does not hold what it should.
    pub(super) fn open(config: TlsConfig) -> Result<Arc<Self>, Error> {
        let material = (config.read)()?;
        let current = RwLock::new(Arc::new(Current::of(&material, config.client_required)?));
        Ok(Arc::new(Self {
            config,
            current,
            round: AtomicU64::new(1),
        }))
    }

    /// For actix-web: what it accepts connections with.
    ///
    /// # Errors
    /// OpenSSL fails.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<SslAcceptorBuilder, Error> {
        let material = (self.config.read)()?;
        let mut builder = builder(&material, self.config.client_required)?;
        let tls = self.clone();
        builder.set_client_hello_callback(move |ssl, _| {
            ssl.set_ssl_context(&tls.current().context)?;
            Ok(ClientHelloResponse::SUCCESS)
        });
        Ok(builder)
    }

    /// Reads the files again and again. What is wrong with them is logged, and what was read before
    /// stays in force: but for revocation lists and certificates that run out meanwhile.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut every = tokio::time::interval(self.config.reload);
        every.tick().await;
        loop {
            every.tick().await;
            // A few small files.
            match self.reload() {
                Ok(true) => log::info!("the certificates of [tls] were read anew"),
                Ok(false) => {}
                Err(error) => log::error!("[tls] stays as it was: {error}"),
            }
        }
    }

    fn reload(&self) -> Result<bool, Error> {
        // Whatever comes of it: time has passed.
        self.round.fetch_add(1, Ordering::Release);
        let material = (self.config.read)()?;
        if material.digest() == self.current().digest {
            return Ok(false);
        }
        let new = Arc::new(Current::of(&material, self.config.client_required)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.round.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    fn current(&self) -> Arc<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Whom clients' certificates speak for.
    pub(super) fn rules(&self) -> &[Rule] {
        &self.config.rules
    }

    /// What a verification of now is good for: until this changes.
    pub(super) fn round(&self) -> u64 {
        self.round.load(Ordering::Acquire)
    }

    /// Verifies a client's certificate by the authorities and revocation lists of now.
    ///
    /// # Errors
    /// `UnrecognizedClientException`, saying what is wrong with it.
    pub(super) fn verify(&self, leaf: &X509Ref, chain: &StackRef<X509>) -> Result<(), Error> {
        let current = self.current();
        let refused = |why: &str| {
            let message = format!("The client certificate is not valid: {why}.");
            Error::new(ErrorCode::UnrecognizedClient, message)
        };
        let store = current.clients.as_ref();
        let store = store.ok_or_else(|| refused("no authority is trusted"))?;
        let mut context = X509StoreContext::new().map_err(Error::internal)?;
        let verified = context.init(store, leaf, chain, |context| {
            Ok(match context.verify_cert()? {
                true => Ok(()),
                false => Err(context.error().error_string()),
            })
        });
        verified.map_err(Error::internal)?.map_err(refused)
    }
}

impl Current {
    fn of(material: &TlsMaterial, required: bool) -> Result<Self, Error> {
        Ok(Self {
            digest: material.digest(),
            context: builder(material, required)?.build().into_context(),
            clients: store(material)?,
        })
    }
}
