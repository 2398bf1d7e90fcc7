//! A request's body, bounded before and while it is read.

use crate::{Error, ErrorCode};
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Reads the body into memory that is wiped when it is dropped.
///
/// # Errors
/// `RequestEntityTooLargeException` before anything is read where the length is given, else as
/// soon as it is too much; `SerializationException` for a body that breaks off or takes too long.
pub(super) async fn read(
    request: &HttpRequest,
    mut payload: web::Payload,
    limit: usize,
    timeout: Duration,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let too_large = || {
        let message = format!("The request body is larger than {limit} bytes.");
        Error::new(ErrorCode::RequestEntityTooLarge, message)
    };
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(announced.unwrap_or(limit)));
    let reading = async {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                Error::new(ErrorCode::Serialization, "The request body breaks off.")
                    .with_source(error.to_string())
            })?;
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    };
    tokio::time::timeout(timeout, reading)
        .await
        .unwrap_or_else(|_| {
            Err(Error::new(
                ErrorCode::Serialization,
                "The request body did not arrive in time.",
            ))
        })?;
    Ok(body)
}
