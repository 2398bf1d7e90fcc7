//! TLS on a listener: versions, certificates, and who may be let in by one of their own.
//!
//! The files are read again every so often. A connection is accepted with the context of that
//! moment: the one that actix-web holds does nothing but hand over to it.

mod expiry;
mod material;

pub use material::TlsMaterial;

use super::certificate::Rule;
use crate::metrics::{Gauge, Metrics};
use crate::{Error, ErrorCode};
use expiry::Reminder;
use material::{builder, store, valid};
use openssl::ssl::{ClientHelloResponse, SslAcceptorBuilder, SslContext, SslVerifyMode};
use openssl::stack::StackRef;
use openssl::x509::store::X509Store;
use openssl::x509::{X509, X509Ref, X509StoreContext};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;
use time::OffsetDateTime;

/// What a listener's TLS is made of.
#[derive(Clone)]
pub struct TlsConfig {
    /// What the configuration calls it.
    pub section: &'static str,
    /// Reads the files, at the start and then again and again.
    pub read: Arc<dyn Fn() -> Result<TlsMaterial, Error> + Send + Sync>,
    /// How often.
    pub reload: Duration,
    /// Whether a client without a certificate is refused at the handshake.
    pub client_required: bool,
    /// Whom clients' certificates speak for.
    pub rules: Arc<[Arc<Rule>]>,
}

/// The TLS of a listener, as its files have it now.
pub(super) struct Tls {
    current: RwLock<Arc<Current>>,
    /// When the certificate in use expires.
    expires: Gauge,
    /// Raised whenever what was verified before is to be verified again.
    round: AtomicU64,
}

/// What the listener's files held when they were last read.
pub(super) struct Current {
    config: TlsConfig,
    digest: [u8; 32],
    /// When its certificates are valid: seconds since 1970.
    valid: Range<i64>,
    mode: SslVerifyMode,
    context: SslContext,
    clients: Option<X509Store>,
}

impl Tls {
    /// # Errors
    /// A file is not there or does not hold what it should.
    pub(super) fn open(config: TlsConfig, metrics: &Metrics) -> Result<Arc<Self>, Error> {
        let current = Current::open(config)?;
        let [expires] = metrics.gauges(
            "strongroom_tls_certificate_expiry_timestamp_seconds",
            "When a listener's certificate, or the first of its intermediates, expires.",
            "section",
            [current.config.section],
        );
        expires.set(current.valid.end as f64);
        Ok(Arc::new(Self {
            current: RwLock::new(Arc::new(current)),
            expires,
            round: AtomicU64::new(1),
        }))
    }

    /// For actix-web: what it accepts connections with.
    ///
    /// # Errors
    /// OpenSSL fails.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<SslAcceptorBuilder, Error> {
        let config = self.current().config.clone();
        let mut builder = builder(&(config.read)()?, config.client_required)?;
        let tls = self.clone();
        builder.set_client_hello_callback(move |ssl, _| {
            let current = tls.current();
            ssl.set_ssl_context(&current.context)?;
            // Which does not come with the context.
            ssl.set_verify(current.mode);
            Ok(ClientHelloResponse::SUCCESS)
        });
        Ok(builder)
    }

    /// Reads the files again and again. What is wrong with them is logged, and what was read before
    /// stays in force: but for revocation lists and certificates that run out meanwhile.
    pub(super) async fn follow(self: Arc<Self>, now: impl Fn() -> OffsetDateTime) {
        let mut reminder = Reminder::default();
        loop {
            let current = self.current();
            let section = current.config.section;
            reminder.remind(section, current.valid.end, now());
            tokio::time::sleep(current.config.reload).await;
            // A few small files.
            match self.reload(now()) {
                Ok(true) => log::info!("the certificates of [{section}] were read anew"),
                Ok(false) => {}
                Err(error) => log::error!("[{section}] stays as it was: {error}"),
            }
        }
    }

    fn reload(&self, now: OffsetDateTime) -> Result<bool, Error> {
        // Whatever comes of it: time has passed.
        self.round.fetch_add(1, Ordering::Release);
        let current = self.current();
        let new = Current::read(current.config.clone())?;
        if new.digest == current.digest {
            return Ok(false);
        }
        let new = Arc::new(new.checked(now)?);
        {
            let mut latest = self.latest();
            // What has been replaced meanwhile has another configuration.
            if !Arc::ptr_eq(&latest, &current) {
                return Ok(false);
            }
            self.expires.set(new.valid.end as f64);
            *latest = new;
        }
        self.round.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// From now on, for connections that are open as well.
    pub(super) fn replace(&self, new: Current) {
        self.expires.set(new.valid.end as f64);
        *self.latest() = Arc::new(new);
        self.round.fetch_add(1, Ordering::Release);
    }

    fn latest(&self) -> RwLockWriteGuard<'_, Arc<Current>> {
        self.current.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Arc<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Whom clients' certificates speak for.
    pub(super) fn rules(&self) -> Arc<[Arc<Rule>]> {
        self.current().config.rules.clone()
    }

    /// Whether a client must have a certificate: where all of them must, and for what is `guarded`
    /// where they are asked for one.
    pub(super) fn client_required(&self, guarded: bool) -> bool {
        let current = self.current();
        current.config.client_required || guarded && current.clients.is_some()
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
    /// # Errors
    /// Those of [`Current::read`], with the name of the section.
    pub(super) fn open(config: TlsConfig) -> Result<Self, Error> {
        let section = config.section;
        Self::read(config).map_err(|error| {
            let message = format!("[{section}] {}", error.message());
            Error::new(error.code(), message).with_source(error)
        })
    }

    /// # Errors
    /// A file is not there or does not hold what it should.
    fn read(config: TlsConfig) -> Result<Self, Error> {
        let material = (config.read)()?;
        let context = builder(&material, config.client_required)?
            .build()
            .into_context();
        Ok(Self {
            digest: material.digest(),
            valid: valid(&material)?,
            mode: context.verify_mode(),
            context,
            clients: store(&material)?,
            config,
        })
    }

    /// What may take the place of another.
    ///
    /// # Errors
    /// A certificate has expired, or is not valid yet.
    pub(super) fn checked(self, now: OffsetDateTime) -> Result<Self, Error> {
        match self.valid.contains(&now.unix_timestamp()) {
            true => Ok(self),
            false => Err(Error::new(
                ErrorCode::Validation,
                "certificate_file: a certificate in it has expired or is not valid yet",
            )),
        }
    }
}
