//! What the parts of the pipeline cost, each alone.
//!
//! `cargo bench --bench parts`, or `cargo bench --bench parts -- sigv4`

mod authorization;
mod blob;
mod decode;
mod merkle;
mod session_thread;
mod sigv4;

use criterion::{Criterion, criterion_group};

criterion_group!(
    benches,
    sigv4::benches,
    decode::benches,
    authorization::benches,
    blob::benches,
    merkle::benches,
    session_thread::benches
);

fn main() {
    session_thread::with_softhsm(|| {
        benches();
        Criterion::default().configure_from_args().final_summary();
    });
}
