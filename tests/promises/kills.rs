//! Promise 2, under `kill -9`: whatever was answered is in the audit log, and the log is one
//! tree.
//!
//! `STRONGROOM_KILLS` says how often; `make kills` does it a hundred times.

mod load;
mod tree;

use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::installation::shell;
use crate::postgres::sql;
use load::Load;
use std::collections::HashMap;
use std::time::Duration;

/// As many as a test run has time for.
const KILLS: u64 = 6;
/// What a gateway has time for before it is killed: neither always the same, nor up to chance.
const LIVES: [u64; 7] = [60, 350, 120, 500, 30, 240, 170];
/// Answers for each kill at least, also on a machine that is busy.
const ANSWERS: u64 = 15;
/// Many checkpoints, so that kills hit them as well.
const CHECKPOINTS: [(&str, &str); 2] = [
    ("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", "1"),
    ("STRONGROOM_AUDIT_CHECKPOINT_RECORDS", "20"),
];
/// What an auditor does.
const VERIFY: &str = r#"
strongroom audit public-key --config "$FOLDER/strongroom.toml" >"$FOLDER/audit.pub"
strongroom audit export --config "$FOLDER/strongroom.toml" --out "$FOLDER/export"
strongroom audit verify "$FOLDER/export" --public-key "$FOLDER/audit.pub"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_request_is_missing_from_the_log() {
    let kills = std::env::var("STRONGROOM_KILLS")
        .map_or(KILLS, |kills| kills.parse().expect("a number of kills"));
    // Its own gateway stays, and has the same log.
    let dev = Dev::start_where(&scratch(), &CHECKPOINTS);
    let mut load = Load::start(&dev).await;
    for (kill, life) in (1..=kills).zip(LIVES.iter().cycle()) {
        let settings = CHECKPOINTS
            .into_iter()
            .fold(Settings::default(), |set, (name, value)| {
                set.set(name, value)
            });
        let gateway = settings.serve(&dev);
        load.turn_to(gateway.client(&dev));
        tokio::time::sleep(Duration::from_millis(*life)).await;
        load.wait_for(kill * ANSWERS).await;
        gateway.kill();
    }
    let answers = load.stop().await;

    let recorded = recorded(&dev);
    let missing = answers.missing_from(&recorded);
    println!(
        "{kills} kills: {answers}; {} records, of them {} of requests without an answer",
        recorded.values().sum::<u32>(),
        recorded.len() + missing.len() - answers.len(),
    );
    assert!(
        missing.is_empty(),
        "answered and not in the log: {missing:#?}"
    );
    let twice: Vec<_> = recorded.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "more than one record: {twice:?}");
    answers.assert_enough(kills);
    tree::assert_whole(&dev);
    let folder = ("FOLDER", dev.dir.display().to_string());
    let conf = dev.dir.join("softhsm2.conf").display().to_string();
    let verified = shell(VERIFY, &[folder, ("SOFTHSM2_CONF", conf)]).expect(0);
    println!("{}", verified.stdout);
    dev.stop();
}

/// The request ids in the log, and how many records each has.
fn recorded(dev: &Dev) -> HashMap<String, u32> {
    let rows = sql(
        dev,
        "select request_id, count(*) from audit_log group by request_id",
    );
    let parse = |row: String| {
        let (id, times) = row.split_once('|').unwrap();
        (id.to_owned(), times.parse().unwrap())
    };
    rows.into_iter().map(parse).collect()
}
