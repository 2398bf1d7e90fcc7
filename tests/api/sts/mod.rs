//! STS: who asks, roles, temporary credentials, OIDC tokens. By hand, for the SDK for Rust has
//! nothing of STS; boto3 and the AWS CLI, which have, are in `tests/clients`.

mod assume_role;
mod permitted;
mod protocol;
mod sessions;
mod web_identity;

use crate::dev::{self, Dev};
use crate::issuer::Issuer;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::LazyLock;
use strongroom::sigv4::{SignedRequest, sign};
use time::OffsetDateTime;
use time::macros::format_description;

const ACCOUNT: &str = "000000000000";

/// A gateway that trusts an issuer by a file of keys, and another by a URL.
struct House {
    dev: Dev,
    issuer: Issuer,
    by_url: Issuer,
    jwks: PathBuf,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let issuer = Issuer::new("https://issuer.example/realms/a");
    let jwks = dev::scratch().join("jwks.json");
    std::fs::write(&jwks, issuer.jwks()).unwrap();
    let by_url = Issuer::new("http://localhost/by-url");
    let address = web_identity::serve(by_url.jwks());
    let oidc = format!(
        r#"{{ file = {{ issuer = "{}", audiences = ["sts.amazonaws.com", "other"], jwks_file = "{}" }},
        url = {{ issuer = "{}", audiences = ["sts.amazonaws.com"], jwks_url = "http://{address}/keys" }} }}"#,
        issuer.name,
        jwks.display(),
        by_url.name,
    )
    .replace('\n', "");
    let dev = Dev::start_where(&dev::scratch(), &[("STRONGROOM_OIDC", &oidc)]);
    House {
        dev,
        issuer,
        by_url,
        jwks,
    }
});

/// Who signs a request.
#[derive(Clone)]
struct Caller {
    id: String,
    secret: String,
    token: Option<String>,
}

struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    /// The text of the first element of a name.
    fn get(&self, name: &str) -> &str {
        let (start, end) = (format!("<{name}>"), format!("</{name}>"));
        let found = self.text.split(&start).nth(1);
        found
            .and_then(|rest| rest.split(&end).next())
            .unwrap_or_default()
    }

    fn code(&self) -> String {
        let json: Value = serde_json::from_str(&self.text).unwrap_or_default();
        json["__type"]
            .as_str()
            .unwrap_or(self.get("Code"))
            .to_owned()
    }

    /// The temporary credentials of a call that succeeded.
    fn credentials(&self) -> Caller {
        assert_eq!(self.status, 200, "{}", self.text);
        let caller = Caller {
            id: self.get("AccessKeyId").to_owned(),
            secret: self.get("SecretAccessKey").to_owned(),
            token: Some(self.get("SessionToken").to_owned()),
        };
        let overheard = &HOUSE.dev.overheard;
        overheard.secret("a secret access key", caller.secret.as_bytes());
        overheard.secret("a session token", self.get("SessionToken").as_bytes());
        caller
    }
}

/// Posts a body; `headers` in lower case.
#[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
fn post(caller: Option<&Caller>, service: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let address = HOUSE.dev.env["AWS_ENDPOINT_URL_STS"]
        .strip_prefix("http://")
        .unwrap();
    let timestamp = OffsetDateTime::now_utc()
        .format(format_description!(
            "[year][month][day]T[hour][minute][second]Z"
        ))
        .unwrap();
    let mut all = vec![("host", address), ("x-amz-date", timestamp.as_str())];
    all.extend(headers);
    let token = caller.and_then(|caller| caller.token.as_deref());
    all.extend(token.map(|token| ("x-amz-security-token", token)));
    all.sort_unstable();
    let mut text = String::from("POST / HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in &all {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(caller) = caller {
        all.dedup_by_key(|(name, _)| *name);
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &all,
            body: body.as_bytes(),
        };
        let keys = (&*caller.id, &*caller.secret);
        let signed = sign(&request, keys, ("us-east-1", service), &timestamp).unwrap();
        text.push_str(&format!("authorization: {signed}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        text: body.to_owned(),
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn form(action: &str, members: &[(&str, &str)]) -> String {
    let mut form = format!("Action={action}&Version=2011-06-15");
    for (name, value) in members {
        form.push_str(&format!("&{name}="));
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    form.push(char::from(byte));
                }
                byte => form.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    form
}

fn sts(caller: Option<&Caller>, action: &str, members: &[(&str, &str)]) -> Answer {
    post(caller, "sts", &[FORM], &form(action, members))
}

/// A request of the other protocol.
fn kms(caller: &Caller, target: &str, body: &Value) -> Answer {
    post(
        Some(caller),
        "kms",
        &[("x-amz-target", target)],
        &body.to_string(),
    )
}

fn root() -> Caller {
    let env = &HOUSE.dev.env;
    Caller {
        id: env["AWS_ACCESS_KEY_ID"].clone(),
        secret: env["AWS_SECRET_ACCESS_KEY"].clone(),
        token: None,
    }
}

/// One of the gateway's own operations, as the root; it must succeed.
fn own(operation: &str, body: &Value) -> Value {
    let answer = kms(&root(), &format!("Strongroom.{operation}"), body);
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text);
    serde_json::from_str(&answer.text).unwrap_or_default()
}

/// Makes a user with an access key.
fn user(name: &str) -> Caller {
    own("CreateUser", &json!({"UserName": name}));
    let made = own("CreateAccessKey", &json!({"UserName": name}));
    let key = &made["AccessKey"];
    let text = |member: &str| key[member].as_str().unwrap().to_owned();
    let caller = Caller {
        id: text("AccessKeyId"),
        secret: text("SecretAccessKey"),
        token: None,
    };
    let overheard = &HOUSE.dev.overheard;
    overheard.secret("a secret access key", caller.secret.as_bytes());
    caller
}

/// Makes a role without policies; answers its ARN.
fn role(name: &str, statement: &Value) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let role =
        json!({"RoleName": name, "AssumeRolePolicyDocument": trust, "MaxSessionDuration": 7200});
    own("CreateRole", &role)["Role"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A statement that lets a user of this name assume a role.
fn lets(name: &str) -> Value {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
    json!({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
}
