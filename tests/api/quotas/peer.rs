//! A client that says where it comes from.

use super::DEV;
use crate::dev::Dev;
use serde_json::Value;
use strongroom::sigv4::{SignedRequest, sign};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// An access key and its secret.
#[derive(Clone)]
pub struct Keys {
    pub id: String,
    pub secret: String,
}

/// Status and body.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        // STS answers in XML.
        let xml = self.body.as_str().unwrap_or_default();
        let in_xml = xml.split("<Code>").nth(1);
        let in_xml = in_xml.and_then(|rest| rest.split("</Code>").next());
        let code = self.body["__type"].as_str().or(in_xml);
        code.unwrap_or_default()
    }
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Keys {
    pub fn of(answer: &Value) -> Self {
        let key = &answer["AccessKey"];
        let (id, secret) = (&key["AccessKeyId"], &key["SecretAccessKey"]);
        let keys = Self {
            id: super::text(id),
            secret: super::text(secret),
        };
        DEV.overheard
            .secret("a secret access key", keys.secret.as_bytes());
        keys
    }

    /// A request from 127.0.0.1; `operation` with its prefix.
    pub async fn ask(&self, operation: &str, body: Value) -> Answer {
        Peer::from("127.0.0.1")
            .await
            .ask(self, operation, &body)
            .await
    }

    pub async fn done(&self, operation: &str, body: Value) -> Value {
        let answer = self.ask(operation, body).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        answer.body
    }
}

/// A kept connection.
pub struct Peer {
    gateway: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    pub async fn from(address: &str) -> Self {
        Self::of(&DEV, address).await
    }

    pub async fn of(dev: &Dev, address: &str) -> Self {
        let url = &dev.env["AWS_ENDPOINT_URL_KMS"];
        let gateway = url.strip_prefix("http://").unwrap().to_owned();
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(format!("{address}:0").parse().unwrap())
            .unwrap();
        let stream = socket.connect(gateway.parse().unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            gateway,
            stream,
            buffer: Vec::new(),
        }
    }

    #[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
    pub async fn ask(&mut self, keys: &Keys, operation: &str, body: &Value) -> Answer {
        let timestamp = OffsetDateTime::now_utc()
            .format(format_description!(
                "[year][month][day]T[hour][minute][second]Z"
            ))
            .unwrap();
        let body = body.to_string();
        let headers = [
            ("host", self.gateway.as_str()),
            ("x-amz-date", timestamp.as_str()),
            ("x-amz-target", operation),
        ];
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: body.as_bytes(),
        };
        let signer = (&*keys.id, &*keys.secret);
        let signed = sign(&request, signer, ("us-east-1", "kms"), &timestamp).unwrap();
        let mut text = String::from("POST / HTTP/1.1\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        text.push_str(&format!(
            "authorization: {signed}\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.answer().await
    }

    /// Presents an OIDC token, to assume a role.
    pub async fn assume(&mut self, role: &str, token: &str) -> Answer {
        let form = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=pod\
             &RoleArn={role}&WebIdentityToken={token}"
        );
        let text = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{form}",
            self.gateway,
            form.len()
        );
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        self.buffer.clear();
        loop {
            let head = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = head {
                let text = String::from_utf8_lossy(&self.buffer[..end]).to_lowercase();
                let length = text
                    .split_once("content-length: ")
                    .and_then(|(_, rest)| rest.lines().next()?.parse::<usize>().ok())
                    .unwrap();
                if self.buffer.len() >= end + 4 + length {
                    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
                    let body = &self.buffer[end + 4..];
                    let text = || String::from_utf8_lossy(body).into();
                    return Answer {
                        status,
                        body: serde_json::from_slice(body).unwrap_or_else(|_| text()),
                    };
                }
            }
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the gateway closed the connection");
        }
    }
}

/// What a page says.
pub async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}
