//! `[tls]`, `[admin_tls]` and `[[certificate]]`: the listeners over TLS, and whom a client's certificate speaks for.

use super::secret_file::check_private;
use super::wrong;
use crate::Error;
use crate::model::{Region, arn};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `[tls]`, `[admin_tls]`: TLS on the API, and on the admin listener; without it they are plain
/// (see [mtls.md](mtls.md)). On SIGHUP what is in it changes at once; whether there is TLS at all
/// waits for a restart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The server's certificate, then its intermediates: PEM.
    pub certificate_file: PathBuf,
    /// Its private key: PEM, not encrypted, in a file that others cannot read.
    pub key_file: PathBuf,
    /// The authorities of clients' certificates: PEM. Without it clients are not asked for one.
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client may or must have one. The metrics need one in either case.
    #[serde(default)]
    pub client_certificate: ClientCertificate,
    /// Revocation lists: one of every authority in a chain, none of them out of date. PEM.
    pub client_crl_file: Option<PathBuf>,
    /// How often the files are read anew, and the certificates of open connections verified.
    #[serde(default = "reload_ms")]
    pub reload_ms: u64,
}

/// Whether a client may, or must, show a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ClientCertificate {
    #[default]
    Optional,
    Required,
}

/// `[[certificate]]`: whom a client's certificate speaks for, by exactly one name in it; as many as
/// there are. On SIGHUP they change at once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSection {
    /// A subject alternative name; no wildcards.
    pub dns: Option<String>,
    /// A subject alternative name, such as a SPIFFE id.
    pub uri: Option<String>,
    /// A subject alternative name.
    pub email: Option<String>,
    /// The subject, as `openssl x509 -subject -nameopt RFC2253` shows it.
    pub subject: Option<String>,
    /// The ARN of the user that it speaks for.
    pub principal: String,
    /// The Region of requests that have neither a signature nor X-Amz-Region.
    pub region: String,
    /// Who may sign requests that come with it: that user alone, or anybody.
    #[serde(default)]
    pub signer: Signer,
}

/// Who may sign a request that comes over a connection with this certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Signer {
    /// The certificate's principal and nobody else.
    #[default]
    Same,
    Any,
}

fn reload_ms() -> u64 {
    10_000
}

/// What the files of a section hold.
pub struct TlsFiles {
    /// The server's certificate, then its intermediates: PEM.
    pub certificate: Vec<u8>,
    /// Its private key: PEM, not encrypted.
    pub key: Zeroizing<Vec<u8>>,
    /// The authorities that clients' certificates are from: PEM.
    pub client_ca: Option<Vec<u8>>,
    /// Their revocation lists: where they are, and PEM.
    pub client_crl: Option<(PathBuf, Vec<u8>)>,
}

impl TlsSection {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them is not there, or anyone can read the key.
    pub fn read(&self) -> Result<TlsFiles, Error> {
        let crl = self.client_crl_file.as_ref();
        check_private(&self.key_file)?;
        Ok(TlsFiles {
            certificate: read(&self.certificate_file)?,
            key: Zeroizing::new(read(&self.key_file)?),
            client_ca: self.client_ca_file.as_deref().map(read).transpose()?,
            client_crl: crl
                .map(|path| Ok::<_, Error>((path.clone(), read(path)?)))
                .transpose()?,
        })
    }

    /// Checks the section that has this name.
    pub(super) fn validate(&self, name: &str) -> Result<(), Error> {
        let wrong = |what: &str| Err(wrong(format!("{name}.{what}")));
        let clients = self.client_ca_file.is_some();
        if !clients && self.client_crl_file.is_some() {
            return wrong(&format!("client_crl_file needs {name}.client_ca_file"));
        }
        if !clients && self.client_certificate == ClientCertificate::Required {
            return wrong(&format!(
                "client_certificate = \"required\" needs {name}.client_ca_file"
            ));
        }
        // OpenSSL takes this one by its path, and that as text.
        let text = |path: &PathBuf| path.to_str().is_some_and(|path| !path.contains('\0'));
        if !self.client_crl_file.as_ref().is_none_or(text) {
            return wrong("client_crl_file is no path in UTF-8");
        }
        if self.reload_ms == 0 {
            return wrong("reload_ms must be at least 1");
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    // Room for all of it at once, as there may be a key in it: a buffer that grows leaves copies.
    std::fs::read(path).map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))
}

impl CertificateSection {
    /// The Region of a request that names none.
    pub(crate) fn region(&self) -> Option<Region> {
        Region::parse(&self.region)
    }

    fn validate(&self, at: usize) -> Result<(), Error> {
        let names = [&self.dns, &self.uri, &self.email, &self.subject];
        let mut named = names.into_iter().flatten();
        if named.next().is_none_or(String::is_empty) || named.next().is_some() {
            return Err(wrong(format!(
                "certificate[{at}]: set exactly one of dns, uri, email and subject"
            )));
        }
        if !is_user(&self.principal) {
            return Err(wrong(format!(
                "certificate[{at}]: principal is a user's ARN, arn:aws:iam::ACCOUNT:user/NAME: a \
                 role is assumed, and a root has no certificate"
            )));
        }
        if self.region().is_none() {
            let region = &self.region;
            return Err(wrong(format!(
                "certificate[{at}]: {region:?} is no Region's name"
            )));
        }
        Ok(())
    }
}

fn is_user(text: &str) -> bool {
    let name = text.split_once(":user/").map(|(_, name)| name);
    let account = arn::principal_account(text);
    name.zip(account)
        .is_some_and(|(name, account)| text == arn::user_arn(&account, name))
}

/// Checks whom certificates speak for.
pub(super) fn validate(
    tls: Option<&TlsSection>,
    certificates: &[CertificateSection],
) -> Result<(), Error> {
    let clients = tls.is_some_and(|tls| tls.client_ca_file.is_some());
    if !clients && !certificates.is_empty() {
        return Err(wrong("[[certificate]] needs tls.client_ca_file"));
    }
    let mut certificates = certificates.iter().enumerate();
    certificates.try_for_each(|(at, certificate)| certificate.validate(at))
}
