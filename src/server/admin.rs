//! `/healthz` (this process is alive), `/readyz` (what it depends on answers), `/metrics`.

use super::{Endpoint, certificate};
use crate::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};

/// Refuses a client whose certificate is not valid any more, or that must have one and has none.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Err(error) = certificate::check(request.request(), false) {
        return Ok(request.into_response(refusal(&error)).map_into_right_body());
    }
    let response = next.call(request).await?;
    Ok(response.map_into_left_body())
}

fn refusal(error: &Error) -> HttpResponse {
    HttpResponse::Forbidden().body(format!("{}\n", error.message()))
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(
            "/healthz",
            web::get().to(|| async { HttpResponse::Ok().body("ok\n") }),
        )
        .route("/readyz", web::get().to(ready))
        .route("/metrics", web::get().to(metrics));
}

async fn ready(endpoint: web::Data<dyn Endpoint>) -> HttpResponse {
    let dependencies = endpoint.readiness().await;
    let all = dependencies.iter().all(|(_, answer)| answer.is_ok());
    let answers = dependencies.into_iter().map(|(name, answer)| {
        let answer = answer.err().unwrap_or_else(|| "ok".into());
        (name, answer)
    });
    let body: serde_json::Map<String, serde_json::Value> = answers
        .chain(endpoint.notices())
        .map(|(name, text)| (name.into(), text.into()))
        .collect();
    let mut response = if all {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response.json(body)
}

/// Who uses which keys is more than whether the gateway is well, which a probe asks that has no
/// certificate: wherever clients are asked for one, this needs it.
async fn metrics(http: HttpRequest, endpoint: web::Data<dyn Endpoint>) -> HttpResponse {
    if let Err(error) = certificate::check(&http, true) {
        return refusal(&error);
    }
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(endpoint.metrics())
}
