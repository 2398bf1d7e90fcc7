//! A signed JSON Web Token in its compact form: read, and its claims checked.
//!
//! Sources: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (what goes wrong with them),
//! <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>.

use super::invalid;
use super::jwk::Algorithm;
use super::strict_json::Object;
use crate::operation::{Claim, WebIdentity};
use crate::{Error, ErrorCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

/// How far an issuer's clock may be from ours.
const LEEWAY: Duration = Duration::seconds(60);
/// Claims that are no texts or lists of texts, or longer, are not offered to policies.
const MAX_CLAIM: usize = 2048;
/// Longer subjects do not fit AWS's `webIdentitySubjectType`.
const MAX_SUBJECT: usize = 255;

/// A token that nobody has verified yet.
pub(super) struct Jwt<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    /// What the signature is over.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
    /// `iss`, as it claims.
    pub(super) issuer: String,
    claims: Map<String, Value>,
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn object(text: &str) -> Option<Map<String, Value>> {
    let Object(members) = serde_json::from_slice(&decoded(text)?).ok()?;
    Some(members)
}

impl<'t> Jwt<'t> {
    /// `None` for what is no token, or one that asks for anything beyond a plain signature.
    pub(super) fn parse(token: &'t str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header = object(header)?;
        let text = |members: &Map<String, Value>, name: &str| {
            members.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        // `crit` names what a reader must understand: there is nothing of it here.
        if header.contains_key("crit") || header.contains_key("b64") {
            return None;
        }
        let typ = text(&header, "typ").unwrap_or_else(|| "JWT".into());
        if !typ.eq_ignore_ascii_case("JWT") {
            return None;
        }
        let claims = object(claims)?;
        Some(Self {
            algorithm: Algorithm::parse(header.get("alg")?.as_str()?)?,
            kid: text(&header, "kid")?,
            signed: signed.as_bytes(),
            signature: decoded(signature)?,
            issuer: text(&claims, "iss")?,
            claims,
        })
    }

    /// Whom the token names, once its signature was verified.
    ///
    /// # Errors
    /// `InvalidIdentityTokenException`, `IDPRejectedClaimException`, `ExpiredTokenException`.
    pub(super) fn identity(
        self,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<WebIdentity, Error> {
        let claims = &self.claims;
        let expires = time(claims, "exp")?.ok_or_else(|| missing("exp"))?;
        if expires + LEEWAY <= now {
            let (now, expires) = (now.unix_timestamp(), expires.unix_timestamp());
            let message = format!(
                "Token expired: current date/time {now} must be before the expiration date/time {expires}"
            );
            return Err(Error::new(ErrorCode::ExpiredIdentityToken, message));
        }
        for name in ["nbf", "iat"] {
            if time(claims, name)?.is_some_and(|from| from > now + LEEWAY) {
                let message =
                    format!("The token is not valid yet: its claim '{name}' is in the future.");
                return Err(Error::new(ErrorCode::IdpRejectedClaim, message));
            }
        }
        let given = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let audience = audiences
            .iter()
            .find(|known| given.contains(&known.as_str()));
        let audience = audience.ok_or_else(|| {
            Error::new(ErrorCode::InvalidIdentityToken, "Incorrect token audience")
        })?;
        let subject = claims
            .get("sub")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if subject.is_empty() || subject.len() > MAX_SUBJECT {
            return Err(missing("sub"));
        }
        Ok(WebIdentity {
            subject: subject.to_owned(),
            audience: audience.clone(),
            claims: offered(claims),
            issuer: self.issuer,
        })
    }
}

fn missing(name: &str) -> Error {
    let message = format!("Missing a required claim: {name}");
    Error::new(ErrorCode::InvalidIdentityToken, message)
}

/// A point in time, where there is one; numbers may have a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<OffsetDateTime>, Error> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|n| n as i64));
    // Within what can be added to.
    let seconds = seconds.filter(|seconds| (0..=253_000_000_000).contains(seconds));
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.map(Some).ok_or_else(invalid)
}

/// The claims that policies may ask for.
fn offered(claims: &Map<String, Value>) -> BTreeMap<String, Claim> {
    let text = |value: &Value| match value {
        Value::String(text) if text.len() <= MAX_CLAIM => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    let claim = |(name, value): (&String, &Value)| {
        let claim = match value {
            Value::Array(values) => Claim::Many(values.iter().filter_map(text).collect()),
            value => Claim::One(text(value)?),
        };
        Some((name.clone(), claim))
    };
    // Policies ask for claims whatever their case: of two that differ in nothing else, neither counts.
    let alone = |name: &str| {
        let same = claims
            .keys()
            .filter(|known| known.eq_ignore_ascii_case(name));
        same.count() == 1
    };
    let claims = claims.iter().filter(|(name, _)| alone(name));
    claims.filter_map(claim).collect()
}
