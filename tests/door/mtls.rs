//! Client certificates: who is let in, as whom, and who is not.

use crate::authority::{Authority, Identity, WANTED, Wanted};
use crate::dev::SHARED;
use crate::raw::{Answer, Keys, answer, call, post, signed};
use crate::serve::{Gateway, Settings, ask};
use serde_json::json;
use std::net::TcpStream;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// On the shared gateway, by its root.
pub fn root(operation: &str, input: &serde_json::Value) -> Answer {
    let address = SHARED.env["AWS_ENDPOINT_URL_KMS"].trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let request = call(
        &Keys::root(&SHARED.env),
        &format!("Strongroom.{operation}"),
        &input.to_string(),
    );
    let answer = ask(&mut stream, &request).unwrap();
    assert_eq!(answer.code(), "OK", "{operation}: {}", answer.message());
    answer
}

fn account() -> String {
    let me = root("GetUser", &json!({}));
    me.body["User"]["Arn"]
        .as_str()
        .unwrap()
        .split(':')
        .nth(4)
        .unwrap()
        .to_owned()
}

/// A user who may do everything; answers its access key.
pub fn user(name: &str) -> Keys {
    root("CreateUser", &json!({"UserName": name}));
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let put = json!({"UserName": name, "PolicyName": "all", "PolicyDocument": policy});
    root("PutUserPolicy", &put);
    let made = root("CreateAccessKey", &json!({"UserName": name}));
    let text = |key: &str| made.body["AccessKey"][key].as_str().unwrap().to_owned();
    let keys = Keys(text("AccessKeyId"), text("SecretAccessKey"));
    SHARED
        .overheard
        .secret("a secret access key", keys.1.as_bytes());
    keys
}

pub fn arn(name: &str) -> String {
    format!("arn:aws:iam::{}:user/{name}", account())
}

/// A `[[certificate]]`.
pub fn mapping(name: &str, user: &str, more: &str) -> String {
    let arn = arn(user);
    format!("\n[[certificate]]\n{name}\nprincipal = {arn:?}\nregion = \"us-east-1\"\n{more}\n")
}

const JSON: &str = "content-type: application/x-amz-json-1.1\r\n";
const WHO: &str = "host: h\r\nx-amz-target: Strongroom.GetUser\r\n";

/// A request that nobody has signed: who am I?
pub fn who() -> Vec<u8> {
    post(&format!("{WHO}{JSON}"), b"{}")
}

pub fn name(answer: &Answer) -> &str {
    assert_eq!(answer.code(), "OK", "{}", answer.message());
    answer.body["User"]["UserName"].as_str().unwrap()
}

pub struct House {
    pub gateway: Gateway,
    pub authority: Authority,
    pub alice: Identity,
    alices: Keys,
    bobs: Keys,
}

/// A gateway with two users, and certificates for one of them.
pub static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let authority = Authority::new("client CA");
    let (alices, bobs) = (user("alice"), user("bob"));
    let certificates = [
        mapping("uri = \"spiffe://example/alice\"", "alice", ""),
        mapping("dns = \"Any.Example\"", "alice", "signer = \"any\""),
        mapping("email = \"bob@example\"", "bob", ""),
        mapping(
            "subject = \"CN=bob\\\\, the builder,O=Example,C=DE\"",
            "bob",
            "",
        ),
    ];
    let settings = Settings {
        authority: &authority,
        required: false,
        crl: None,
        plain_admin: false,
        more: certificates.concat(),
    };
    House {
        gateway: settings.start(),
        alice: authority.issue(&ALICE),
        authority,
        alices,
        bobs,
    }
});

pub const ALICE: Wanted<'_> = Wanted {
    uri: Some("spiffe://example/alice"),
    ..WANTED
};

impl House {
    fn ask(&self, identity: Option<&Identity>, request: &[u8]) -> Answer {
        self.gateway.ask(identity, request).unwrap()
    }

    /// A request with a certificate like this.
    fn with(&self, wanted: &Wanted<'_>, request: &[u8]) -> Answer {
        self.ask(Some(&self.authority.issue(wanted)), request)
    }
}

