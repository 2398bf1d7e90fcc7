//! What no SDK would send: by hand, over a socket.

use crate::dev::SHARED;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use strongroom::sigv4::{SignedRequest, sign};
use time::OffsetDateTime;
use time::macros::format_description;

/// A request by hand; every part can be made wrong.
struct ByHand<'a> {
    method: &'a str,
    target: Option<&'a str>,
    body: &'a [u8],
    /// What `Content-Length` says, where it is not the truth.
    announced: Option<usize>,
    /// How far the request's clock is off.
    skew: time::Duration,
    service: &'a str,
    /// An access key and its secret, where they are not the root's.
    keys: Option<(&'a str, &'a str)>,
    /// Replaces the `Authorization` header; empty for none.
    authorization: Option<&'a str>,
}

const RIGHT: ByHand<'_> = ByHand {
    method: "POST",
    target: Some("TrentService.ListKeys"),
    body: b"{}",
    announced: None,
    skew: time::Duration::ZERO,
    service: "kms",
    keys: None,
    authorization: None,
};

pub struct Answer {
    pub status: u16,
    headers: String,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default()
    }
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

#[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
fn send(request: &ByHand<'_>) -> Answer {
    let address = SHARED.env["AWS_ENDPOINT_URL_KMS"]
        .strip_prefix("http://")
        .unwrap();
    let timestamp = (OffsetDateTime::now_utc() + request.skew)
        .format(format_description!(
            "[year][month][day]T[hour][minute][second]Z"
        ))
        .unwrap();
    let mut headers = vec![("host", address), ("x-amz-date", timestamp.as_str())];
    headers.extend(request.target.map(|target| ("x-amz-target", target)));
    let to_sign = SignedRequest {
        method: request.method,
        path: "/",
        query: "",
        headers: &headers,
        body: request.body,
    };
    let root = (
        &*SHARED.env["AWS_ACCESS_KEY_ID"],
        &*SHARED.env["AWS_SECRET_ACCESS_KEY"],
    );
    let keys = request.keys.unwrap_or(root);
    let signed = sign(&to_sign, keys, ("us-east-1", request.service), &timestamp).unwrap();
    let mut text = format!("{} / HTTP/1.1\r\nconnection: close\r\n", request.method);
    for (name, value) in &headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    match request.authorization {
        Some("") => {}
        Some(other) => text.push_str(&format!("authorization: {other}\r\n")),
        None => text.push_str(&format!("authorization: {signed}\r\n")),
    }
    let length = request.announced.unwrap_or(request.body.len());
    text.push_str(&format!("content-length: {length}\r\n\r\n"));
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    socket.write_all(request.body).unwrap();
    let mut answer = Vec::new();
    // Where the gateway refuses a body that it has not read, it closes hard after its answer.
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (headers, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    let operation = request.target.unwrap_or_default();
    SHARED.overheard.members(operation, &body);
    Answer {
        status: headers.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.to_lowercase(),
        body,
    }
}

/// One of AWS's operations that the SDK does not have yet.
pub fn aws(operation: &str, body: &Value) -> Answer {
    send(&ByHand {
        target: Some(&format!("TrentService.{operation}")),
        body: body.to_string().as_bytes(),
        ..RIGHT
    })
}

/// One of the gateway's own operations, which no SDK knows.
pub fn own(operation: &str, body: &Value) -> Answer {
    send(&ByHand {
        target: Some(&format!("Strongroom.{operation}")),
        body: body.to_string().as_bytes(),
        ..RIGHT
    })
}

/// The same with an access key, and its secret.
pub fn own_by(keys: (&str, &str), operation: &str, body: &Value) -> Answer {
    send(&ByHand {
        target: Some(&format!("Strongroom.{operation}")),
        body: body.to_string().as_bytes(),
        keys: Some(keys),
        ..RIGHT
    })
}

#[test]
fn every_answer_has_a_request_id_and_its_type() {
    for (request, status) in [
        (RIGHT, 200),
        (
            ByHand {
                target: None,
                ..RIGHT
            },
            400,
        ),
        (
            ByHand {
                method: "GET",
                body: b"",
                ..RIGHT
            },
            400,
        ),
        (
            ByHand {
                authorization: Some(""),
                ..RIGHT
            },
            400,
        ),
    ] {
        let answer = send(&request);
        assert_eq!(answer.status, status);
        assert!(
            answer.headers.contains("x-amzn-requestid: "),
            "{}",
            answer.headers
        );
        assert!(
            answer
                .headers
                .contains("content-type: application/x-amz-json-1.1")
        );
    }
}

#[test]
fn what_is_not_understood() {
    let body = |body: &'static [u8]| send(&ByHand { body, ..RIGHT });
    for (wrong, place) in [
        (&b"not json"[..], "the request body is not JSON"),
        (b"", "the request body is not JSON"),
        (
            b"{\"Limit\": \"ten\"}",
            "a member of the request has the wrong type",
        ),
        (b"[]", "a member of the request has the wrong type"),
    ] {
        let answer = body(wrong);
        assert_eq!(answer.code(), "SerializationException");
        assert!(answer.message().starts_with(place), "{}", answer.message());
    }
    for target in [
        "TrentService.Nonsense",
        "ListKeys",
        "Other.ListKeys",
        "TrentService.listkeys",
    ] {
        let answer = send(&ByHand {
            target: Some(target),
            ..RIGHT
        });
        assert_eq!(answer.code(), "UnknownOperationException");
    }
    let missing = send(&ByHand {
        target: Some("TrentService.Encrypt"),
        ..RIGHT
    });
    assert_eq!(
        missing.message(),
        "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member \
         must not be null; Value null at 'plaintext' failed to satisfy constraint: Member must not \
         be null"
    );
    let secret = send(&ByHand {
        target: Some("TrentService.Encrypt"),
        body: b"{\"KeyId\": \"k\", \"Plaintext\": \"%%% hunter2\"}",
        ..RIGHT
    });
    assert_eq!(secret.code(), "SerializationException");
    assert!(!secret.message().contains("hunter2"));
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let answer = send(&ByHand {
        announced: Some(400_000_000),
        ..RIGHT
    });
    assert_eq!(
        (answer.status, answer.code()),
        (413, "RequestEntityTooLargeException")
    );
}

#[test]
fn a_clock_that_is_off() {
    let skewed = |minutes| {
        send(&ByHand {
            skew: time::Duration::minutes(minutes),
            ..RIGHT
        })
    };
    assert_eq!(skewed(4).status, 200);
    assert_eq!(skewed(-4).status, 200);
    let late = skewed(-6);
    assert_eq!(late.code(), "InvalidSignatureException");
    assert!(
        late.message().starts_with("Signature expired: "),
        "{}",
        late.message()
    );
    assert!(
        skewed(6)
            .message()
            .starts_with("Signature not yet current: ")
    );
}

#[test]
fn authorization_that_is_not_right() {
    let with = |authorization| {
        send(&ByHand {
            authorization: Some(authorization),
            ..RIGHT
        })
    };
    for (header, code) in [
        ("", "MissingAuthenticationTokenException"),
        ("Basic dTpw", "IncompleteSignatureException"),
        (
            "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00",
            "IncompleteSignatureException",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00",
            "IncompleteSignatureException",
        ),
    ] {
        assert_eq!(with(header).code(), code, "{header}");
    }
    let service = send(&ByHand {
        service: "s3",
        ..RIGHT
    });
    assert_eq!(
        service.message(),
        "Credential should be scoped to correct service: 'kms'."
    );
}
