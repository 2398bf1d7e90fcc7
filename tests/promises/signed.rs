//! Requests that no SDK has: signed by hand, over a socket.

use crate::dev::Dev;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use strongroom::sigv4::{SignedRequest, sign};
use time::OffsetDateTime;
use time::macros::format_description;

/// Longer than a key takes to be made.
const PATIENCE: Duration = Duration::from_secs(60);

/// A caller's credentials.
#[derive(Clone)]
pub struct Caller {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
    pub region: &'static str,
}

/// What it was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The exception.
    pub fn code(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default()
    }

    /// Its message.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The body of a success.
    pub fn done(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

impl Caller {
    /// The root of the account that `strongroom dev` has made.
    pub fn root(dev: &Dev) -> Self {
        Self {
            id: dev.env["AWS_ACCESS_KEY_ID"].clone(),
            secret: dev.env["AWS_SECRET_ACCESS_KEY"].clone(),
            token: None,
            region: "us-east-1",
        }
    }

    /// Sends a request to the gateway at `address`; `None` where it does not answer.
    pub fn try_call(&self, address: &str, target: &str, body: &str) -> Option<Answer> {
        let (status, body) = self.send(address, ("x-amz-target", target), "kms", body)?;
        Some(Answer {
            status,
            body: serde_json::from_str(&body).unwrap_or(Value::Null),
        })
    }

    #[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
    fn send(
        &self,
        address: &str,
        header: (&str, &str),
        service: &str,
        body: &str,
    ) -> Option<(u16, String)> {
        let address = address.strip_prefix("http://").unwrap();
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let timestamp = OffsetDateTime::now_utc().format(format).unwrap();
        let mut headers = vec![
            ("host", address),
            ("x-amz-date", timestamp.as_str()),
            header,
        ];
        headers.extend(self.token.as_deref().map(|t| ("x-amz-security-token", t)));
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: body.as_bytes(),
        };
        let keys = (&*self.id, &*self.secret);
        let signed = sign(&request, keys, (self.region, service), &timestamp).unwrap();
        let mut text = "POST / HTTP/1.1\r\nconnection: close\r\n".to_owned();
        for (name, value) in &headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        text.push_str(&format!(
            "authorization: {signed}\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        let mut socket = TcpStream::connect(address).ok()?;
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(text.as_bytes()).ok()?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8(answer).unwrap();
        let (headers, body) = answer.split_once("\r\n\r\n")?;
        Some((headers.split(' ').nth(1)?.parse().unwrap(), body.to_owned()))
    }

    /// Assumes a role.
    pub fn assume(&self, dev: &Dev, role: &str, session: &str) -> Self {
        let form = "application/x-www-form-urlencoded";
        let body = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName={session}"
        );
        let address = &dev.env["AWS_ENDPOINT_URL_KMS"];
        let answer = self.send(address, ("content-type", form), "sts", &body);
        let (status, text) = answer.unwrap();
        assert_eq!(status, 200, "{text}");
        let value = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        let secret = value("SecretAccessKey");
        dev.overheard
            .secret("a secret access key", secret.as_bytes());
        Self {
            id: value("AccessKeyId"),
            secret,
            token: Some(value("SessionToken")),
            region: self.region,
        }
    }

    /// The same where it has to answer; tries again where it is told to, as an SDK does.
    pub fn call(&self, address: &str, target: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let begun = Instant::now();
        loop {
            let answer = self.try_call(address, target, &body).expect("an answer");
            if answer.code() != "ThrottlingException" || begun.elapsed() > PATIENCE {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