#[test]
fn a_certificate_is_its_user() {
    let house = &*HOUSE;
    assert_eq!(name(&house.ask(Some(&house.alice), &who())), "alice");
    for (wanted, user) in [
        (
            Wanted {
                dns: Some("any.example"),
                ..WANTED
            },
            "alice",
        ),
        (
            Wanted {
                email: Some("bob@example"),
                ..WANTED
            },
            "bob",
        ),
        (
            Wanted {
                common_name: "bob, the builder",
                ..WANTED
            },
            "bob",
        ),
        // Two names of one user.
        (
            Wanted {
                email: Some("bob@example"),
                common_name: "bob, the builder",
                ..WANTED
            },
            "bob",
        ),
    ] {
        assert_eq!(name(&house.with(&wanted, &who())), user);
    }
    let random = format!("host: h\r\nx-amz-target: TrentService.GenerateRandom\r\n{JSON}");
    let random = house.ask(Some(&house.alice), &post(&random, b"{\"NumberOfBytes\":8}"));
    assert_eq!(random.code(), "OK", "{}", random.message());
}

#[test]
fn a_certificate_that_is_nobodys_is_refused_with_a_signature_as_well() {
    let house = &*HOUSE;
    let signed = call(&house.alices, "Strongroom.GetUser", "{}");
    for wanted in [
        WANTED,
        Wanted {
            uri: Some("spiffe://example/alice/"),
            ..WANTED
        },
        Wanted {
            dns: Some("*.example"),
            ..WANTED
        },
        Wanted {
            common_name: "BOB, the builder",
            ..WANTED
        },
        // The subject that is mapped, written into a name of another kind.
        Wanted {
            dns: Some("spiffe://example/alice"),
            ..WANTED
        },
    ] {
        for request in [&who(), &signed] {
            let answer = house.with(&wanted, request);
            assert_eq!(answer.code(), "UnrecognizedClientException");
            assert!(answer.message().contains("mapped to no principal"));
        }
    }
    let both = Wanted {
        email: Some("bob@example"),
        ..ALICE
    };
    let answer = house.with(&both, &who());
    assert_eq!(answer.code(), "UnrecognizedClientException");
    assert!(answer.message().contains("more than one principal"));
}

#[test]
fn a_signature_decides_and_the_certificate_may_forbid() {
    let house = &*HOUSE;
    let by = |keys: &Keys| call(keys, "Strongroom.GetUser", "{}");
    let (alices, bobs) = (by(&house.alices), by(&house.bobs));
    // Without a certificate, as ever.
    assert_eq!(name(&house.ask(None, &bobs)), "bob");
    assert_eq!(name(&house.ask(Some(&house.alice), &alices)), "alice");
    let denied = house.ask(Some(&house.alice), &bobs);
    assert_eq!(denied.code(), "AccessDeniedException");
    let (alice, bob) = (arn("alice"), arn("bob"));
    let message =
        format!("{bob} has signed the request, and the client certificate is that of {alice}.");
    assert_eq!(denied.message(), message);
    let any = Wanted {
        dns: Some("any.example"),
        ..WANTED
    };
    assert_eq!(name(&house.with(&any, &bobs)), "bob");
    // A wrong signature is not made good by a certificate, and a wrong one of somebody else does
    // not say whose the certificate is.
    let wrong = Keys(house.alices.0.clone(), "wrong".into());
    for keys in [wrong, Keys(house.bobs.0.clone(), "wrong".into())] {
        let answer = house.ask(Some(&house.alice), &by(&keys));
        assert_eq!(answer.code(), "InvalidSignatureException");
    }
    let empty = post(&format!("{WHO}{JSON}authorization: \r\n"), b"{}");
    assert_eq!(
        house.ask(Some(&house.alice), &empty).code(),
        "IncompleteSignatureException"
    );
}

#[test]
fn without_either_a_request_is_nobodys() {
    let house = &*HOUSE;
    let answer = house.ask(None, &who());
    assert_eq!(answer.code(), "MissingAuthenticationTokenException");
    assert_eq!(answer.message(), "Missing Authentication Token");
    // Headers with which proxies say what certificate they have seen are nothing here.
    let said =
        "x-forwarded-client-cert: URI=spiffe://example/alice\r\nx-ssl-client-verify: SUCCESS\r\n";
    let answer = house.ask(None, &post(&format!("{WHO}{JSON}{said}"), b"{}"));
    assert_eq!(answer.code(), "MissingAuthenticationTokenException");
}

