//! TLS on the API's listener: versions, certificates, and who may be let in by one of their own.
//!
//! The files are read again every so often. A connection is accepted with the context of that
//! moment: the one that actix-web holds does nothing but hand over to it.

use super::certificate::Rule;
use crate::metrics::{Gauge, Metrics};
use crate::{Error, ErrorCode};
use openssl::asn1::Asn1Time;
use openssl::pkey::PKey;
use openssl::sha::Sha256;
use openssl::ssl::{
    AlpnError, ClientHelloResponse, SslAcceptor, SslAcceptorBuilder, SslContext, SslFiletype,
    SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode, SslVersion, select_next_proto,
};
use openssl::stack::{Stack, StackRef};
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use zeroize::Zeroizing;

/// The one protocol inside: HTTP/2 is not offered.
const ALPN: &[u8] = b"\x08http/1.1";

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

/// Certificates and keys, all in PEM.
pub struct TlsMaterial {
    /// The server's certificate and its intermediates.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Zeroizing<Vec<u8>>,
    /// The authorities of clients' certificates; `None` if clients are not asked for one.
    pub client_ca: Option<Vec<u8>>,
    /// What they have revoked: a file, of which OpenSSL wants the path, and what it held when read.
    pub client_crl: Option<(PathBuf, Vec<u8>)>,
}

/// The TLS of a listener, as its files have it now.
pub(super) struct Tls {
    config: TlsConfig,
    current: RwLock<Arc<Current>>,
    /// When the certificate in use expires.
    expires: Gauge,
    /// Raised whenever what was verified before is to be verified again.
    round: AtomicU64,
}

struct Current {
    digest: [u8; 32],
    /// In seconds since 1970.
    expires: f64,
    context: SslContext,
    clients: Option<X509Store>,
}

impl Tls {
    /// # Errors
    /// A file is not there or does not hold what it should.
    pub(super) fn open(config: TlsConfig, metrics: &Metrics) -> Result<Arc<Self>, Error> {
        let material = (config.read)()?;
        let current = Current::of(&material, config.client_required)?;
        let expires = metrics.gauge(
            "strongroom_tls_certificate_expiry_timestamp_seconds",
            "When the API's certificate, or the first of its intermediates, expires.",
        );
        expires.set(current.expires);
        Ok(Arc::new(Self {
            config,
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
        self.expires.set(new.expires);
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

impl TlsMaterial {
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let empty = Vec::new();
        for part in [
            &self.certificate,
            &*self.key,
            self.client_ca.as_ref().unwrap_or(&empty),
            self.client_crl.as_ref().map_or(&empty, |(_, list)| list),
        ] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finish()
    }
}

impl Current {
    fn of(material: &TlsMaterial, required: bool) -> Result<Self, Error> {
        Ok(Self {
            digest: material.digest(),
            expires: expires(&material.certificate)?,
            context: builder(material, required)?.build().into_context(),
            clients: store(material)?,
        })
    }
}

/// When the first of these certificates expires, in seconds since 1970.
fn expires(chain: &[u8]) -> Result<f64, Error> {
    let epoch = Asn1Time::from_unix(0).map_err(Error::internal)?;
    let chain = X509::stack_from_pem(chain).map_err(|error| wrong("certificate_file", error))?;
    let mut first = f64::INFINITY;
    for certificate in &chain {
        let after = epoch.diff(certificate.not_after());
        let after = after.map_err(Error::internal)?;
        first = first.min(f64::from(after.days) * 86_400.0 + f64::from(after.secs));
    }
    Ok(first)
}

fn wrong(what: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Validation, format!("[tls] {what}: {why}"))
}

/// TLS 1.2 with forward secrecy or 1.3 (Mozilla's "intermediate"). No renegotiation, no compression,
/// and no resumption: every connection verifies the client's certificate.
fn builder(material: &TlsMaterial, required: bool) -> Result<SslAcceptorBuilder, Error> {
    let failed = Error::internal;
    let mut builder =
        SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(failed)?;
    builder
        .set_min_proto_version(Some(SslVersion::TLS1_2))
        .map_err(failed)?;
    builder.set_options(
        SslOptions::NO_RENEGOTIATION | SslOptions::NO_COMPRESSION | SslOptions::NO_TICKET,
    );
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_num_tickets(0).map_err(failed)?;
    builder.set_alpn_select_callback(|_, offered| {
        select_next_proto(ALPN, offered).ok_or(AlpnError::NOACK)
    });

    let of_file = |error| wrong("certificate_file", error);
    let mut chain = X509::stack_from_pem(&material.certificate)
        .map_err(of_file)?
        .into_iter();
    let leaf = chain.next();
    let leaf = leaf.ok_or_else(|| wrong("certificate_file", "there is no certificate in it"))?;
    builder.set_certificate(&leaf).map_err(of_file)?;
    for intermediate in chain {
        builder
            .add_extra_chain_cert(intermediate)
            .map_err(of_file)?;
    }
    // Without a passphrase to try, OpenSSL would ask for one on the terminal.
    let key = PKey::private_key_from_pem_passphrase(&material.key, b"");
    let key = key.map_err(|_| wrong("key_file", "there is no unencrypted private key in it"))?;
    builder
        .set_private_key(&key)
        .and_then(|()| builder.check_private_key())
        .map_err(|_| wrong("key_file", "the key is not that of the certificate"))?;

    if let Some(store) = store(material)? {
        let mut mode = SslVerifyMode::PEER;
        if required {
            mode |= SslVerifyMode::FAIL_IF_NO_PEER_CERT;
        }
        builder.set_verify(mode);
        builder.set_verify_cert_store(store).map_err(failed)?;
        let mut names = Stack::new().map_err(failed)?;
        for authority in authorities(material)? {
            let name = authority.subject_name().to_owned().map_err(failed)?;
            names.push(name).map_err(failed)?;
        }
        builder.set_client_ca_list(names);
    }
    Ok(builder)
}

fn authorities(material: &TlsMaterial) -> Result<Vec<X509>, Error> {
    let Some(pem) = &material.client_ca else {
        return Ok(Vec::new());
    };
    let authorities = X509::stack_from_pem(pem).map_err(|error| wrong("client_ca_file", error))?;
    match authorities.is_empty() {
        true => Err(wrong("client_ca_file", "there is no certificate in it")),
        false => Ok(authorities),
    }
}

/// What clients' certificates are verified by; `None` if clients are not asked for one. Where there is
/// a revocation list, there must be one of every authority in a chain, and none may be out of date.
fn store(material: &TlsMaterial) -> Result<Option<X509Store>, Error> {
    if material.client_ca.is_none() {
        return Ok(None);
    }
    let failed = Error::internal;
    let mut store = X509StoreBuilder::new().map_err(failed)?;
    for authority in authorities(material)? {
        store.add_cert(authority).map_err(failed)?;
    }
    store
        .set_purpose(X509PurposeId::SSL_CLIENT)
        .map_err(failed)?;
    if let Some((path, _)) = &material.client_crl {
        let lookup = store.add_lookup(X509Lookup::file()).map_err(failed)?;
        lookup
            .load_crl_file(path, SslFiletype::PEM)
            .map_err(|error| wrong("client_crl_file", error))?;
        store
            .set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)
            .map_err(failed)?;
    }
    Ok(Some(store.build()))
}
