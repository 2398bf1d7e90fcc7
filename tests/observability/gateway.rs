//! The gateway that is looked at: with TLS, a log in JSON, and a quota that is soon used up.

use crate::authority::Authority;
use crate::dev::SHARED;
use crate::raw::{Answer, Keys, call};
use crate::serve::{Gateway, Settings};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;

const MORE: &str = "\n[log]\nlevel = \"debug\"\nformat = \"json\"\n\
    [quota.accounts.000000000000]\nrates = { ListAliases = 1 }\n\
    [forward.siem]\nto = \"udp://127.0.0.1:9\"\n\
    [witness.w1]\nurl = \"http://127.0.0.1:9\"\n\
    key = \"witness.example.com/w1+30b0eacf+BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\"\n";

/// Something has been asked of it in every way there is.
pub static GATEWAY: LazyLock<Gateway> = LazyLock::new(|| {
    let settings = Settings {
        authority: &Authority::new("client CA"),
        required: false,
        crl: None,
        plain_admin: true,
        more: MORE.into(),
    };
    let gateway = settings.start();
    ask_all(&gateway);
    gateway
});

pub fn root() -> Keys {
    Keys::root(&SHARED.env)
}

fn ask(gateway: &Gateway, keys: &Keys, operation: &str, input: &Value) -> Answer {
    let request = call(
        keys,
        &format!("TrentService.{operation}"),
        &input.to_string(),
    );
    gateway.ask(None, &request).unwrap()
}

/// A success, a failure, a refusal, a change, and more than a quota allows.
pub fn ask_all(gateway: &Gateway) {
    let root = root();
    let made = ask(gateway, &root, "CreateKey", &json!({}));
    assert_eq!(made.code(), "OK", "{}", made.message());
    let key = &made.body["KeyMetadata"]["KeyId"];
    let sealed = json!({"KeyId": key, "Plaintext": "c2VjcmV0"});
    assert_eq!(ask(gateway, &root, "Encrypt", &sealed).code(), "OK");
    let unknown = json!({"KeyId": "alias/nobody-has-it"});
    let refused = ask(gateway, &root, "DescribeKey", &unknown);
    assert_eq!(refused.code(), "NotFoundException");
    let nobody = Keys("AKIAEXAMPLE".into(), "x".into());
    let stranger = ask(gateway, &nobody, "ListKeys", &json!({}));
    assert_eq!(stranger.code(), "UnrecognizedClientException");
    for _ in 0..4 {
        ask(gateway, &root, "ListAliases", &json!({}));
    }
}

/// The address of its admin listener.
pub fn admin(gateway: &Gateway) -> String {
    gateway.admin.to_string()
}

/// The body of an answer to `GET`.
pub fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nhost: h\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.to_owned()
}