#[test]
fn no_page_in_a_browser_can_use_a_certificate() {
    let house = &*HOUSE;
    for lines in [
        WHO.to_owned(),
        format!("{WHO}content-type: text/plain\r\n"),
        format!("{WHO}content-type: text/plain; application/x-amz-json-1.1\r\n"),
        format!("host: h\r\n{JSON}"),
    ] {
        let answer = house.ask(Some(&house.alice), &post(&lines, b"{}"));
        assert_eq!(
            answer.code(),
            "MissingAuthenticationTokenException",
            "{lines}"
        );
    }
    // Forms are for STS, and signed: a certificate does not count.
    let form = "host: h\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let action = b"Action=GetCallerIdentity&Version=2011-06-15";
    for lines in [form.to_owned(), format!("{WHO}{form}")] {
        let answer = house.ask(Some(&house.alice), &post(&lines, action));
        assert!(answer.status >= 400, "{lines}: {}", answer.headers);
    }
    for (line, code) in [
        ("OPTIONS / HTTP/1.1", "UnknownOperationException"),
        ("GET /?Action=GetUser HTTP/1.1", "UnknownOperationException"),
        ("POST /?X-Amz-Signature=0 HTTP/1.1", "ValidationException"),
    ] {
        let text = String::from_utf8(who())
            .unwrap()
            .replace("POST / HTTP/1.1", line);
        let answer = house.ask(Some(&house.alice), text.as_bytes());
        assert_eq!(answer.code(), code);
        assert!(
            !answer.headers.contains("access-control-"),
            "{}",
            answer.headers
        );
    }
}

#[test]
fn the_region_is_the_mappings_or_the_requests() {
    let house = &*HOUSE;
    let made = |region: &str| {
        let lines = format!("host: h\r\nx-amz-target: TrentService.CreateKey\r\n{JSON}{region}");
        let answer = house.ask(Some(&house.alice), &post(&lines, b"{}"));
        match answer.code() {
            "OK" => answer.body["KeyMetadata"]["Arn"]
                .as_str()
                .unwrap()
                .to_owned(),
            _ => answer.message().to_owned(),
        }
    };
    assert!(made("").starts_with("arn:aws:kms:us-east-1:"));
    assert!(made("x-amz-region: eu-west-1\r\n").starts_with("arn:aws:kms:eu-west-1:"));
    assert!(made("x-amz-region: Europe\r\n").contains("does not answer for the Region"));
}

