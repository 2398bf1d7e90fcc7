//! Requests as bytes, and what comes back.

use serde_json::Value;
use std::collections::HashMap;
use std::io::Read;
use strongroom::sigv4::{SignedRequest, sign};
use time::OffsetDateTime;
use time::macros::format_description;

/// The host that requests are signed for; the gateway answers to any.
pub const HOST: &str = "kms.us-east-1.example";

/// Access key id and secret access key.
#[derive(Clone)]
pub struct Keys(pub String, pub String);

impl Keys {
    /// The root's of a `strongroom dev`.
    pub fn root(env: &HashMap<String, String>) -> Self {
        let value = |name: &str| env[name].clone();
        Self(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"))
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Value,
}

impl Answer {
    /// `OK`, or the exception's name.
    pub fn code(&self) -> &str {
        match self.status {
            200 => "OK",
            _ => self.body["__type"].as_str().unwrap_or_default(),
        }
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// The headers of a signed request: lines that end in CRLF, all signed but for `Authorization`.
/// `further` are in lower case.
#[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
pub fn signed(keys: &Keys, further: &[(&str, &str)], body: &[u8]) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let timestamp = OffsetDateTime::now_utc().format(format).unwrap();
    let mut headers = vec![("host", HOST), ("x-amz-date", timestamp.as_str())];
    headers.extend_from_slice(further);
    headers.sort_unstable();
    let request = SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body,
    };
    let by = (keys.0.as_str(), keys.1.as_str());
    let signature = sign(&request, by, ("us-east-1", "kms"), &timestamp).unwrap();
    headers.push(("authorization", &signature));
    let lines = headers.iter();
    lines
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}

/// `POST /` with these header lines, a `Content-Length`, and the body.
pub fn post(lines: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST / HTTP/1.1\r\n{lines}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A signed request of an operation.
pub fn call(keys: &Keys, target: &str, body: &str) -> Vec<u8> {
    let further = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target),
    ];
    post(&signed(keys, &further, body.as_bytes()), body.as_bytes())
}

/// Reads one answer; what is wrong with the connection, if none comes.
pub fn answer(from: &mut impl Read) -> Result<Answer, String> {
    let mut answers = Answers::default();
    loop {
        if let Some(answer) = answers.next()? {
            return Ok(answer);
        }
        let mut bytes = [0; 4096];
        match from.read(&mut bytes) {
            Ok(0) => return Err("closed".into()),
            Ok(length) => answers.bytes.extend_from_slice(&bytes[..length]),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Everything that comes until the other side closes, or says nothing more: answers, and no part of
/// one.
pub fn answers(from: &mut impl Read) -> Vec<Answer> {
    let mut answers = Answers::default();
    // A connection that is closed hard, or stays open, ends it as well.
    let _ = from.read_to_end(&mut answers.bytes);
    let mut all = Vec::new();
    while let Some(answer) = answers.next().unwrap() {
        all.push(answer);
    }
    let rest = String::from_utf8_lossy(&answers.bytes);
    assert!(rest.is_empty(), "half an answer: {rest}");
    all
}

#[derive(Default)]
struct Answers {
    bytes: Vec<u8>,
}

impl Answers {
    /// The next answer that is complete.
    fn next(&mut self) -> Result<Option<Answer>, String> {
        let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let headers = String::from_utf8_lossy(&self.bytes[..end]).to_lowercase();
        let Some(status) = headers
            .strip_prefix("http/1.")
            .and_then(|rest| rest.get(2..5)?.parse().ok())
        else {
            return Err(format!("no answer: {headers}"));
        };
        let length = headers
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let whole = end + 4 + length;
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let body = serde_json::from_slice(&self.bytes[end + 4..whole]).unwrap_or_default();
        self.bytes.drain(..whole);
        Ok(Some(Answer {
            status,
            headers,
            body,
        }))
    }
}
