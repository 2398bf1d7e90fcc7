//! A request as the AWS SDK for Rust signs it: its signature verified, by a kept signing key.

use criterion::{Criterion, Throughput};
use secrecy::SecretString;
use std::hint::black_box;
use strongroom::sigv4::{Authorization, SecretAccessKey, SignedRequest, sign, verify};

const DATE: &str = "20261128T193900Z";
const KEYS: (&str, &str) = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
);
/// In the order of their names, which is that of a signature.
const SIGNED: [(&str, &str); 5] = [
    ("content-type", "application/x-amz-json-1.1"),
    ("host", "127.0.0.1:7700"),
    ("x-amz-date", DATE),
    ("x-amz-target", "TrentService.Encrypt"),
    (
        "x-amz-user-agent",
        "aws-sdk-rust/1.3.16 ua/2.1 api/kms/1.111.0 os/linux lang/rust/1.95.0",
    ),
];
const UNSIGNED: [(&str, &str); 3] = [
    ("accept", "*/*"),
    ("content-length", "200"),
    (
        "user-agent",
        "aws-sdk-rust/1.3.16 os/linux lang/rust/1.95.0",
    ),
];

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("sigv4");
    for bytes in [200, 4096] {
        let body = vec![b'x'; bytes];
        let unsigned = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &SIGNED,
            body: &body,
        };
        let authorization = sign(&unsigned, KEYS, ("us-east-1", "kms"), DATE).unwrap();
        let added = [("authorization", authorization.as_str())];
        let headers = [&SIGNED[..], &UNSIGNED, &added].concat();
        let request = SignedRequest {
            headers: &headers,
            ..unsigned
        };
        let secret = SecretAccessKey::from(SecretString::from(KEYS.1));
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("a body of {bytes} bytes"), |b| {
            b.iter(|| {
                let request = black_box(&request);
                let parsed = Authorization::parse(request).unwrap();
                parsed.check_scope("kms").unwrap();
                parsed.check_signed_headers(request).unwrap();
                verify(&parsed, request, &secret).unwrap();
            });
        });
    }
}
