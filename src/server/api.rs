//! Steps 1 and 2 of the pipeline: admit and authenticate. What comes after is the endpoint's.

use super::certificate;
use super::presented::{Presented, authenticate, presented};
use super::query::{self, Form};
use super::{Shared, body};
use crate::model::{AccountId, TraceParent};
use crate::operation::quota::{Place, Places, Throttled, network};
use crate::operation::{OperationName, Request, Step};
use crate::sigv4::{self, SignedRequest};
use crate::{Error, ErrorCode};
use actix_web::http::header::CONTENT_TYPE as CONTENT_TYPE_HEADER;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;
use uuid::{NoContext, Timestamp, Uuid};
use zeroize::Zeroizing;

pub(super) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
pub(super) const TARGET: &str = "x-amz-target";
pub(super) const SECURITY_TOKEN: &str = "x-amz-security-token";
const TRACE_PARENT: &str = "traceparent";
/// What a request decides by has one value, or none.
const ONCE: [&str; 8] = [
    "authorization",
    "content-type",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    super::certificate::REGION,
    SECURITY_TOKEN,
    TARGET,
];
/// The longest body of a request that nobody has signed: an OIDC token is 20,000 characters at most.
const UNSIGNED_BODY_BYTES: usize = 65_536;

/// What is kept of a `User-Agent`.
const USER_AGENT_CHARACTERS: usize = 512;

