//! To a session thread and back, with next to nothing to do there: `Token::ping` asks SoftHSM for its
//! state and for 16 random bytes.
//!
//! SoftHSM reads the place of its configuration from the environment: all benchmarks run in a child, with
//! the variable set.

use criterion::Criterion;
use secrecy::SecretString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use strongroom::token::{Token, TokenConfig, TokenSelector, provision};
use tokio::runtime::Builder;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const LABEL: &str = "strongroom-bench";
const CHILD: &str = "STRONGROOM_BENCH_CHILD";

pub fn benches(c: &mut Criterion) {
    if !Path::new(MODULE).exists() {
        return println!("no session thread is measured: there is no {MODULE}");
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let pin = SecretString::from("1234-user");
    provision(Path::new(MODULE), LABEL, &"5678-officer".into(), &pin).unwrap();
    let mut group = c.benchmark_group("session thread");
    for sessions in [1, 4] {
        let token = Token::open(TokenConfig {
            module: MODULE.into(),
            select: TokenSelector::Label(LABEL.into()),
            pin: pin.clone(),
            sessions,
            queue_length: 64,
            deadline: Duration::from_secs(5),
            retry_pin: false,
            import_through_memory: false,
        });
        let token = token.unwrap();
        runtime
            .block_on(token.wait_ready(Duration::from_secs(20)))
            .unwrap();
        group.bench_function(format!("there and back, {sessions} sessions"), |b| {
            b.iter(|| runtime.block_on(token.ping()).unwrap());
        });
        runtime.block_on(token.close());
    }
}

/// Runs `benches` where SoftHSM has an empty folder for its tokens.
pub fn with_softhsm(benches: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return benches();
    }
    let directory = tempfile::tempdir().unwrap();
    let conf = directory.path().join("softhsm2.conf");
    let template = include_str!("../../softhsm/softhsm2.conf");
    let tokens = directory.path().to_str().unwrap();
    std::fs::write(&conf, template.replace("@TOKENDIR@", tokens)).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env("SOFTHSM2_CONF", &conf)
        .env(CHILD, "1")
        .status();
    assert!(status.unwrap().success());
}
