//! The way to a gateway: plain, or TLS.

use crate::Error;
use crate::cli::failed;
use crate::model::Url;
use openssl::ssl::{SslConnector, SslFiletype, SslMethod};
use openssl::x509::X509VerifyResult;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// Bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// See the module.
pub(super) type Stream = Box<dyn Duplex>;

/// The client's certificate and its intermediates: a file, PEM.
const CERTIFICATE: &str = "STRONGROOM_CLIENT_CERTIFICATE_FILE";
/// Its private key; by default in the same file.
const KEY: &str = "STRONGROOM_CLIENT_KEY_FILE";

/// Connects; over TLS if the URL says so, with the certificates that the system trusts, or those in
/// the file that `AWS_CA_BUNDLE` names, and the client certificate that the environment names.
///
/// # Errors
/// The gateway cannot be reached, or its certificate is not trusted, or ours is not one.
pub(super) async fn open(url: &Url) -> Result<Stream, Error> {
    let authority = url.authority();
    let unreachable =
        |error: &dyn std::fmt::Display| failed(format!("cannot reach {authority}: {error}"));
    let stream = TcpStream::connect((url.host.as_str(), url.port))
        .await
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|error| unreachable(&error))?;
    if !url.tls {
        return Ok(Box::new(stream));
    }
    let mut connector = SslConnector::builder(SslMethod::tls_client()).map_err(Error::internal)?;
    if let Some(bundle) = std::env::var_os("AWS_CA_BUNDLE") {
        let trusted = connector.set_ca_file(&bundle);
        trusted.map_err(|error| failed(format!("AWS_CA_BUNDLE: {error}")))?;
    }
    if let Some(certificate) = std::env::var_os(CERTIFICATE) {
        let key = std::env::var_os(KEY).unwrap_or_else(|| certificate.clone());
        connector
            .set_certificate_chain_file(&certificate)
            .map_err(|error| failed(format!("{CERTIFICATE}: {error}")))?;
        connector
            .set_private_key_file(&key, SslFiletype::PEM)
            .map_err(|error| failed(format!("{KEY}: {error}")))?;
    }
    let ssl = connector
        .build()
        .configure()
        .and_then(|configured| configured.into_ssl(&url.host))
        .map_err(Error::internal)?;
    let mut stream = SslStream::new(ssl, stream).map_err(Error::internal)?;
    let handshake = Pin::new(&mut stream).connect().await;
    handshake.map_err(|error| match stream.ssl().verify_result() {
        X509VerifyResult::OK => unreachable(&error),
        why => unreachable(&format!(
            "its certificate is not trusted ({why}); AWS_CA_BUNDLE names the file of authorities that are"
        )),
    })?;
    Ok(Box::new(stream))
}
