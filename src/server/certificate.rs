//! Clients' certificates: whom they speak for, and what a request needs that has nothing else.

use super::Shared;
use super::subject;
use super::tls::Tls;
use crate::model::{Region, hex};
use crate::sigv4::SignedRequest;
use crate::{Error, ErrorCode};
use actix_tls::accept::openssl::TlsStream;
use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::rt::net::TcpStream;
use openssl::hash::MessageDigest;
use openssl::stack::Stack;
use openssl::x509::{X509, X509Ref};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names a Region that is not the rule's, where no signature does.
pub(super) const REGION: &str = "x-amz-region";

/// One name of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateName {
    /// A subject alternative name; compared without regard to case. No wildcards: `*.example.com`
    /// in a certificate is that name and no other.
    Dns(String),
    /// A subject alternative name, such as a SPIFFE id.
    Uri(String),
    /// A subject alternative name.
    Email(String),
    /// The subject, as `openssl x509 -subject -nameopt RFC2253` writes it.
    Subject(String),
}

/// Whom a certificate with a name speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The name.
    pub name: CertificateName,
    /// The ARN of a user.
    pub principal: String,
    /// The Region of a request that names none.
    pub region: Region,
    /// Whether others may sign requests that come with such a certificate.
    pub any_signer: bool,
}

/// The certificate that a client has shown on its connection.
pub(super) struct Shown {
    leaf: X509,
    chain: Stack<X509>,
    names: Vec<CertificateName>,
    fingerprint: String,
    /// Of [`Tls::round`]; 0 for none: the handshake may have been a while ago.
    verified: AtomicU64,
    tls: Arc<Tls>,
}

/// A certificate that is valid, and the one rule that it falls under.
pub(super) struct Mapped<'a> {
    /// SHA-256, in hexadecimal digits.
    pub(super) fingerprint: &'a str,
    pub(super) rule: &'a Rule,
}

/// Notes a new connection's certificate; for actix-web's `on_connect`.
pub(super) fn note(tls: &Arc<Tls>, connection: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else {
        return;
    };
    let Some(leaf) = stream.ssl().peer_certificate() else {
        return;
    };
    let mut chain = Vec::new();
    if let Some(sent) = stream.ssl().peer_cert_chain() {
        chain.extend(sent.iter().map(ToOwned::to_owned));
    }
    match Shown::new(leaf, chain, tls.clone()) {
        Ok(shown) => drop(extensions.insert(shown)),
        // Without its certificate a connection would be one that has shown none.
        Err(error) => drop(extensions.insert(Unreadable(error))),
    }
}

/// A certificate that OpenSSL has verified and cannot take apart.
struct Unreadable(openssl::error::ErrorStack);

/// The certificate of a request's connection; `None` if it has none.
///
/// # Errors
/// It is not valid any more, or speaks for nobody, or for several.
pub(super) fn of(http: &HttpRequest) -> Result<Option<Mapped<'_>>, Error> {
    if let Some(Unreadable(error)) = http.conn_data() {
        return Err(Error::internal(error.to_string()));
    }
    http.conn_data::<Shown>().map(Shown::mapped).transpose()
}

impl Shown {
    fn new(leaf: X509, sent: Vec<X509>, tls: Arc<Tls>) -> Result<Self, openssl::error::ErrorStack> {
        let mut chain = Stack::new()?;
        for certificate in sent {
            chain.push(certificate)?;
        }
        Ok(Self {
            names: names(&leaf)?,
            fingerprint: hex::encode(&leaf.digest(MessageDigest::sha256())?),
            leaf,
            chain,
            verified: AtomicU64::new(0),
            tls,
        })
    }

    fn mapped(&self) -> Result<Mapped<'_>, Error> {
        let round = self.tls.round();
        if self.verified.load(Ordering::Relaxed) != round {
            self.tls.verify(&self.leaf, &self.chain)?;
            self.verified.store(round, Ordering::Relaxed);
        }
        Ok(Mapped {
            fingerprint: &self.fingerprint,
            rule: only(self.tls.rules(), &self.names)?,
        })
    }
}

