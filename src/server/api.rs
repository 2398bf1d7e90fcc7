//! Steps 1 and 2 of the pipeline: admit and authenticate. What comes after is the endpoint's.

use super::sigv4::{self, Authorization, SignedRequest};
use super::{Shared, body};
use crate::model::Region;
use crate::operation::credential::Credential;
use crate::operation::{Request, unrecognized};
use crate::{Error, ErrorCode};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: &str = "x-amz-target";

pub(super) async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let request_id = Uuid::new_v4();
    let answer = match admit(&request, payload, &shared, request_id).await {
        Ok((target, request, _place)) => shared.endpoint.answer(target, request).await,
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
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (
            StatusCode::from_u16(error.code().status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error_body(&error),
        ),
    };
    let mut response = HttpResponse::build(status);
    response
        .insert_header(("x-amzn-RequestId", request_id.to_string()))
        .content_type(CONTENT_TYPE);
    if request.method() == Method::HEAD {
        response.finish()
    } else {
        response.body(body)
    }
}

fn error_body(error: &Error) -> Vec<u8> {
    let mut body = serde_json::json!({"__type": error.code().name(), "message": error.message()});
    if let Some((name, value)) = error.member() {
        body[name] = value.into();
    }
    body.to_string().into_bytes()
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
    payload: web::Payload,
    shared: &web::Data<Shared>,
    request_id: Uuid,
) -> Result<(String, Request, Place), Error> {
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
    // What the headers alone can be refused for is refused before the body is read.
    let (authorization, region) = authorization(&unsigned, shared)?;
    // Those who are still sending have places of their own: they cannot take those of the others.
    let reading = Place::take(shared, |shared| &shared.reading, shared.max_in_flight)?;
    let body = body::read(http, payload, shared.max_body_bytes, shared.read_timeout).await?;
    drop(reading);
    let signed = SignedRequest {
        body: &body,
        ..unsigned
    };
    let credential = authenticate(&authorization, &signed, shared).await?;
    let place = Place::take(shared, |shared| &shared.in_flight, shared.max_in_flight)?;
    let target = signed.header(TARGET).unwrap_or_default().to_owned();
    let user_agent = signed.header("user-agent").map(str::to_owned);
    let request = Request {
        request_id,
        principal: credential.principal.clone(),
        proof: credential.proof.clone(),
        region,
        source_ip: http
            .peer_addr()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()),
        user_agent,
        body,
    };
    Ok((target, request, place))
}

fn headers(http: &HttpRequest) -> Result<Vec<(&str, &str)>, Error> {
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
    shared: &Shared,
) -> Result<(Authorization<'r>, Region), Error> {
    let authorization = Authorization::parse(request)?;
    authorization.check_access_key_id()?;
    authorization.check_scope("kms")?;
    authorization.check_date(shared.endpoint.now())?;
    authorization.check_signed_headers(request)?;
    let region = Region::parse(authorization.region)
        .filter(|region| shared.endpoint.serves(region))
        .ok_or_else(|| {
            let message = "Credential should be scoped to a valid region.";
            Error::new(ErrorCode::InvalidSignature, message)
        })?;
    if request.header("x-amz-security-token").is_some() {
        // There are no temporary credentials.
        return Err(unrecognized());
    }
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
        .credential(authorization.access_key_id)
        .await?;
    let credential = credential.ok_or_else(unrecognized)?;
    sigv4::verify(authorization, request, credential.secret.expose_secret())?;
    Ok(credential)
}
