//! Errors as the query protocol has them: its own names for them, and its own statuses.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>, and botocore's
//! model for those of one operation.

use super::{NAMESPACE, xml};
use crate::{Error, ErrorCode};
use std::borrow::Cow;
use uuid::Uuid;

/// The name and status of a code; of most, without `Exception` at the end, as it is.
fn named(code: ErrorCode) -> (Cow<'static, str>, u16) {
    let (name, status) = match code {
        ErrorCode::AccessDenied => ("AccessDenied", 403),
        ErrorCode::ExpiredIdentityToken => ("ExpiredTokenException", 400),
        ErrorCode::ExpiredToken => ("ExpiredToken", 403),
        ErrorCode::IncompleteSignature => ("IncompleteSignature", 400),
        ErrorCode::InvalidSignature => ("SignatureDoesNotMatch", 403),
        ErrorCode::MissingAuthenticationToken => ("MissingAuthenticationToken", 403),
        ErrorCode::Serialization => ("MalformedInput", 400),
        ErrorCode::Tag => ("InvalidParameterValue", 400),
        ErrorCode::UnknownOperation => ("InvalidAction", 400),
        ErrorCode::UnrecognizedClient => ("InvalidClientTokenId", 403),
        ErrorCode::Validation => ("ValidationError", 400),
        ErrorCode::KmsInternal => ("InternalFailure", 500),
        code => {
            let name = code.name();
            let short = name.strip_suffix("Exception").unwrap_or(name);
            return (short.into(), code.status());
        }
    };
    (name.into(), status)
}

/// The HTTP status of an error.
pub(in crate::server) fn status(error: &Error) -> u16 {
    named(error.code()).1
}

/// The document that says what failed.
pub(in crate::server) fn error(error: &Error, request_id: Uuid) -> Vec<u8> {
    let (code, status) = named(error.code());
    let whose = if status < 500 { "Sender" } else { "Receiver" };
    let mut out = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n<Error><Type>{whose}</Type><Code>{code}</Code><Message>"
    );
    xml::push_text(&mut out, error.message());
    out.push_str(&format!(
        "</Message></Error>\n<RequestId>{request_id}</RequestId>\n</ErrorResponse>\n"
    ));
    out.into_bytes()
}
