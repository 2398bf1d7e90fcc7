//! Steps 1 and 2 of the pipeline: admit and authenticate. What comes after is the endpoint's.

use super::query::{self, Form};
use super::sigv4::{self, Authorization, SignedRequest};
use super::{Shared, body};
use crate::model::Region;
use crate::operation::credential::Credential;
use crate::operation::{OperationName, Request, unrecognized};
use crate::{Error, ErrorCode};
use actix_web::http::header::CONTENT_TYPE as CONTENT_TYPE_HEADER;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;
use zeroize::Zeroizing;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: &str = "x-amz-target";
const SECURITY_TOKEN: &str = "x-amz-security-token";
/// What a request decides by has one value, or none.
const ONCE: [&str; 7] = [
    "authorization",
    "content-type",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    SECURITY_TOKEN,
    TARGET,
];
/// The longest body of a request that nobody has signed: an OIDC token is 20,000 characters at most.
const UNSIGNED_BODY_BYTES: usize = 65_536;

/// The two protocols, each with a service of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// AWS JSON 1.1: KMS, and the gateway's own operations.
    Json,
    /// AWS Query: STS.
    Query,
}

impl Protocol {
    fn of(http: &HttpRequest) -> Self {
        let content_type = http.headers().get(CONTENT_TYPE_HEADER);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let media_type = content_type.and_then(|value| value.split(';').next());
        match media_type {
            Some(kind) if kind.trim().eq_ignore_ascii_case(query::FORM) => Protocol::Query,
            _ => Protocol::Json,
        }
    }

    /// The service of the credential scope.
    fn service(self) -> &'static str {
        match self {
            Protocol::Json => "kms",
            Protocol::Query => "sts",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Protocol::Json => CONTENT_TYPE,
            Protocol::Query => query::CONTENT_TYPE,
        }
    }

    /// Status and body of an error.
    fn error(self, error: &Error, request_id: Uuid) -> (u16, Vec<u8>) {
        match self {
            Protocol::Json => {
                let mut body =
                    serde_json::json!({"__type": error.code().name(), "message": error.message()});
                if let Some((name, value)) = error.member() {
                    body[name] = value.into();
                }
                (error.code().status(), body.to_string().into_bytes())
            }
            Protocol::Query => (query::status(error), query::error(error, request_id)),
        }
    }
}

pub(super) async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let request_id = Uuid::new_v4();
    let protocol = Protocol::of(&request);
    let answer = match admit(&request, protocol, payload, &shared, request_id).await {
        Ok((name, request, _place)) => {
            let answer = shared.endpoint.answer(name, request).await;
            match protocol {
                Protocol::Json => answer,
                Protocol::Query => {
                    answer.and_then(|json| query::answer(name, &Zeroizing::new(json), request_id))
                }
            }
        }
        Err(error) => {
            shared.endpoint.rejected(error.code());
            if error.code().status() >= 500 {
                log::error!("{request_id}: {error}");
            } else {
                log::debug!("{request_id}: {error}");
            }
            Err(error)
        }
    };
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(error) => protocol.error(&error, request_id),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response
        .insert_header(("x-amzn-RequestId", request_id.to_string()))
        .content_type(protocol.content_type());
    if request.method() == Method::HEAD {
        response.finish()
    } else {
        response.body(body)
    }
}

/// One of a bounded number, given back when dropped.
struct Place {
    shared: web::Data<Shared>,
    of: fn(&Shared) -> &AtomicUsize,
}

