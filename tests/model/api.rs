//! Requests without an SDK, whose own checks would stand in between, and answers that are held
//! against the model before anyone looks at them.

use crate::botocore;
use crate::dev::{Dev, scratch};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use strongroom::sigv4::{SignedRequest, sign};
use time::OffsetDateTime;
use time::macros::format_description;

/// The gateway that these tests share, with tokens for key stores.
pub static DEV: LazyLock<Dev> = LazyLock::new(|| Dev::start(&scratch(), &["--key-stores", "5"]));

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The exception's name; empty for a success.
    pub fn code(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The code and the message, or `OK`.
    pub fn verdict(&self) -> String {
        match self.status {
            200 => "OK".into(),
            _ => format!("{}: {}", self.code(), self.message()),
        }
    }

    /// The body of a request that must succeed.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.verdict());
        self.body
    }
}

/// Calls an operation in the home Region.
pub fn call(operation: &str, input: &Value) -> Answer {
    call_in("us-east-1", operation, input)
}

/// Calls an operation in a Region. Whatever the answer, it must be one that the model has.
pub fn call_in(region: &str, operation: &str, input: &Value) -> Answer {
    let answer = send(region, operation, &serde_json::to_vec(input).unwrap());
    let wrong = match answer.status {
        200 => wrong_success(operation, &answer.body),
        _ => wrong_error(operation, &answer),
    };
    assert!(wrong.is_empty(), "{operation} {input}\n{wrong:#?}");
    answer
}

#[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
fn send(region: &str, operation: &str, body: &[u8]) -> Answer {
    let address = DEV.env["AWS_ENDPOINT_URL_KMS"]
        .strip_prefix("http://")
        .unwrap();
    let timestamp = OffsetDateTime::now_utc()
        .format(format_description!(
            "[year][month][day]T[hour][minute][second]Z"
        ))
        .unwrap();
    let target = format!("TrentService.{operation}");
    let headers = [
        ("host", address),
        ("x-amz-date", &timestamp),
        ("x-amz-target", &target),
    ];
    let request = SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body,
    };
    let keys = (
        &*DEV.env["AWS_ACCESS_KEY_ID"],
        &*DEV.env["AWS_SECRET_ACCESS_KEY"],
    );
    let signed = sign(&request, keys, (region, "kms"), &timestamp).unwrap();
    let mut text = "POST / HTTP/1.1\r\nconnection: close\r\n".to_owned();
    for (name, value) in &headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!(
        "authorization: {signed}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    let mut socket = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(60));
    socket.set_read_timeout(patience).unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    socket.write_all(body).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (headers, body) = answer.split_once("\r\n\r\n").expect("an answer");
    Answer {
        status: headers.split(' ').nth(1).unwrap().parse().unwrap(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

/// Exceptions that any operation may throw: AWS's common ones, and what the gateway refuses by
/// name.
const COMMON: &[&str] = &[
    "AccessDeniedException",
    "SerializationException",
    "ValidationException",
    "UnknownOperationException",
    "UnsupportedOperationException",
];

fn wrong_error(operation: &str, answer: &Answer) -> Vec<String> {
    let modelled = botocore::operation(operation)["errors"].as_array();
    let mut codes = modelled.into_iter().flatten().map(|error| &error["shape"]);
    let code = answer.code();
    if COMMON.contains(&code) || codes.any(|known| known == code) {
        return Vec::new();
    }
    vec![format!(
        "an exception that the model does not have here: {}",
        answer.verdict()
    )]
}

fn wrong_success(operation: &str, body: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    match botocore::operation(operation)["output"]["shape"].as_str() {
        Some(output) => conforms(body, output, output, &mut wrong),
        None if body.is_null() => {}
        None => wrong.push(format!("an answer where AWS has none: {body}")),
    }
    wrong
}

/// The members of structures that some answer has had: the structure's name and the member's.
pub static SEEN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Notes where `value` is not of the shape.
fn conforms(value: &Value, shape_name: &str, at: &str, wrong: &mut Vec<String>) {
    // "The KeySpec and CustomerMasterKeySpec fields have the same value", also where the old enum
    // lacks it.
    let shape = botocore::shape(match shape_name {
        "CustomerMasterKeySpec" => "KeySpec",
        name => name,
    });
    let right = match shape["type"].as_str().unwrap() {
        // An empty structure may also be no body at all.
        "structure" if value.is_null() => botocore::members(shape).is_empty(),
        "structure" => {
            let members = botocore::members(shape);
            let Some(object) = value.as_object() else {
                return wrong.push(format!("{at}: not an object"));
            };
            for (name, value) in object {
                let place = format!("{at}.{name}");
                match members.iter().find(|(known, _)| known == name) {
                    Some((_, member)) => {
                        let seen = (shape_name.to_owned(), name.clone());
                        SEEN.lock().unwrap().insert(seen);
                        conforms(value, member, &place, wrong);
                    }
                    None => wrong.push(format!("{place}: AWS has no such member")),
                }
            }
            for name in botocore::required(shape) {
                if !object.contains_key(name) {
                    wrong.push(format!("{at}.{name}: missing"));
                }
            }
            true
        }
        "list" => {
            let member = shape["member"]["shape"].as_str().unwrap();
            let items = value.as_array();
            for item in items.into_iter().flatten() {
                conforms(item, member, &format!("{at}[]"), wrong);
            }
            items.is_some()
        }
        "map" => value
            .as_object()
            .is_some_and(|map| map.values().all(Value::is_string)),
        "string" => value.as_str().is_some_and(|text| {
            let (min, max) = (shape["min"].as_u64(), shape["max"].as_u64());
            let length = text.chars().count() as u64;
            let known = botocore::values(shape).is_none_or(|values| values.contains(&text));
            known && min.is_none_or(|min| min <= length) && max.is_none_or(|max| length <= max)
        }),
        "blob" => value.as_str().is_some_and(|text| {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD
                .decode(text)
                .is_ok()
        }),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "timestamp" => value.is_number(),
        other => panic!("{other} is no type of the model"),
    };
    if !right {
        wrong.push(format!("{at}: not a {shape_name}: {value}"));
    }
}
