//! An HTTP/1.1 client that signs: one connection, one request at a time.

use super::failed;
use crate::Error;
use crate::clock::{Clock, SystemClock};
use crate::server::sigv4::{self, SignedRequest};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;
use time::macros::format_description;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest answer that is read; those of the measured operations have a few kilobytes.
const MAX_ANSWER: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the gateway is, and who asks.
pub(super) struct Endpoint {
    authority: String,
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    region: String,
}

impl Endpoint {
    /// From a URL, and the rest from the environment, as AWS's own clients: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`.
    ///
    /// # Errors
    /// What is missing or not plain HTTP.
    pub(super) fn new(url: &str) -> Result<Self, Error> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(failed(format!(
                "{url}: only plain http:// is spoken here; name the gateway's own address, not its TLS proxy's"
            )));
        };
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '@', '?', '#']) {
            return Err(failed(format!("{url} is not http://host:port")));
        }
        let with_port = match authority.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => authority.to_owned(),
            _ => format!("{authority}:80"),
        };
        let variable =
            |name: &str| std::env::var(name).map_err(|_| failed(format!("{name} is not set")));
        Ok(Self {
            authority: with_port,
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: std::env::var("AWS_SESSION_TOKEN").ok().map(Into::into),
            region: variable("AWS_REGION").or_else(|_| variable("AWS_DEFAULT_REGION"))?,
        })
    }

    /// `host:port`.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }
}

/// A kept connection. After an error it is of no use any more.
pub(super) struct Connection<'e> {
    endpoint: &'e Endpoint,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl<'e> Connection<'e> {
    /// # Errors
    /// The gateway cannot be reached.
    pub(super) async fn open(endpoint: &'e Endpoint) -> Result<Self, Error> {
        let stream = TcpStream::connect(&endpoint.authority)
            .await
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|error| failed(format!("cannot reach {}: {error}", endpoint.authority)))?;
        Ok(Self {
            endpoint,
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// One signed request to an operation, as `X-Amz-Target` names it; answers the body of a 200.
    ///
    /// # Errors
    /// `Code: message` of any other answer; any failure of the connection.
    pub(super) async fn call(&mut self, target: &str, body: &[u8]) -> Result<&[u8], Error> {
        let request = self.signed(target, body)?;
        let exchange = async {
            self.stream.write_all(&request).await.map_err(broken)?;
            read_answer(&mut self.stream, &mut self.buffer).await
        };
        let (status, start, end) = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| failed(format!("{target}: no answer within {PATIENCE:?}")))??;
        let answer = &self.buffer[start..end];
        if status == 200 {
            return Ok(answer);
        }
        Err(refusal(target, status, answer))
    }

    /// As [`Connection::call`], in JSON.
    ///
    /// # Errors
    /// As [`Connection::call`]; an answer that is no JSON.
    pub(super) async fn call_json(&mut self, target: &str, input: &Value) -> Result<Value, Error> {
        let answer = self.call(target, input.to_string().as_bytes()).await?;
        if answer.is_empty() {
            return Ok(Value::Null); // operations without an output
        }
        serde_json::from_slice(answer).map_err(|error| failed(format!("{target}: {error}")))
    }

    fn signed(&self, target: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let timestamp = SystemClock.now().format(&format).map_err(Error::internal)?;
        let mut headers = vec![
            ("content-type", "application/x-amz-json-1.1"),
            ("host", &*self.endpoint.authority),
            ("x-amz-date", &timestamp),
        ];
        let token = self.endpoint.session_token.as_ref();
        headers.extend(token.map(|token| ("x-amz-security-token", token.expose_secret())));
        headers.push(("x-amz-target", target));
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body,
        };
        let secret = self.endpoint.secret_access_key.expose_secret();
        let authorization = sigv4::sign(
            &request,
            (&self.endpoint.access_key_id, secret),
            (&self.endpoint.region, "kms"),
            &timestamp,
        )?;
        let mut text = String::with_capacity(512 + body.len());
        text.push_str("POST / HTTP/1.1\r\n");
        let length = body.len().to_string();
        let more = [
            ("authorization", authorization.as_str()),
            ("content-length", &length),
        ];
        for (name, value) in headers.iter().chain(&more) {
            for part in [name, ": ", value, "\r\n"] {
                text.push_str(part);
            }
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        Ok(bytes)
    }
}

/// What the gateway says instead of an answer: `Code: message`, or what else it said.
fn refusal(target: &str, status: u16, answer: &[u8]) -> Error {
    let said: Option<Value> = serde_json::from_slice(answer).ok();
    let member = |name: &str| Some(said.as_ref()?.get(name)?.as_str()?.to_owned());
    match (member("__type"), member("message")) {
        (Some(code), Some(message)) => failed(format!("{code}: {message}")),
        _ => {
            let shown: String = String::from_utf8_lossy(answer).chars().take(300).collect();
            failed(format!("{target}: HTTP {status}: {shown}"))
        }
    }
}

fn broken(error: std::io::Error) -> Error {
    failed(format!("the connection broke: {error}"))
}

/// Reads one answer with a Content-Length; its status, and where in the buffer its body is.
async fn read_answer(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> Result<(u16, usize, usize), Error> {
    buffer.clear();
    let mut head = None;
    loop {
        if head.is_none()
            && let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let (status, length) = parse_head(&buffer[..end])?;
            head = Some((status, end + 4, end + 4 + length));
        }
        if let Some((_, _, end)) = head
            && buffer.len() >= end
        {
            break;
        }
        if buffer.len() > MAX_ANSWER {
            return Err(failed("the answer is too long"));
        }
        if stream.read_buf(buffer).await.map_err(broken)? == 0 {
            return Err(failed("the gateway closed the connection"));
        }
    }
    head.ok_or_else(|| failed("no answer"))
}

/// The status and the length of the body.
fn parse_head(head: &[u8]) -> Result<(u16, usize), Error> {
    let parse = || {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let length = length.filter(|length| *length <= MAX_ANSWER)?;
        Some((status.parse().ok()?, length))
    };
    parse().ok_or_else(|| failed("the answer is not HTTP/1.1 with a Content-Length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        let said = br#"{"__type":"NotFoundException","message":"no such key"}"#;
        let error = refusal("TrentService.Encrypt", 400, said);
        assert_eq!(error.message(), "NotFoundException: no such key");
        let error = refusal("TrentService.Encrypt", 502, b"a proxy's page");
        assert_eq!(
            error.message(),
            "TrentService.Encrypt: HTTP 502: a proxy's page"
        );
    }

    #[test]
    fn heads() {
        let head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\ndate: x";
        assert_eq!(parse_head(head).unwrap(), (400, 12));
        for bad in [
            "",
            "HTTP/1.1 200 OK",
            "HTTP/1.0 200 OK\r\ncontent-length: 1",
        ] {
            assert!(parse_head(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