impl Place {
    fn take(
        shared: &web::Data<Shared>,
        of: fn(&Shared) -> &AtomicUsize,
        limit: usize,
    ) -> Result<Self, Error> {
        let before = of(shared).fetch_add(1, Ordering::Relaxed);
        let place = Self {
            shared: shared.clone(),
            of,
        };
        if before >= limit {
            let message = "Too many requests are under way; retry.";
            return Err(Error::new(ErrorCode::Throttling, message));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        (self.of)(&self.shared).fetch_sub(1, Ordering::Relaxed);
    }
}

async fn admit(
    http: &HttpRequest,
    protocol: Protocol,
    payload: web::Payload,
    shared: &web::Data<Shared>,
    request_id: Uuid,
) -> Result<(OperationName, Request, Place), Error> {
    if http.method() != Method::POST || http.path() != "/" {
        let message = format!(
            "{} {} names no operation: POST / with X-Amz-Target.",
            http.method(),
            http.path()
        );
        return Err(Error::new(ErrorCode::UnknownOperation, message));
    }
    let headers = headers(http)?;
    let unsigned = SignedRequest {
        method: http.method().as_str(),
        path: http.path(),
        query: http.query_string(),
        headers: &headers,
        body: &[],
    };
    if protocol == Protocol::Query && unsigned.header(TARGET).is_some() {
        let message = "A form names its operation as Action, and has no X-Amz-Target.";
        return Err(Error::new(ErrorCode::UnknownOperation, message));
    }
    // What the headers alone can be refused for is refused before the body is read.
    let anonymous = protocol == Protocol::Query && unsigned.header("authorization").is_none();
    let signature = match anonymous {
        true => None,
        false => Some(authorization(&unsigned, protocol, shared)?),
    };
    let limit = match signature {
        Some(_) => shared.max_body_bytes,
        None => shared.max_body_bytes.min(UNSIGNED_BODY_BYTES),
    };
    // Those who are still sending have places of their own: they cannot take those of the others.
    let reading = Place::take(shared, |shared| &shared.reading, shared.max_in_flight)?;
    let body = body::read(http, payload, limit, shared.read_timeout).await?;
    drop(reading);
    let signed = SignedRequest {
        body: &body,
        ..unsigned
    };
    let signer = match &signature {
        Some((authorization, _)) => Some(authenticate(authorization, &signed, shared).await?),
        None => None,
    };
    let place = Place::take(shared, |shared| &shared.in_flight, shared.max_in_flight)?;
    let form = match protocol {
        Protocol::Json => None,
        Protocol::Query => Some(Form::parse(&body)?),
    };
    let name = match &form {
        Some(form) => form.name,
        None => OperationName::from_target(signed.header(TARGET).unwrap_or_default())?,
    };
    let (principal, proof) = match (&form, signer) {
        // Whoever may have signed: the token says who asks.
        (Some(form), _) if name == OperationName::AssumeRoleWithWebIdentity => {
            let token = SecretString::from(form.get("WebIdentityToken"));
            let role_arn = form.get("RoleArn");
            shared.endpoint.web_identity(role_arn, &token).await?
        }
        (_, Some(signer)) => (signer.principal.clone(), signer.proof.clone()),
        (_, None) => return Err(sigv4::missing()),
    };
    let region = match signature {
        Some((_, region)) => region,
        None => shared.endpoint.region(),
    };
    let input = form.map(|form| form.json()).transpose()?;
    let user_agent = signed.header("user-agent").map(str::to_owned);
    let request = Request {
        request_id,
        principal,
        proof,
        region,
        source_ip: http
            .peer_addr()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()),
        secure_transport: false,
        user_agent,
        body: input.unwrap_or(body),
    };
    Ok((name, request, place))
}

fn headers(http: &HttpRequest) -> Result<Vec<(&str, &str)>, Error> {
    let twice = ONCE
        .iter()
        .find(|name| http.headers().get_all(**name).count() > 1);
    if let Some(name) = twice {
        let message = format!("The request has the header '{name}' more than once.");
        return Err(Error::new(ErrorCode::IncompleteSignature, message));
    }
    let headers = http.headers().iter().map(|(name, value)| {
        let value = value.to_str().map_err(|_| {
            let message = format!("The header {name} has a character that cannot be signed.");
            Error::new(ErrorCode::IncompleteSignature, message)
        })?;
        Ok((name.as_str(), value))
    });
    headers.collect()
}

/// The `Authorization` header and its Region, checked without asking anybody.
fn authorization<'r>(
    request: &SignedRequest<'r>,
    protocol: Protocol,
    shared: &Shared,
) -> Result<(Authorization<'r>, Region), Error> {
    let authorization = Authorization::parse(request)?;
    authorization.check_access_key_id()?;
    authorization.check_scope(protocol.service())?;
    authorization.check_date(shared.endpoint.now())?;
    authorization.check_signed_headers(request)?;
    let region = Region::parse(authorization.region)
        .filter(|region| shared.endpoint.serves(region))
        .ok_or_else(|| {
            let message = "Credential should be scoped to a valid region.";
            Error::new(ErrorCode::InvalidSignature, message)
        })?;
    Ok((authorization, region))
}

/// The access key that signed the request.
async fn authenticate(
    authorization: &Authorization<'_>,
    request: &SignedRequest<'_>,
    shared: &Shared,
) -> Result<Arc<Credential>, Error> {
    let credential = shared
        .endpoint
        .credential(authorization.access_key_id, request.header(SECURITY_TOKEN))
        .await?;
    let credential = credential.ok_or_else(unrecognized)?;
    sigv4::verify(authorization, request, credential.secret.expose_secret())?;
    Ok(credential)
}
