//! Steps 1 and 2 of the pipeline: admit and authenticate. What comes after is the endpoint's.

use super::sigv4::{self, Authorization, SignedRequest};
use super::{Shared, body};
use crate::model::Region;
use crate::operation::credential::Credential;
use crate::operation::{Request, UNRECOGNIZED};
use crate::{Error, ErrorCode};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;
use zeroize::Zeroizing;

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
            serde_json::json!({"__type": error.code().name(), "message": error.message()})
                .to_string()
                .into_bytes(),
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

/// A place among the requests under way, given back when dropped.
struct Place(web::Data<Shared>);

impl Place {
    fn take(shared: &web::Data<Shared>) -> Result<Self, Error> {
        let place = Self(shared.clone());
        let before = count(shared).fetch_add(1, Ordering::Relaxed);
        if before >= shared.max_in_flight {
            return Err(Error::new(
                ErrorCode::Throttling,
                "Too many requests are under way; retry.",
            ));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        count(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

fn count(shared: &Shared) -> &AtomicUsize {
    &shared.in_flight
}

async fn admit(
    http: &HttpRequest,
    payload: web::Payload,
    shared: &web::Data<Shared>,
    request_id: Uuid,
) -> Result<(String, Request, Place), Error> {
    let place = Place::take(shared)?;
    if http.method() != Method::POST || http.path() != "/" {
        let message = format!(
            "{} {} names no operation: POST / with X-Amz-Target.",
            http.method(),
            http.path()
        );
        return Err(Error::new(ErrorCode::UnknownOperation, message));
    }
    let body = body::read(http, payload, shared.max_body_bytes, shared.read_timeout).await?;
    let (credential, region) = authenticate(http, &body, shared).await?;
    let header = |name: &str| {
        http.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let target = header(TARGET).unwrap_or_default().to_owned();
    let request = Request {
        request_id,
        principal: credential.principal.clone(),
        access_key_id: credential.access_key_id.clone(),
        caller: credential.row,
        region,
        source_ip: http
            .peer_addr()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()),
        user_agent: header("user-agent").map(str::to_owned),
        body,
    };
    Ok((target, request, place))
}

/// The access key that signed the request, and the Region that it was signed for. Everything
/// that can be refused without asking token or database is refused first.
async fn authenticate(
    http: &HttpRequest,
    body: &Zeroizing<Vec<u8>>,
    shared: &Shared,
) -> Result<(Arc<Credential>, Region), Error> {
    let mut headers = Vec::with_capacity(http.headers().len());
    for (name, value) in http.headers() {
        let value = value.to_str().map_err(|_| {
            let message = format!("The header {name} has a character that cannot be signed.");
            Error::new(ErrorCode::IncompleteSignature, message)
        })?;
        headers.push((name.as_str(), value));
    }
    let signed = SignedRequest {
        method: http.method().as_str(),
        path: http.path(),
        query: http.query_string(),
        headers: &headers,
        body,
    };
    let authorization = Authorization::parse(&signed)?;
    authorization.check_scope("kms")?;
    authorization.check_date(shared.endpoint.now())?;
    authorization.check_signed_headers(&signed)?;
    let region = Region::parse(authorization.region)
        .filter(|region| shared.endpoint.serves(region))
        .ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidSignature,
                "Credential should be scoped to a valid region.",
            )
        })?;
    let unrecognized = || Error::new(ErrorCode::UnrecognizedClient, UNRECOGNIZED);
    if signed.header("x-amz-security-token").is_some() {
        return Err(unrecognized()); // there are no temporary credentials
    }
    let credential = shared
        .endpoint
        .credential(authorization.access_key_id)
        .await?;
    let credential = credential.ok_or_else(unrecognized)?;
    sigv4::verify(&authorization, &signed, credential.secret.expose_secret())?;
    Ok((credential, region))
}
