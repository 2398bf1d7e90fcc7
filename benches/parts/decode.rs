//! Bodies of requests, decoded and checked.

use criterion::Criterion;
use std::hint::black_box;
use strongroom::model::member::Decode;
use strongroom::operation::data_keys::generate_data_key;
use strongroom::operation::encryption::{decrypt, encrypt};

const CONTEXT: &str = r#"{"tenant": "4711", "purpose": "invoices"}"#;

pub fn benches(c: &mut Criterion) {
    let blob = "AQ".repeat(54); // as long as that of 32 bytes
    one::<encrypt::Input>(
        c,
        "Encrypt",
        &format!(
            r#"{{"KeyId": "alias/app", "Plaintext": "{}", "EncryptionContext": {CONTEXT}}}"#,
            "Bwc".repeat(14) + "Bw"
        ),
    );
    one::<generate_data_key::Input>(
        c,
        "GenerateDataKey",
        &format!(
            r#"{{"KeyId": "alias/app", "KeySpec": "AES_256", "EncryptionContext": {CONTEXT}}}"#
        ),
    );
    one::<decrypt::Input>(
        c,
        "Decrypt",
        &format!(r#"{{"CiphertextBlob": "{blob}", "EncryptionContext": {CONTEXT}}}"#),
    );
}

fn one<I: Decode>(c: &mut Criterion, name: &str, body: &str) {
    I::decode(body.as_bytes()).unwrap();
    let mut group = c.benchmark_group("decode");
    group.bench_function(name, |b| {
        b.iter(|| I::decode(black_box(body.as_bytes())).unwrap());
    });
}
