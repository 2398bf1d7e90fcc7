//! Who a request is from, and by what they were recognised: looked at again at every attempt, since
//! what was true when the request came may have been changed meanwhile.

use super::Request;
use super::authorized::{Seen, Source};
use crate::Error;
use crate::audit::{Actor, Caller};
use crate::authz::{Principal, PrincipalKind};
use crate::sigv4::unrecognized;
use crate::store::{Identity, IdentityKind, RowVersion};
use std::collections::BTreeMap;
use std::sync::Arc;
use time::OffsetDateTime;

/// By what a caller was recognised.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A signature by a long-term access key, `AKIA…`.
    AccessKey(String),
    /// A signature by temporary credentials, `ASIA…`.
    Session(String, Arc<Session>),
    /// A client certificate, by its SHA-256 fingerprint in hexadecimal digits.
    Certificate(String),
    /// A token of an OIDC issuer.
    WebIdentity(Arc<WebIdentity>),
}

impl Proof {
    /// The access key that signed, where one did.
    pub fn access_key_id(&self) -> Option<&str> {
        match self {
            Proof::AccessKey(id) | Proof::Session(id, _) => Some(id),
            Proof::Certificate(_) | Proof::WebIdentity(_) => None,
        }
    }

    /// The fingerprint of the certificate, where it is one.
    pub fn certificate(&self) -> Option<&str> {
        match self {
            Proof::Certificate(fingerprint) => Some(fingerprint),
            _ => None,
        }
    }

    /// The session, where it is one.
    pub fn session(&self) -> Option<&Session> {
        match self {
            Proof::Session(_, session) => Some(session),
            _ => None,
        }
    }

    /// What an OIDC issuer says, where it is the one who speaks for the caller.
    pub fn web_identity(&self) -> Option<&WebIdentity> {
        match self {
            Proof::WebIdentity(identity) => Some(identity),
            _ => None,
        }
    }
}

impl Request {
    /// The ARNs of all who act in the request: the caller's identity, and where it is a role's
    /// session, whoever assumed the role. Two that have one in common may be one person.
    pub(super) fn hands(&self, identity: Option<&Arc<Identity>>) -> Vec<String> {
        let own = identity.map(|identity| identity.arn.clone());
        let behind = self
            .proof
            .session()
            .map(|session| session.assumed_by.clone());
        own.into_iter().chain(behind.unwrap_or_default()).collect()
    }

    /// The caller, as the audit record has them.
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor::Caller(Caller {
            principal: &self.principal,
            access_key_id: self.proof.access_key_id(),
            issued: self.proof.session().map(|session| session.issued),
            subject: self.proof.web_identity().map(|identity| &*identity.subject),
            certificate: self.proof.certificate(),
        })
    }
}

/// What temporary credentials carry beside the secret.
#[derive(Debug)]
pub struct Session {
    /// When they were made.
    pub issued: OffsetDateTime,
    /// Until when they are good.
    pub expires: OffsetDateTime,
    /// The session policy, which limits what the role may do.
    pub policy: Option<String>,
    /// Session tags, which stand before the role's own.
    pub tags: BTreeMap<String, String>,
    /// The unique id of the role when they were made: another role of the same name is another.
    pub role_id: String,
    /// Who assumed the role: their identity's ARN, and those of whoever assumed that.
    pub assumed_by: Vec<String>,
}

/// What the token of an OIDC issuer says, once it is known to be the issuer's.
#[derive(Debug)]
pub struct WebIdentity {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// That one of `aud` which is configured.
    pub audience: String,
    /// What policies may ask for of what it claims.
    pub claims: BTreeMap<String, Claim>,
}

/// A claim of a token.
#[derive(Debug)]
pub enum Claim {
    /// A text.
    One(String),
    /// A list of texts.
    Many(Vec<String>),
}

impl WebIdentity {
    /// The issuer without its scheme: as providers' ARNs and condition keys have it.
    pub fn issuer_name(&self) -> &str {
        let scheme = self.issuer.split_once("://");
        scheme.map_or(&self.issuer, |(_, name)| name)
    }
}

impl Identity {
    /// The identity as a principal. A role is none: its sessions are.
    pub(super) fn as_principal(&self) -> Principal {
        Principal {
            arn: self.arn.clone(),
            account: self.account.clone(),
            kind: match self.kind {
                IdentityKind::Root => PrincipalKind::Root,
                IdentityKind::User | IdentityKind::Role => PrincipalKind::User,
            },
            user_id: match &self.unique_id {
                Some(id) => id.clone(),
                None => self.account.to_string(),
            },
        }
    }
}

/// The identity that the caller is, or whose session: `None` for a web identity, which is not ours.
///
/// # Errors
/// `UnrecognizedClientException`, `ExpiredTokenException`: the access key has been disabled, the
/// identity is gone, the session is over.
pub(super) async fn identity(
    request: &Request,
    now: OffsetDateTime,
    source: Source<'_>,
    seen: &mut Seen,
) -> Result<Option<Arc<Identity>>, Error> {
    let principal = &request.principal;
    if let Proof::AccessKey(id) = &request.proof {
        let key = source.access_key(id).await?.ok_or_else(unrecognized)?;
        if !key.enabled || key.account != principal.account || key.principal != principal.arn {
            return Err(unrecognized());
        }
        seen.uses
            .push(RowVersion::AccessKey(key.row, key.row_version));
    }
    let Some(arn) = principal.identity() else {
        return Ok(None);
    };
    let identity = source.identity(arn).await?.ok_or_else(unrecognized)?;
    seen.uses
        .push(RowVersion::Identity(identity.row, identity.row_version));
    if let Proof::Session(_, session) = &request.proof {
        if session.expires <= now {
            return Err(super::expired());
        }
        let same = identity.unique_id.as_ref() == Some(&session.role_id);
        if identity.kind != IdentityKind::Role || !same {
            return Err(unrecognized());
        }
    }
    Ok(Some(identity))
}
