//! `strongroom admin`, as it is typed.

#[allow(dead_code)] // each test process uses a part
#[path = "support/dev.rs"]
mod dev;

use dev::SHARED;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

const POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["kms:*", "strongroom:*"], "Resource": "*"}]
}"#;
const TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]
}"#;

/// What a command printed, and whether it went well.
struct Done {
    right: bool,
    out: String,
    err: String,
}

/// Whoever types.
struct Terminal {
    env: HashMap<String, String>,
}

impl Terminal {
    fn root() -> Self {
        Self {
            env: SHARED.env.clone(),
        }
    }

    /// With the access key that was printed for a shell.
    fn with(printed: &str) -> Self {
        let mut env = SHARED.env.clone();
        let exported = printed.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let exported: HashMap<String, String> = exported.collect();
        assert_eq!(exported.len(), 2, "{printed}");
        let secret = &exported["AWS_SECRET_ACCESS_KEY"];
        SHARED.overheard.secret("printed", secret.as_bytes());
        env.extend(exported);
        Self { env }
    }

    /// Types `strongroom admin` with these words, and gives it `input`.
    fn type_with(&self, words: &str, input: &str) -> Done {
        let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .arg("admin")
            .args(words.split_whitespace())
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            assert_eq!(output.status.code(), Some(1), "{words}");
        }
        Done {
            right: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn says(&self, words: &str) -> String {
        self.says_with(words, "")
    }

    fn says_with(&self, words: &str, input: &str) -> String {
        let done = self.type_with(words, input);
        assert!(done.right, "{words}: {}", done.err);
        done.out
    }

    fn json(&self, words: &str) -> Value {
        let said = self.says(&format!("{words} --json"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    fn refused(&self, words: &str) -> String {
        let done = self.type_with(words, "");
        assert!(!done.right, "{words}: {}", done.out);
        assert_eq!(done.out, "");
        done.err
    }
}

#[test]
fn a_user_is_made_and_works_until_its_key_is_disabled() {
    let root = Terminal::root();
    let made = root.says("user create dora --tag team=ops --tag site=");
    assert!(
        made.contains("arn:aws:iam::") && made.contains(":user/dora"),
        "{made}"
    );
    assert!(
        made.contains("team=ops") && made.contains("site="),
        "{made}"
    );
    root.says_with("policy put --user dora everything -", POLICY);
    assert_eq!(root.says("policy list --user dora"), "POLICY\neverything\n");
    let back = root.says("policy get --user dora everything");
    assert_eq!(back.trim_end(), POLICY);

    let printed = root.says("access-key create --user dora");
    assert!(printed.starts_with("# The secret is shown this once"));
    let dora = Terminal::with(&printed);
    let id = &dora.env["AWS_ACCESS_KEY_ID"];
    let own = dora.says("access-key list");
    let lines: Vec<&str> = own.lines().collect();
    assert!(lines[0].starts_with("ACCESS KEY"), "{own}");
    assert!(
        lines[1].starts_with(id) && lines[1].contains("Active"),
        "{own}"
    );
    assert!(lines[1].ends_with("strongroom"), "{own}");
    assert!(dora.says("user list").contains(":user/dora"));
    let caller = dora.json("whoami");
    assert!(caller["UserId"].as_str().unwrap().starts_with("AIDA"));
    assert!(
        dora.says("whoami")
            .contains(caller["Arn"].as_str().unwrap())
    );

    root.says(&format!("access-key disable {id} --user dora"));
    let told = dora.refused("user list");
    let expected = "UnrecognizedClientException: The security token included in the request is \
                    invalid.";
    assert!(told.contains(expected), "{told}");
    root.says(&format!("access-key enable {id} --user dora"));
    assert!(dora.says("whoami").contains(":user/dora"));
    root.says("user tag dora team=dev");
    root.says("user untag dora site");
    let got = root.json("user get dora");
    assert_eq!(
        got["User"]["Tags"].to_string(),
        r#"[{"Key":"team","Value":"dev"}]"#
    );

    let told = root.refused("user delete dora");
    assert!(told.contains("DeleteConflictException: "), "{told}");
    root.says(&format!("access-key delete {id} --user dora"));
    root.says("policy delete --user dora everything");
    assert_eq!(root.says("user delete dora"), "");
    let told = root.refused("user get dora");
    let expected = "NoSuchEntityException: The user with name dora cannot be found.";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn a_role_is_made_from_a_file() {
    let root = Terminal::root();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, TRUST).unwrap();
    let path = file.path().display();
    let words = format!("role create deployer --trust {path} --max-session 7200 --tag a=b");
    let made = root.says(&words);
    assert!(
        made.contains(":role/deployer") && made.contains("7200"),
        "{made}"
    );
    root.says_with("policy put --role deployer kms -", POLICY);
    let names = root.json("policy list --role deployer");
    assert_eq!(names["PolicyNames"], serde_json::json!(["kms"]));
    let narrower = TRUST.replace("\"*\"", "\"111122223333\"");
    root.says_with("role trust deployer -", &narrower);
    let got = root.json("role get deployer");
    assert_eq!(got["Role"]["AssumeRolePolicyDocument"], narrower);
    let roles = root.json("role list");
    let all = roles["Roles"].as_array().unwrap();
    assert!(all.iter().any(|role| role["RoleName"] == "deployer"));
    let done = root.type_with("role trust deployer -", "{}");
    assert!(
        done.err.contains("MalformedPolicyDocumentException: "),
        "{}",
        done.err
    );
    root.says("policy delete --role deployer kms");
    root.says("role delete deployer");
}

#[test]
fn an_account_has_users_of_its_own() {
    let root = Terminal::root();
    let printed = root.says("account create 998877665544");
    assert!(
        printed.contains("arn:aws:iam::998877665544:root"),
        "{printed}"
    );
    let theirs = Terminal::with(&printed);
    theirs.says("user create eve");
    let users = theirs.json("user list");
    assert_eq!(users["Users"].as_array().unwrap().len(), 1);
    assert_eq!(
        users["Users"][0]["Arn"],
        "arn:aws:iam::998877665544:user/eve"
    );
    assert!(root.says("account list").contains("998877665544"));
    let told = theirs.refused("account list");
    assert!(told.contains("AccessDeniedException: "), "{told}");
    // A program gets the secret as JSON, and nothing else.
    let made = theirs.json("access-key create --user eve");
    let secret = made["AccessKey"]["SecretAccessKey"].as_str().unwrap();
    assert_eq!(secret.len(), 40);
    SHARED.overheard.secret("printed", secret.as_bytes());
}

#[test]
fn what_is_missing_is_named() {
    let mut lost = Terminal::root();
    lost.env.remove("AWS_ENDPOINT_URL_KMS");
    assert!(lost.refused("user list").contains("--endpoint"));
    let endpoint = &SHARED.env["AWS_ENDPOINT_URL_KMS"];
    lost.says(&format!("user list --endpoint {endpoint}"));
    lost.env.remove("AWS_SECRET_ACCESS_KEY");
    let told = lost.refused(&format!("user list --endpoint {endpoint}"));
    assert!(told.contains("AWS_SECRET_ACCESS_KEY is not set"), "{told}");
    for wrong in ["localhost:1", "ftp://localhost", "http://localhost/path"] {
        let told = Terminal::root().refused(&format!("user list --endpoint {wrong}"));
        assert!(told.contains("is not http(s)://host:port"), "{told}");
    }
    let told = Terminal::root().refused("policy put --user x p /no/such/file");
    assert!(told.contains("/no/such/file"), "{told}");
}

/// One HTTP message with a Content-Length.
fn message(mut from: impl Read) -> Vec<u8> {
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&read).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let (_, length) = head.split_once("content-length: ").unwrap();
            let length = length.lines().next().unwrap().trim();
            if body.len() >= length.parse().unwrap() {
                return read;
            }
        }
        match from.read(&mut part).unwrap() {
            0 => return read,
            n => read.extend_from_slice(&part[..n]),
        }
    }
}

/// The gateway behind TLS, under the certificate and key in `dir`, for one request; answers the port.
fn behind_tls(dir: &Path) -> u16 {
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
    acceptor
        .set_private_key_file(dir.join("key.pem"), SslFiletype::PEM)
        .unwrap();
    acceptor
        .set_certificate_chain_file(dir.join("certificate.pem"))
        .unwrap();
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let gateway = SHARED.env["AWS_ENDPOINT_URL_KMS"].strip_prefix("http://");
    let gateway = gateway.unwrap().to_owned();
    std::thread::spawn(move || {
        // A client that does not trust the certificate goes away again.
        if let Ok(mut client) = acceptor.accept(listener.accept().unwrap().0) {
            let request = message(&mut client);
            let mut gateway = TcpStream::connect(gateway).unwrap();
            gateway.write_all(&request).unwrap();
            client.write_all(&message(&mut gateway)).unwrap();
        }
    });
    port
}

#[test]
fn a_gateway_behind_tls_is_known_by_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-subj", "/CN=test", "-days", "1"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(&dir)
        .output()
        .unwrap();
    assert!(made.status.success());
    let mut root = Terminal::root();
    let list = |host: &str| {
        let port = behind_tls(dir.path());
        format!("whoami --endpoint https://{host}:{port}")
    };
    let told = root.refused(&list("localhost"));
    assert!(told.contains("cannot reach localhost"), "{told}");
    assert!(told.contains("AWS_CA_BUNDLE"), "{told}");
    let bundle = dir.path().join("certificate.pem");
    let bundle = bundle.to_str().unwrap().to_owned();
    root.env.insert("AWS_CA_BUNDLE".into(), bundle);
    assert!(root.says(&list("localhost")).contains(":root"));
    // Trusted, and another's.
    let told = root.refused(&list("127.0.0.1"));
    assert!(told.contains("cannot reach 127.0.0.1"), "{told}");
}
