//! `/healthz` (this process is alive), `/readyz` (what it depends on answers), `/metrics`.

use super::Endpoint;
use actix_web::{HttpResponse, web};

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
    let body: serde_json::Map<String, serde_json::Value> = dependencies
        .into_iter()
        .map(|(name, answer)| {
            (
                name.into(),
                answer.err().unwrap_or_else(|| "ok".into()).into(),
            )
        })
        .collect();
    let mut response = if all {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response.json(body)
}

async fn metrics(endpoint: web::Data<dyn Endpoint>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(endpoint.metrics())
}
