//! The signature itself.

use super::canonical;
use super::signing_key::{SecretAccessKey, SigningKey};
use super::{Authorization, SignedRequest};
use crate::model::hex;
use crate::{Error, ErrorCode};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// Checks a request's signature, in constant time.
///
/// # Errors
/// `InvalidSignatureException`.
pub fn verify(
    authorization: &Authorization<'_>,
    request: &SignedRequest<'_>,
    secret: &SecretAccessKey,
) -> Result<(), Error> {
    let scope = authorization.scope();
    let list = authorization.signed_headers_text;
    let canonical = canonical::request(request, &authorization.signed_headers, list);
    let key = secret.signing_key(scope)?;
    let expected = signature(key, scope, authorization.timestamp, &canonical);
    let given = authorization.signature.as_bytes();
    let body_hash = request.header("x-amz-content-sha256");
    let body_matches = body_hash.is_none_or(|hash| canonical.ends_with(hash) && hash.len() == 64);
    if given.len() == expected.len()
        && openssl::memcmp::eq(given, expected.as_bytes())
        && body_matches
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InvalidSignature,
        "The request signature we calculated does not match the signature you provided. Check your \
         AWS Secret Access Key and signing method. Consult the service documentation for details.",
    ))
}

/// The `Authorization` header of a request that signs all its headers, for our own clients.
/// `timestamp` is `X-Amz-Date`; `request.headers` are in lower case, sorted, and include it.
///
/// # Errors
/// OpenSSL fails.
pub fn sign(
    request: &SignedRequest<'_>,
    (access_key_id, secret): (&str, &str),
    scope: (&str, &str),
    timestamp: &str,
) -> Result<String, Error> {
    let secret = SecretString::from(secret).into();
    sign_kept(request, (access_key_id, &secret), scope, timestamp)
}

/// [`sign`], with a secret access key that keeps what it was turned into.
///
/// # Errors
/// OpenSSL fails.
pub fn sign_kept(
    request: &SignedRequest<'_>,
    (access_key_id, secret): (&str, &SecretAccessKey),
    (region, service): (&str, &str),
    timestamp: &str,
) -> Result<String, Error> {
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    let list = names.join(";");
    let date = timestamp.get(..8).unwrap_or(timestamp);
    let canonical = canonical::request(request, &names, &list);
    let scope = (date, region, service);
    let signature = signature(secret.signing_key(scope)?, scope, timestamp, &canonical);
    Ok(format!(
        "AWS4-HMAC-SHA256 Credential={access_key_id}/{date}/{region}/{service}/aws4_request, \
         SignedHeaders={list}, Signature={signature}"
    ))
}

fn signature(
    key: SigningKey,
    scope: (&str, &str, &str),
    timestamp: &str,
    canonical: &str,
) -> String {
    let to_sign = to_sign(scope, timestamp, canonical);
    hex::encode(&key.sign(to_sign.as_bytes()))
}

pub(super) fn to_sign(
    (date, region, service): (&str, &str, &str),
    timestamp: &str,
    canonical: &str,
) -> String {
    let mut to_sign = String::with_capacity(192);
    for part in [
        "AWS4-HMAC-SHA256\n",
        timestamp,
        "\n",
        date,
        "/",
        region,
        "/",
        service,
        "/aws4_request\n",
    ] {
        to_sign.push_str(part);
    }
    hex::push(&mut to_sign, &Sha256::digest(canonical.as_bytes()));
    to_sign
}
