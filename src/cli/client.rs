//! An HTTP/1.1 client that signs: one connection, one request at a time.

mod answer;
mod stream;
mod wire;

pub(super) use wire::Wire;

use super::failed;
use crate::Error;
use crate::clock::{Clock, SystemClock};
use crate::model::Url;
use crate::sigv4::{self, SecretAccessKey, SignedRequest};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use time::macros::format_description;
use zeroize::Zeroizing;

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Where the gateway is, and who asks.
pub(super) struct Endpoint {
    url: Url,
    authority: String,
    access_key_id: String,
    secret_access_key: SecretAccessKey,
    session_token: Option<SecretString>,
    region: String,
}

impl Endpoint {
    /// From a URL, and the rest from the environment, as AWS's own clients: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`.
    ///
    /// # Errors
    /// What is missing, or no endpoint.
    pub(super) fn new(url: &str) -> Result<Self, Error> {
        let parsed = Url::parse_any(url).filter(|url| url.target == "/");
        let url = parsed.ok_or_else(|| failed(format!("{url} is not http(s)://host:port")))?;
        let variable =
            |name: &str| std::env::var(name).map_err(|_| failed(format!("{name} is not set")));
        Ok(Self {
            authority: url.authority(),
            url,
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: SecretString::from(variable("AWS_SECRET_ACCESS_KEY")?).into(),
            session_token: std::env::var("AWS_SESSION_TOKEN").ok().map(Into::into),
            region: variable("AWS_REGION").or_else(|_| variable("AWS_DEFAULT_REGION"))?,
        })
    }

    /// The same for whoever's access key a file of `export` lines has.
    ///
    /// # Errors
    /// The file cannot be read, or has none.
    pub(super) fn speaking_for(self, file: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        let text =
            text.map_err(|error| failed(format!("cannot read {}: {error}", file.display())))?;
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.strip_prefix("export "));
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            let value = value.map(|value| value.trim_matches(['\'', '"']));
            value.ok_or_else(|| failed(format!("{} has no {name}", file.display())))
        };
        Ok(Self {
            access_key_id: value("AWS_ACCESS_KEY_ID")?.to_owned(),
            secret_access_key: SecretString::from(value("AWS_SECRET_ACCESS_KEY")?).into(),
            session_token: None,
            ..self
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The bytes of a request to an operation, as `X-Amz-Target` names it; signed, and so good for a
    /// quarter of an hour.
    ///
    /// # Errors
    /// OpenSSL fails.
    pub(super) fn request(&self, target: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
        self.signed(&Call::to_kms(target, body))
    }

    fn signed(&self, call: &Call<'_>) -> Result<Vec<u8>, Error> {
        let body = call.body;
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let timestamp = SystemClock.now().format(&format).map_err(Error::internal)?;
        let mut headers = vec![
            ("content-type", call.content_type),
            ("host", &*self.authority),
            ("x-amz-date", &timestamp),
        ];
        let token = self.session_token.as_ref();
        headers.extend(token.map(|token| ("x-amz-security-token", token.expose_secret())));
        headers.extend(call.target.map(|target| ("x-amz-target", target)));
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body,
        };
        let authorization = sigv4::sign_kept(
            &request,
            (&self.access_key_id, &self.secret_access_key),
            (&self.region, call.service),
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

/// One request, before it is signed.
struct Call<'c> {
    service: &'c str,
    content_type: &'c str,
    /// `X-Amz-Target`, in JSON.
    target: Option<&'c str>,
    body: &'c [u8],
}

impl<'c> Call<'c> {
    fn to_kms(target: &'c str, body: &'c [u8]) -> Self {
        Self {
            service: "kms",
            content_type: "application/x-amz-json-1.1",
            target: Some(target),
            body,
        }
    }
}

/// A kept connection. After an error that is not an answer it is of no use any more.
pub(super) struct Connection<'e> {
    endpoint: &'e Endpoint,
    wire: Wire,
}

impl<'e> Connection<'e> {
    /// # Errors
    /// The gateway cannot be reached.
    pub(super) async fn open(endpoint: &'e Endpoint) -> Result<Self, Error> {
        let wire = Wire::open(&endpoint.url).await?;
        Ok(Self { endpoint, wire })
    }

    /// One signed request to an operation, as `X-Amz-Target` names it; answers the body of a 200.
    ///
    /// # Errors
    /// `Code: message` of any other answer; any failure of the connection.
    pub(super) async fn call(&mut self, target: &str, body: &[u8]) -> Result<&[u8], Error> {
        self.exchange(target, &Call::to_kms(target, body)).await
    }

    /// One signed request to STS, in its query protocol; answers the XML of a 200.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub(super) async fn call_sts(&mut self, action: &str) -> Result<String, Error> {
        let form = format!("Action={action}&Version=2011-06-15");
        let call = Call {
            service: "sts",
            content_type: "application/x-www-form-urlencoded",
            target: None,
            body: form.as_bytes(),
        };
        let answer = self.exchange(action, &call).await?;
        Ok(String::from_utf8_lossy(answer).into_owned())
    }

    async fn exchange(&mut self, name: &str, call: &Call<'_>) -> Result<&[u8], Error> {
        let request = self.endpoint.signed(call)?;
        let exchange = self.wire.exchange(&request);
        let (status, answer) = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| failed(format!("{name}: no answer within {PATIENCE:?}")))??;
        if status == 200 {
            return Ok(answer);
        }
        Err(refusal(name, status, answer))
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
}

/// What the gateway says instead of an answer: `Code: message`, or what else it said.
pub(super) fn refusal(name: &str, status: u16, answer: &[u8]) -> Error {
    let text = String::from_utf8_lossy(answer);
    let json: Option<Value> = serde_json::from_slice(answer).ok();
    let member = |name: &str| Some(json.as_ref()?.get(name)?.as_str()?.to_owned());
    let code = member("__type").or_else(|| element(&text, "Code"));
    let message = member("message").or_else(|| element(&text, "Message"));
    match (code, message) {
        (Some(code), Some(message)) => failed(format!("{code}: {message}")),
        _ => {
            let shown: String = text.chars().take(300).collect();
            failed(format!("{name}: HTTP {status}: {shown}"))
        }
    }
}

/// The text of the first element of this name in what the gateway's STS answers: an id, an ARN, or a
/// message.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    Some(text.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_may_be_plain() {
        for (url, port) in [("http://gateway", 80), ("http://10.0.0.1:7700/", 7700)] {
            let url = Url::parse_any(url).unwrap();
            assert_eq!((url.tls, url.port, &*url.target), (false, port, "/"));
        }
    }

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
        let xml = "<E><Code>AccessDenied</Code><Message>a &amp; &lt;b&gt;</Message></E>";
        let error = refusal("AssumeRole", 403, xml.as_bytes());
        assert_eq!(error.message(), "AccessDenied: a & <b>");
    }
}