/// The two protocols, each with a service of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
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
    pub(super) fn service(self) -> &'static str {
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
    // In the order of time, so that the log's index of them grows at its end; within a millisecond in none.
    let request_id = Uuid::new_v7(Timestamp::now(NoContext));
    let protocol = Protocol::of(&request);
    let answer = match admit(&request, protocol, payload, &shared, request_id).await {
        Ok((name, request, _held)) => {
            let answer = shared.endpoint.answer(name, request).await;
            match protocol {
                Protocol::Json => answer,
                Protocol::Query => {
                    answer.and_then(|json| query::answer(name, &Zeroizing::new(json), request_id))
                }
            }
        }
        Err(error) => {
            shared
                .endpoint
                .rejected(request_id, trace(&request), &error);
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
    let mut response = match *request.method() {
        Method::HEAD => response.finish(),
        _ => response.body(body),
    };
    // As AWS writes their names: MongoDB's libmongocrypt finds no other Content-Length.
    response.head_mut().set_camel_case_headers(true);
    response
}

/// The place that a request has until it is answered.
enum Occupied {
    Account { _place: Place<AccountId> },
    Address { _place: Place<IpAddr> },
}

/// A place among a bounded number, of which nobody gets all.
fn place<K: Hash + Eq + Clone>(
    places: &Arc<Places<K>>,
    key: K,
    kind: &'static str,
) -> Result<Place<K>, Error> {
    places.take(key).ok_or_else(|| {
        let message = "Too many requests are under way; retry.";
        Error::new(ErrorCode::Throttling, message).with_source(Throttled(kind))
    })
}

async fn admit(
    http: &HttpRequest,
    protocol: Protocol,
    payload: web::Payload,
    shared: &web::Data<Shared>,
    request_id: Uuid,
) -> Result<(OperationName, Request, Occupied), Error> {
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
    let certificate = certificate::of(http)?;
    let (presented, region) = presented(&unsigned, protocol, certificate, shared)?;
    let limit = match presented {
        Presented::Nothing => shared.max_body_bytes.min(UNSIGNED_BODY_BYTES),
        _ => shared.max_body_bytes,
    };
    let source_ip = http
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    // Who they are is not known yet: they have places of their own, and cannot take those of the others.
    let unknown = place(&shared.unknown, network(source_ip), "unauthenticated")?;
    let begun = Instant::now();
    let body = body::read(http, payload, limit, shared.read_timeout).await?;
    shared.endpoint.took(Step::Read, begun.elapsed());
    let signed = SignedRequest {
        body: &body,
        ..unsigned
    };
    let failed = |error| failure(error, source_ip, shared);
    let begun = Instant::now();
    let caller = authenticate(&presented, &signed, source_ip, shared).await;
    shared.endpoint.took(Step::Authenticate, begun.elapsed());
    let caller = caller.map_err(failed)?;
    let form = match protocol {
        Protocol::Json => None,
        Protocol::Query => Some(Form::parse(&body)?),
    };
    let name = match &form {
        Some(form) => form.name,
        None => OperationName::from_target(signed.header(TARGET).unwrap_or_default())?,
    };
    let (principal, proof) = match (&form, caller) {
        // Whoever may have signed: the token says who asks.
        (Some(form), _) if name == OperationName::AssumeRoleWithWebIdentity => {
            let token = SecretString::from(form.get("WebIdentityToken"));
            let role_arn = form.get("RoleArn");
            let caller = shared.endpoint.web_identity(role_arn, &token).await;
            caller.map_err(failed)?
        }
        (_, Some(caller)) => caller,
        (_, None) => return Err(sigv4::missing()),
    };
    let held = match proof.web_identity() {
        // No role of the account that the token is for is known to trust it.
        Some(_) => Occupied::Address { _place: unknown },
        None => Occupied::Account {
            _place: place(&shared.in_flight, principal.account.clone(), "in-flight")?,
        },
    };
    let input = form.map(|form| form.json()).transpose()?;
    let user_agent = signed.header("user-agent").map(shortened);
    let request = Request {
        request_id,
        principal,
        proof,
        region,
        source_ip,
        trace: trace(http),
        secure_transport: http.app_config().secure(),
        user_agent,
        body: input.unwrap_or(body),
    };
    Ok((name, request, held))
}

/// A `User-Agent` as it is kept: policies look at it, and every record has it.
fn shortened(user_agent: &str) -> String {
    let end = user_agent.char_indices().nth(USER_AGENT_CHARACTERS);
    user_agent[..end.map_or(user_agent.len(), |(at, _)| at)].to_owned()
}

/// The caller's trace, where exactly one is said and it is one.
fn trace(http: &HttpRequest) -> Option<TraceParent> {
    let mut said = http.headers().get_all(TRACE_PARENT);
    let (said, None) = (said.next()?, said.next()) else {
        return None;
    };
    TraceParent::parse(said.to_str().ok()?)
}

fn headers(http: &HttpRequest) -> Result<Vec<(&str, &str)>, Error> {
    let headers = http.headers().iter().map(|(name, value)| {
        let value = value.to_str().map_err(|_| {
            let message = format!("The header {name} has a character that cannot be signed.");
            Error::new(ErrorCode::IncompleteSignature, message)
        })?;
        Ok((name.as_str(), value))
    });
    let headers: Vec<(&str, &str)> = headers.collect::<Result<_, Error>>()?;
    let count = |once: &str| headers.iter().filter(|(name, _)| *name == once).count();
    if let Some(name) = ONCE.iter().find(|name| count(name) > 1) {
        let message = format!("The request has the header '{name}' more than once.");
        return Err(Error::new(ErrorCode::IncompleteSignature, message));
    }
    Ok(headers)
}

/// What a caller is told who could not be authenticated: from an address that does this too often
/// nothing but that.
fn failure(error: Error, source_ip: IpAddr, shared: &Shared) -> Error {
    let wrong = matches!(
        error.code(),
        ErrorCode::UnrecognizedClient
            | ErrorCode::InvalidSignature
            | ErrorCode::ExpiredToken
            | ErrorCode::ExpiredIdentityToken
            | ErrorCode::InvalidIdentityToken
            | ErrorCode::IdpRejectedClaim
    );
    if !wrong {
        return error;
    }
    match shared.endpoint.failed(source_ip) {
        Ok(()) => error,
        Err(throttled) => throttled,
    }
}
