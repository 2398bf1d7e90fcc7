//! AWS's published signing test suite, every case, as a server sees it.
//!
//! It comes with the crate `aws-sigv4`, which the AWS SDK that the tests use is built on; it is read
//! from that crate's sources.

use super::*;
use secrecy::SecretString;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const CASES: usize = 40;
/// S3 alone signs `//` and `/../` as they are: signed so, a request to any other service is refused.
const AS_S3_SIGNS: [&str; 6] = [
    "get-relative-relative-unnormalized",
    "get-relative-unnormalized",
    "get-slash-dot-slash-unnormalized",
    "get-slash-pointless-dot-unnormalized",
    "get-slash-unnormalized",
    "get-slashes-unnormalized",
];
/// Of an older form: without a context, the one signed by nobody knows whom, the other a signature of
/// another request than its canonical one. How they write the path is what they are there for.
const PATH_ALONE: [&str; 2] = ["double-encode-path", "double-url-encode"];

fn suite() -> PathBuf {
    // Of what was downloaded, which is what this platform needs.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "aws-sigv4");
    let manifest = package.unwrap()["manifest_path"].as_str().unwrap();
    let root = Path::new(manifest).parent().unwrap();
    root.join("aws-signing-test-suite/v4")
}

/// A request as its file has it: request line, headers (some of them folded), body.
struct Parsed {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Parsed {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap();
        let (method, rest) = line.split_once(' ').unwrap();
        let target = rest.strip_suffix(" HTTP/1.1").unwrap_or(rest);
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            match line.strip_prefix(' ') {
                // RFC 7230, 3.2.4: a folded line goes on after one or more spaces.
                Some(more) => headers.last_mut().unwrap().1.push_str(&format!(" {more}")),
                None => {
                    let (name, value) = line.split_once(':').unwrap();
                    headers.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: body.trim_end_matches('\n').to_owned(),
        }
    }
}

impl Parsed {
    fn with<T>(&self, then: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers = self.headers.iter();
        let headers: Vec<(&str, &str)> = headers
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        then(&SignedRequest {
            method: &self.method,
            path,
            query,
            headers: &headers,
            body: self.body.as_bytes(),
        })
    }
}

#[test]
fn every_case_is_canonical_and_verifies() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(suite())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    let mut failed = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let checked = match name {
            name if PATH_ALONE.contains(&name) => check_path(case),
            _ => check(case),
        };
        match (checked, AS_S3_SIGNS.contains(&name)) {
            (Ok(()), false) | (Err(_), true) => {}
            (Err(why), false) => failed.push(format!("{name}: {why}")),
            (Ok(()), true) => failed.push(format!("{name} is not refused")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(cases.len(), CASES);
}

fn check(case: &Path) -> Result<(), String> {
    let parsed = Parsed::read(&case.join("header-signed-request.txt"));
    let text = |name: &str| std::fs::read_to_string(case.join(name)).unwrap();
    let context: Value = serde_json::from_str(&text("context.json")).unwrap();
    let secret = context["credentials"]["secret_access_key"].as_str();
    parsed.with(|request| {
        let checked = |result: Result<(), crate::Error>| result.map_err(|error| error.to_string());
        let authorization = Authorization::parse(request).unwrap();
        checked(authorization.check_scope("service"))?;
        let list = authorization.signed_headers_text;
        let canonical = canonical::request(request, &authorization.signed_headers, list);
        same(&canonical, &text("header-canonical-request.txt"))?;
        let scope = authorization.scope();
        let to_sign = signature::to_sign(scope, authorization.timestamp, &canonical);
        same(&to_sign, &text("header-string-to-sign.txt"))?;
        same(authorization.signature, &text("header-signature.txt"))?;
        let secret = SecretString::from(secret.unwrap());
        checked(verify(&authorization, request, &secret.into()))
    })
}

fn check_path(case: &Path) -> Result<(), String> {
    let expected = std::fs::read_to_string(case.join("header-canonical-request.txt")).unwrap();
    Parsed::read(&case.join("request.txt")).with(|request| {
        let canonical = canonical::request(request, &["host"], "host");
        let lines = |text: &str| text.lines().take(2).collect::<Vec<_>>().join("\n");
        same(&lines(&canonical), &lines(&expected))
    })
}

fn same(ours: &str, published: &str) -> Result<(), String> {
    match ours == published.trim_end_matches('\n') {
        true => Ok(()),
        false => Err(format!("{ours:?}\n is not {published:?}")),
    }
}
