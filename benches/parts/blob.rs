//! A CiphertextBlob without the token: put together and taken apart, and what is authenticated besides.

use criterion::Criterion;
use std::hint::black_box;
use strongroom::model::EncryptionContext;
use strongroom::model::ciphertext_blob::{CiphertextBlob, IV_BYTES, TAG_BYTES, aad, encode};
use uuid::Uuid;

pub fn benches(c: &mut Criterion) {
    let version = Uuid::from_u128(7);
    let context = [("tenant", "4711"), ("purpose", "invoices")];
    let context = context.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let context = EncryptionContext(context.into());
    let sealed = [9; 32 + TAG_BYTES];
    let mut group = c.benchmark_group("blob");
    group.bench_function("seal", |b| {
        b.iter(|| {
            let aad = aad(black_box(version), black_box(&context));
            (aad, encode(version, &[3; IV_BYTES], black_box(&sealed)))
        });
    });
    let blob = encode(version, &[3; IV_BYTES], &sealed);
    group.bench_function("open", |b| {
        b.iter(|| {
            let parsed = CiphertextBlob::parse(black_box(&blob)).unwrap();
            (aad(parsed.version, black_box(&context)), parsed.iv)
        });
    });
}
