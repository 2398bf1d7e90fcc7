//! A certificate authority, and what it issues.

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{
    X509, X509Builder, X509CrlBuilder, X509Extension, X509Name, X509NameRef, X509RevokedBuilder,
};

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// What a certificate is to say.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub common_name: &'a str,
    pub dns: Option<&'a str>,
    pub uri: Option<&'a str>,
    pub email: Option<&'a str>,
    /// What it is for: extended key usages.
    pub usage: &'static str,
    /// Of an RSA key; else of one on P-256.
    pub rsa: bool,
    /// From and to, in seconds from now.
    pub valid: (i64, i64),
}

pub const CLIENT: &str = "clientAuth";
pub const SERVER: &str = "serverAuth";

pub const WANTED: Wanted<'_> = Wanted {
    common_name: "somebody",
    dns: None,
    uri: None,
    email: None,
    usage: CLIENT,
    rsa: false,
    valid: (-3600, 3600),
};

pub struct Authority(Identity);

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = key();
        let mut builder = begin(&subject(name), &subject(name), &key, WANTED.valid);
        let constraints = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(constraints).unwrap();
        let usage = KeyUsage::new().key_cert_sign().crl_sign().build().unwrap();
        builder.append_extension(usage).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        Self(Identity { certificate, key })
    }

    pub fn certificate(&self) -> &X509 {
        &self.0.certificate
    }

    pub fn issue(&self, wanted: &Wanted<'_>) -> Identity {
        let issuer = self.0.certificate.subject_name();
        let key = match wanted.rsa {
            true => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            false => key(),
        };
        let mut builder = begin(&subject(wanted.common_name), issuer, &key, wanted.valid);
        let mut names = SubjectAlternativeName::new();
        wanted.dns.map(|name| names.dns(name));
        wanted.uri.map(|name| names.uri(name));
        wanted.email.map(|name| names.email(name));
        if [wanted.dns, wanted.uri, wanted.email] != [None; 3] {
            let context = builder.x509v3_context(Some(&self.0.certificate), None);
            let names = names.build(&context).unwrap();
            builder.append_extension(names).unwrap();
        }
        let usage = ExtendedKeyUsage::new().other(wanted.usage).build();
        builder.append_extension(usage.unwrap()).unwrap();
        builder.sign(&self.0.key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        Identity { certificate, key }
    }

    /// The authority itself, as if it were one of those whom it certifies.
    pub fn itself(&self) -> Identity {
        self.0.clone()
    }

    /// A revocation list, good for an hour: PEM.
    pub fn revoke(&self, revoked: &[&X509]) -> Vec<u8> {
        let mut list = X509CrlBuilder::new().unwrap();
        list.set_issuer_name(self.0.certificate.subject_name())
            .unwrap();
        list.set_last_update(&from_now(-60)).unwrap();
        list.set_next_update(&from_now(3600)).unwrap();
        for certificate in revoked {
            let mut entry = X509RevokedBuilder::new().unwrap();
            entry
                .set_serial_number(certificate.serial_number())
                .unwrap();
            entry.set_revocation_date(&from_now(-60)).unwrap();
            list.add_revoked(entry.build()).unwrap();
        }
        // RFC 5280, 5.2: whose list it is (by a key id that the authority does not have), and its number.
        for (oid, der) in [
            ("2.5.29.35", &[0x30, 3, 0x80, 1, 1][..]),
            ("2.5.29.20", &[2, 1, 1]),
        ] {
            let oid = Asn1Object::from_str(oid).unwrap();
            let der = Asn1OctetString::new_from_bytes(der).unwrap();
            let extension = X509Extension::new_from_der(&oid, false, &der).unwrap();
            list.append_extension2(&extension).unwrap();
        }
        list.sort().unwrap();
        list.sign(&self.0.key, MessageDigest::sha256()).unwrap();
        list.build().unwrap().to_pem().unwrap()
    }
}

impl Identity {
    pub fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// `C=DE, O=Example, CN=…`
fn subject(common_name: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    for (key, value) in [("C", "DE"), ("O", "Example"), ("CN", common_name)] {
        name.append_entry_by_text(key, value).unwrap();
    }
    name.build()
}

#[allow(clippy::disallowed_methods)] // an authority has a clock of its own
fn from_now(seconds: i64) -> Asn1Time {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    Asn1Time::from_unix(now + seconds).unwrap()
}

fn begin(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    (from, to): (i64, i64),
) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(120, MsbOption::MAYBE_ZERO, false).unwrap();
    let serial: Asn1Integer = serial.to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_not_before(&from_now(from)).unwrap();
    builder.set_not_after(&from_now(to)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
}
