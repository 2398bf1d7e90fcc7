//! What the files hold, and what OpenSSL makes of it.

use crate::{Error, ErrorCode};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::pkey::PKey;
use openssl::sha::Sha256;
use openssl::ssl::{
    AlpnError, SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod, SslOptions,
    SslSessionCacheMode, SslVerifyMode, SslVersion, select_next_proto,
};
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509PurposeId};
use std::ops::Range;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The one protocol inside: HTTP/2 is not offered.
const ALPN: &[u8] = b"\x08http/1.1";

/// Of TLS 1.2: ECDHE and AEAD, nothing else; in `docs/mtls.md`.
const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
                       ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
                       ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
/// Of TLS 1.3: without CCM, whose tags some of its suites cut short.
const CIPHER_SUITES: &str =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

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

impl TlsMaterial {
    pub(super) fn digest(&self) -> [u8; 32] {
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

fn wrong(what: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Validation, format!("{what}: {why}"))
}

/// TLS 1.2 and 1.3, with forward secrecy and authenticated encryption. No renegotiation, no
/// compression, and no resumption: every connection verifies the client's certificate.
pub(super) fn builder(material: &TlsMaterial, required: bool) -> Result<SslAcceptorBuilder, Error> {
    let failed = Error::internal;
    let mut builder =
        SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(failed)?;
    builder.set_cipher_list(CIPHERS).map_err(failed)?;
    builder.set_ciphersuites(CIPHER_SUITES).map_err(failed)?;
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
    for (at, certificate) in chain(material)?.into_iter().enumerate() {
        match at {
            0 => builder.set_certificate(&certificate),
            _ => builder.add_extra_chain_cert(certificate),
        }
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

/// The server's certificate, then its intermediates.
fn chain(material: &TlsMaterial) -> Result<Vec<X509>, Error> {
    certificates("certificate_file", &material.certificate)
}

/// When all of the server's certificates are valid: seconds since 1970.
pub(super) fn valid(material: &TlsMaterial) -> Result<Range<i64>, Error> {
    let mut valid = i64::MIN..i64::MAX;
    for certificate in chain(material)? {
        valid.start = valid.start.max(seconds(certificate.not_before())?);
        valid.end = valid.end.min(seconds(certificate.not_after())?);
    }
    Ok(valid)
}

fn seconds(time: &Asn1TimeRef) -> Result<i64, Error> {
    let epoch = Asn1Time::from_unix(0).map_err(Error::internal)?;
    let since = epoch.diff(time).map_err(Error::internal)?;
    Ok(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

fn authorities(material: &TlsMaterial) -> Result<Vec<X509>, Error> {
    let authorities = material.client_ca.as_deref();
    let authorities = authorities.map(|pem| certificates("client_ca_file", pem));
    authorities.unwrap_or_else(|| Ok(Vec::new()))
}

/// At least one.
fn certificates(file: &str, pem: &[u8]) -> Result<Vec<X509>, Error> {
    let certificates = X509::stack_from_pem(pem).map_err(|error| wrong(file, error))?;
    match certificates.is_empty() {
        true => Err(wrong(file, "there is no certificate in it")),
        false => Ok(certificates),
    }
}

/// What clients' certificates are verified by; `None` if clients are not asked for one. Where there is
/// a revocation list, there must be one of every authority in a chain, and none may be out of date.
pub(super) fn store(material: &TlsMaterial) -> Result<Option<X509Store>, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::hash::MessageDigest;
    use openssl::x509::X509Builder;

    #[test]
    fn a_chain_is_valid_while_all_of_it_is() {
        let key = PKey::generate_ed25519().unwrap();
        let certificate = |from: i64, to: i64| {
            let mut builder = X509Builder::new().unwrap();
            let time = |seconds| Asn1Time::from_unix(seconds).unwrap();
            builder.set_not_before(&time(from)).unwrap();
            builder.set_not_after(&time(to)).unwrap();
            builder.set_pubkey(&key).unwrap();
            builder.sign(&key, MessageDigest::null()).unwrap();
            builder.build().to_pem().unwrap()
        };
        let of = |certificate: Vec<u8>| TlsMaterial {
            certificate,
            key: Zeroizing::default(),
            client_ca: None,
            client_crl: None,
        };
        let (leaf, intermediate) = (certificate(5, 4_000_000_000), certificate(-9, 1_000));
        assert_eq!(valid(&of(leaf.clone())).unwrap(), 5..4_000_000_000);
        let both = [leaf, intermediate].concat();
        assert_eq!(valid(&of(both)).unwrap(), 5..1_000);
        assert!(valid(&of(b"nothing".to_vec())).is_err());
    }
}