/// The one rule that names fall under.
fn only<'r>(rules: &'r [Rule], names: &[CertificateName]) -> Result<&'r Rule, Error> {
    let mut fitting = rules.iter().filter(|rule| names.contains(&rule.name));
    let refused = |message| Err(Error::new(ErrorCode::UnrecognizedClient, message));
    let Some(rule) = fitting.next() else {
        return refused("The client certificate is mapped to no principal.");
    };
    let what = |rule: &Rule| (rule.principal.clone(), rule.region.clone(), rule.any_signer);
    match fitting.all(|other| what(other) == what(rule)) {
        true => Ok(rule),
        false => refused("The client certificate is mapped to more than one principal."),
    }
}

impl Mapped<'_> {
    /// Checks a request that nobody has signed: that no page in a browser can make it be sent, and
    /// which Region it is for.
    ///
    /// # Errors
    /// It is no AWS JSON 1.1 with a target, or has a query, or is for no Region.
    pub(super) fn region_of(
        &self,
        request: &SignedRequest<'_>,
        shared: &Shared,
    ) -> Result<Region, Error> {
        // A content type, and a header, that no other origin can send without having asked first.
        let content_type = request.header(CONTENT_TYPE.as_str());
        if content_type != Some(super::api::CONTENT_TYPE)
            || request.header(super::api::TARGET).is_none()
        {
            let message = "A request that is authenticated by a client certificate alone must have \
                           X-Amz-Target and the content type application/x-amz-json-1.1.";
            return Err(Error::new(ErrorCode::MissingAuthenticationToken, message));
        }
        // A presigned URL is a signature that is not looked at.
        if !request.query.is_empty() {
            let message = "A request that is authenticated by a client certificate has no query.";
            return Err(Error::new(ErrorCode::Validation, message));
        }
        let region = match request.header(REGION) {
            Some(named) => Region::parse(named),
            None => Some(self.rule.region.clone()),
        };
        let region = region.filter(|region| shared.endpoint.serves(region));
        region.ok_or_else(|| {
            let message = "This deployment does not answer for the Region that X-Amz-Region or the \
                           certificate's mapping names.";
            Error::new(ErrorCode::Validation, message)
        })
    }

    /// Checks who has signed a request that came with the certificate.
    ///
    /// # Errors
    /// `AccessDeniedException`: it must be the certificate's principal.
    pub(super) fn check_signer(&self, arn: &str) -> Result<(), Error> {
        if self.rule.any_signer || arn == self.rule.principal {
            return Ok(());
        }
        let message = format!(
            "{arn} has signed the request, and the client certificate is that of {}.",
            self.rule.principal
        );
        Err(Error::new(ErrorCode::AccessDenied, message))
    }
}

/// Every name that a rule can ask for.
fn names(leaf: &X509Ref) -> Result<Vec<CertificateName>, openssl::error::ErrorStack> {
    let mut names = Vec::new();
    for name in leaf.subject_alt_names().iter().flatten() {
        let dns = name.dnsname().map(CertificateName::dns);
        let uri = name.uri().map(|uri| CertificateName::Uri(uri.into()));
        let email = name
            .email()
            .map(|email| CertificateName::Email(email.into()));
        names.extend(dns.or(uri).or(email));
    }
    names.extend(subject::rfc2253(leaf.subject_name())?.map(CertificateName::Subject));
    Ok(names)
}

impl CertificateName {
    /// A DNS name, in the form in which they are compared.
    pub fn dns(name: &str) -> Self {
        CertificateName::Dns(name.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_disagree_let_nobody_in() {
        let rule = |name, principal: &str| Rule {
            name,
            principal: principal.into(),
            region: Region::parse("us-east-1").unwrap(),
            any_signer: false,
        };
        let uri = CertificateName::Uri("spiffe://x/a".into());
        let dns = CertificateName::dns("A.example");
        let names = [uri.clone(), CertificateName::dns("a.EXAMPLE")];
        let rules = [rule(uri, "a"), rule(dns.clone(), "b")];
        assert_eq!(only(&rules[1..], &names).unwrap().principal, "b");
        assert!(only(&rules, &names).is_err());
        assert!(only(&[rule(dns, "a"), rules[0].clone()], &names).is_ok());
        assert!(only(&rules, &[CertificateName::dns("b.a.example")]).is_err());
        assert!(only(&rules, &[]).is_err());
    }
}
