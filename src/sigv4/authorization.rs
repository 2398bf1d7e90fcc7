//! The `Authorization` header: parsed, and checked as far as it can be without the secret.

use super::SignedRequest;
use crate::{Error, ErrorCode};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// How far a request's date may be from ours.
const TOLERANCE: Duration = Duration::minutes(5);
const BASIC: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, and the request's date.
#[derive(Debug)]
pub struct Authorization<'r> {
    /// `AKIA…`.
    pub access_key_id: &'r str,
    /// `YYYYMMDD` of the credential scope.
    pub date: &'r str,
    /// The Region of the credential scope.
    pub region: &'r str,
    service: &'r str,
    terminator: &'r str,
    /// Lower-case names, as listed.
    pub signed_headers: Vec<&'r str>,
    /// `a;b;c`, as listed.
    pub signed_headers_text: &'r str,
    /// 64 hexadecimal digits.
    pub signature: &'r str,
    /// `X-Amz-Date`: `YYYYMMDDTHHMMSSZ`.
    pub timestamp: &'r str,
    time: OffsetDateTime,
}

fn incomplete(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::IncompleteSignature, message)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidSignature, message)
}

/// What a request without a signature is answered with.
pub(crate) fn missing() -> Error {
    let message = "Missing Authentication Token";
    Error::new(ErrorCode::MissingAuthenticationToken, message)
}

/// What a caller whose access key is unknown, disabled or gone is told.
pub(crate) fn unrecognized() -> Error {
    let message = "The security token included in the request is invalid.";
    Error::new(ErrorCode::UnrecognizedClient, message)
}

impl<'r> Authorization<'r> {
    /// Parses a request's `Authorization` and `X-Amz-Date`.
    ///
    /// # Errors
    /// `MissingAuthenticationTokenException`, `IncompleteSignatureException`.
    pub fn parse(request: &SignedRequest<'r>) -> Result<Self, Error> {
        let header = request.header("authorization").ok_or_else(missing)?;
        let rest = header.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| {
            incomplete("Authorization header requires the algorithm AWS4-HMAC-SHA256.")
        })?;
        let (mut credential, mut headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let place = match part.trim().split_once('=') {
                Some(("Credential", value)) => (&mut credential, value),
                Some(("SignedHeaders", value)) => (&mut headers, value),
                Some(("Signature", value)) => (&mut signature, value),
                _ => {
                    return Err(incomplete(
                        "Authorization header has a part that is not Credential, SignedHeaders or Signature.",
                    ));
                }
            };
            if place.0.replace(place.1).is_some() {
                return Err(incomplete("Authorization header names a parameter twice."));
            }
        }
        let need = |value: Option<&'r str>, name: &str| {
            value.filter(|value| !value.is_empty()).ok_or_else(|| {
                incomplete(format!("Authorization header requires '{name}' parameter."))
            })
        };
        let credential = need(credential, "Credential")?;
        let signed_headers_text = need(headers, "SignedHeaders")?;
        let signature = need(signature, "Signature")?;
        let mut scope = credential.rsplitn(5, '/');
        let (Some(terminator), Some(service), Some(region), Some(date), Some(access_key_id)) = (
            scope.next(),
            scope.next(),
            scope.next(),
            scope.next(),
            scope.next(),
        ) else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term.",
            ));
        };
        let timestamp = request.header("x-amz-date").ok_or_else(|| {
            incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
        })?;
        let time = PrimitiveDateTime::parse(timestamp, BASIC).map_err(|_| {
            incomplete("Date must be in ISO-8601 'basic format', as in 20150830T123600Z.")
        })?;
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            terminator,
            signed_headers: signed_headers_text.split(';').collect(),
            signed_headers_text,
            signature,
            timestamp,
            time: time.assume_utc(),
        })
    }

    /// Date, Region and service of the credential scope.
    pub fn scope(&self) -> (&'r str, &'r str, &'r str) {
        (self.date, self.region, self.service)
    }

    /// Checks that the access key id can be one: 16 to 128 of `A-Z` and `0-9`. What cannot be is not
    /// looked up.
    ///
    /// # Errors
    /// `UnrecognizedClientException`.
    pub fn check_access_key_id(&self) -> Result<(), Error> {
        let form = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        let id = self.access_key_id;
        if (16..=128).contains(&id.len()) && id.bytes().all(form) {
            return Ok(());
        }
        Err(unrecognized())
    }

    /// Checks the credential scope's service, end and date.
    ///
    /// # Errors
    /// `InvalidSignatureException`.
    pub fn check_scope(&self, service: &str) -> Result<(), Error> {
        if self.terminator != "aws4_request" {
            return Err(invalid(
                "Credential should be scoped with a valid terminator: 'aws4_request'.",
            ));
        }
        if self.service != service {
            return Err(invalid(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        if !self.timestamp.starts_with(self.date) || self.date.len() != 8 {
            return Err(invalid(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
            ));
        }
        Ok(())
    }

    /// Checks that the request is of now, within 5 minutes.
    ///
    /// # Errors
    /// `InvalidSignatureException`.
    pub fn check_date(&self, now: OffsetDateTime) -> Result<(), Error> {
        let text = |time: OffsetDateTime| time.format(BASIC).unwrap_or_default();
        let (timestamp, ours) = (self.timestamp, text(now));
        if self.time < now - TOLERANCE {
            let limit = text(now - TOLERANCE);
            return Err(invalid(format!(
                "Signature expired: {timestamp} is now earlier than {limit} ({ours} - 5 min.)"
            )));
        }
        if self.time > now + TOLERANCE {
            let limit = text(now + TOLERANCE);
            return Err(invalid(format!(
                "Signature not yet current: {timestamp} is still later than {limit} ({ours} + 5 min.)"
            )));
        }
        Ok(())
    }

    /// Checks that what matters is signed: `host`, and every `x-amz-` header.
    ///
    /// # Errors
    /// `InvalidSignatureException`, naming the header.
    pub fn check_signed_headers(&self, request: &SignedRequest<'_>) -> Result<(), Error> {
        let signed = |name: &str| {
            self.signed_headers
                .iter()
                .any(|s| name.eq_ignore_ascii_case(s))
        };
        if !signed("host") {
            return Err(invalid(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        for (name, _) in request.headers {
            if name.len() >= 6
                && name.is_char_boundary(6)
                && name[..6].eq_ignore_ascii_case("x-amz-")
                && !signed(name)
            {
                return Err(invalid(format!(
                    "The header '{name}' is not among the SignedHeaders."
                )));
            }
        }
        if let Some(missing) = self
            .signed_headers
            .iter()
            .find(|name| request.header(name).is_none())
        {
            return Err(invalid(format!(
                "The SignedHeaders name '{missing}', which the request does not have."
            )));
        }
        Ok(())
    }
}
