//! Records become leaves of the audit log's tree.

use criterion::{BatchSize, Criterion, Throughput};
use std::hint::black_box;
use strongroom::audit::merkle::{Frontier, leaf_hash};

const RECORDS: usize = 1000;

pub fn benches(c: &mut Criterion) {
    let record = vec![b'x'; 900]; // an Encrypt's
    let mut group = c.benchmark_group("merkle");
    group.bench_function("hash a record", |b| {
        b.iter(|| leaf_hash(black_box(&record)));
    });
    let mut tree = Frontier::default();
    for _ in 0..1_000_000 {
        tree.push([7; 32]);
    }
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function(format!("append {RECORDS} leaves, and the root"), |b| {
        b.iter_batched_ref(
            || tree.clone(),
            |tree| {
                for _ in 0..RECORDS {
                    tree.push(black_box([9; 32]));
                }
                tree.root()
            },
            BatchSize::SmallInput,
        );
    });
}