#[test]
fn a_required_certificate_is_required_and_a_revoked_one_refused() {
    let authority = Authority::new("client CA");
    user("carol");
    let carol = Wanted {
        uri: Some("spiffe://example/carol"),
        ..WANTED
    };
    let (kept, lost) = (authority.issue(&carol), authority.issue(&carol));
    let earlier = authority.issue(&carol);
    let settings = Settings {
        authority: &authority,
        required: true,
        crl: Some(authority.revoke(&[&earlier.certificate])),
        plain_admin: false,
        more: mapping("uri = \"spiffe://example/carol\"", "carol", ""),
    };
    let mut gateway = settings.start();
    for address in gateway.listeners() {
        let without = gateway.refusal(address, None);
        assert!(without.contains("certificate required"), "{without}");
        let revoked = gateway.refusal(address, Some(&earlier));
        assert!(revoked.contains("revoked"), "{revoked}");
    }

    // Revoked while its connection is open.
    let mut open = gateway.connect(Some(&lost)).unwrap();
    assert_eq!(name(&ask(&mut open, &who()).unwrap()), "carol");
    let mut admin = gateway
        .connect_with(gateway.admin, Some(&lost), |_| {})
        .unwrap();
    assert_eq!(Gateway::status(&mut admin, "/healthz"), 200);
    gateway.replace(
        "crl",
        &authority.revoke(&[&earlier.certificate, &lost.certificate]),
    );
    gateway.wait_for("[tls] were read anew");
    let answer = ask(&mut open, &who()).unwrap();
    assert_eq!(answer.code(), "UnrecognizedClientException");
    assert_eq!(
        answer.message(),
        "The client certificate is not valid: certificate revoked."
    );
    assert!(gateway.ask(Some(&lost), &who()).is_err());
    gateway.wait_for("[admin_tls] were read anew");
    assert_eq!(Gateway::status(&mut admin, "/healthz"), 403);
    assert_eq!(name(&gateway.ask(Some(&kept), &who()).unwrap()), "carol");

    // A user who is gone is gone for certificates.
    let mut open = gateway.connect(Some(&kept)).unwrap();
    assert_eq!(name(&ask(&mut open, &who()).unwrap()), "carol");
    root(
        "DeleteUserPolicy",
        &json!({"UserName": "carol", "PolicyName": "all"}),
    );
    let keys = root("ListAccessKeys", &json!({"UserName": "carol"}));
    let id = &keys.body["AccessKeyMetadata"][0]["AccessKeyId"];
    root(
        "DeleteAccessKey",
        &json!({"UserName": "carol", "AccessKeyId": id}),
    );
    root("DeleteUser", &json!({"UserName": "carol"}));
    let answer = ask(&mut open, &who()).unwrap();
    assert_eq!(
        answer.code(),
        "UnrecognizedClientException",
        "{}",
        answer.message()
    );

    // What cannot be read changes nothing; what can is used, without a restart.
    gateway.replace("tls.crt", b"nonsense");
    gateway.wait_for("[tls] stays as it was");
    assert!(gateway.connect(Some(&kept)).is_ok());
    gateway.renew();
    let begun = Instant::now();
    while gateway.connect(Some(&kept)).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the new certificate is not used"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn metrics_are_for_clients_with_a_certificate_and_health_for_all() {
    let house = &*HOUSE;
    let gateway = &house.gateway;
    for (identity, metrics) in [(None, 403), (Some(&house.alice), 200)] {
        let mut open = gateway
            .connect_with(gateway.admin, identity, |_| {})
            .unwrap();
        assert_eq!(Gateway::status(&mut open, "/healthz"), 200);
        assert_eq!(Gateway::status(&mut open, "/readyz"), 200);
        assert_eq!(Gateway::status(&mut open, "/metrics"), metrics);
    }
    // Which path it is, nobody can hide.
    let mut open = gateway.connect_with(gateway.admin, None, |_| {}).unwrap();
    for path in [
        "/metrics?x",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/./metrics",
    ] {
        let status = Gateway::status(&mut open, path);
        assert!([403, 404].contains(&status), "{path}: {status}");
    }
    let mut plain = TcpStream::connect(gateway.admin).unwrap();
    assert!(ask(&mut plain, b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n").is_err());
}

#[test]
fn the_command_line_shows_a_certificate() {
    let house = &*HOUSE;
    let any = house.authority.issue(&Wanted {
        dns: Some("any.example"),
        ..WANTED
    });
    let files = tempfile::tempdir().unwrap();
    let (certificate, key) = (files.path().join("crt"), files.path().join("key"));
    let both = [any.certificate_pem(), any.key_pem()].concat();
    let stranger = house.authority.issue(&WANTED);
    let whoami = |certificate: &std::path::Path, key: Option<&std::path::Path>| {
        let url = format!("https://localhost:{}", house.gateway.address.port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command
            .args(["admin", "whoami", "--endpoint", &url])
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", &house.bobs.0)
            .env("AWS_SECRET_ACCESS_KEY", &house.bobs.1)
            .env("AWS_CA_BUNDLE", house.gateway.server_ca())
            .env("STRONGROOM_CLIENT_CERTIFICATE_FILE", certificate);
        key.map(|key| command.env("STRONGROOM_CLIENT_KEY_FILE", key));
        let output = command.output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    std::fs::write(&certificate, both).unwrap();
    let shown = whoami(&certificate, None);
    assert!(shown.contains("user/bob"), "{shown}");
    std::fs::write(&certificate, stranger.certificate_pem()).unwrap();
    std::fs::write(&key, stranger.key_pem()).unwrap();
    let shown = whoami(&certificate, Some(&key));
    assert!(shown.contains("mapped to no principal"), "{shown}");
    std::fs::write(&key, any.key_pem()).unwrap();
    let shown = whoami(&certificate, Some(&key));
    assert!(shown.contains("STRONGROOM_CLIENT_KEY_FILE"), "{shown}");
}

#[test]
fn an_open_connection_does_not_outlive_its_certificate() {
    let house = &*HOUSE;
    let brief = house.authority.issue(&Wanted {
        valid: (-60, 4),
        ..ALICE
    });
    let mut open = house.gateway.connect(Some(&brief)).unwrap();
    assert_eq!(name(&ask(&mut open, &who()).unwrap()), "alice");
    let begun = Instant::now();
    let refused = loop {
        std::thread::sleep(Duration::from_millis(200));
        let answer = ask(&mut open, &who()).unwrap();
        if answer.code() != "OK" {
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it has expired");
    };
    assert_eq!(
        refused.message(),
        "The client certificate is not valid: certificate has expired."
    );
}

#[test]
fn a_handshake_that_does_not_come_is_given_up() {
    let house = &*HOUSE;
    let stream = TcpStream::connect(house.gateway.address).unwrap();
    let patience = Duration::from_secs(25);
    stream.set_read_timeout(Some(patience)).unwrap();
    let begun = Instant::now();
    // Nothing is sent; nor is plain HTTP understood.
    assert_eq!(answer(&mut &stream).unwrap_err(), "closed");
    assert!(begun.elapsed() < patience);
    let mut plain = TcpStream::connect(house.gateway.address).unwrap();
    let request = post(&signed(&house.alices, &[], b"{}"), b"{}");
    assert!(ask(&mut plain, &request).is_err());
}
