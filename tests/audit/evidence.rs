//! What an auditor takes away besides an export: receipts, searches, archives.

use crate::scene::{Scene, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_a_record_and_nothing_else() {
    let scene = Scene::shared().await;
    let database = scene.original();
    let out = database.path("receipts");
    let proven = text(&database.audit(&["prove", &scene.request_id, "--out", &out]));
    let [receipt] = proven.lines().collect::<Vec<_>>()[..] else {
        panic!("one record: {proven}")
    };
    let (status, said) = database.alone(&["verify-receipt", receipt]);
    assert_eq!(status, 0, "{said}");
    let record: serde_json::Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(record["eventName"], "CreateKey");
    assert_eq!(record["requestID"], scene.request_id);
    let written = std::fs::read_to_string(receipt).unwrap();
    let another = format!("{receipt}.edited");
    for edited in [
        written.replacen("index ", "index 1", 1),
        written.replacen("extra ey", "extra ez", 1),
        written.replacen("\nstrongroom/", "\nstrongroom/0", 1),
    ] {
        assert_ne!(edited, written);
        std::fs::write(&another, edited).unwrap();
        let (status, said) = database.alone(&["verify-receipt", &another]);
        assert_eq!(status, 2, "{said}");
    }
    // Of several, one that is wrong is told.
    let (status, said) = database.alone(&["verify-receipt", receipt, &another]);
    assert!(status == 2 && said.contains("right: "), "{said}");
    let (status, said) = database.alone(&["verify-receipt", receipt, receipt]);
    assert_eq!(status, 0, "{said}");
    let unknown = "00000000-0000-4000-8000-000000000000";
    let unknown = database.audit(&["prove", unknown, "--out", &out]);
    assert!(!unknown.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_only_grown_since_a_checkpoint() {
    let scene = Scene::shared().await;
    let database = scene.original();
    let (out, since) = (database.path("growth"), database.path("since"));
    std::fs::create_dir(&out).unwrap();
    std::fs::write(&since, &scene.middle).unwrap();
    let proof = text(&database.audit(&["prove", "--since", &since, "--out", &out]));
    let proof = proof.trim();
    let (status, said) = database.alone(&["verify-receipt", proof]);
    assert_eq!(status, 0, "{said}");
    let size = scene.middle.lines().nth(1).unwrap();
    assert!(
        said.contains(&format!("begin with those of {size}")),
        "{said}"
    );
    let written = std::fs::read_to_string(proof).unwrap();
    let mut read: serde_json::Value = serde_json::from_str(&written).unwrap();
    read["proof"].as_array_mut().unwrap().pop();
    std::fs::write(proof, read.to_string()).unwrap();
    let (status, said) = database.alone(&["verify-receipt", proof]);
    assert_eq!(status, 2, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_found_in_the_database_and_in_an_export() {
    let scene = Scene::shared().await;
    let copy = scene.copy();
    let export = copy.export();
    let search = |arguments: &[&str]| {
        let found = text(&copy.audit(&[&["search"], arguments].concat()));
        let mut in_export = std::process::Command::new(env!("CARGO_BIN_EXE_strongroom"));
        in_export.args(["audit", "search", "--export", &export]);
        let in_export = text(&in_export.args(arguments).output().unwrap());
        assert_eq!(found, in_export, "{arguments:?}");
        let lines = found.lines().map(serde_json::from_str);
        lines
            .collect::<Result<Vec<serde_json::Value>, _>>()
            .unwrap()
    };
    let all = search(&[]);
    let of_key = search(&["--key", &scene.key_id]);
    let encrypted = search(&["--operation", "Encrypt", "--key", &scene.key_id]);
    assert_eq!(encrypted.len(), 36);
    assert!(of_key.len() > 36 && all.len() >= of_key.len());
    assert!(
        encrypted
            .iter()
            .all(|record| record["eventName"] == "Encrypt")
    );
    let who = encrypted[0]["userIdentity"]["arn"].as_str().unwrap();
    let of_principal = [
        "--principal",
        who,
        "--operation",
        "Encrypt",
        "--key",
        &scene.key_id,
    ];
    assert_eq!(search(&of_principal).len(), 36);
    assert_eq!(search(&["--principal", "nobody"]).len(), 0);
    let tenth = encrypted[10]["eventTime"].as_str().unwrap();
    let since = search(&["--operation", "Encrypt", "--from", tenth]);
    let until = search(&["--operation", "Encrypt", "--to", tenth]);
    assert!(!since.is_empty() && !until.is_empty());
    assert_eq!(
        since.len() + until.len(),
        search(&["--operation", "Encrypt"]).len()
    );

    let newest = text(&copy.audit(&["tail", "-n", "3"]));
    let last = all.iter().rev().take(3).rev();
    let last: String = last
        .map(|record| format!("{}\n", record["eventID"]))
        .collect();
    let ids = newest.lines().map(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        format!("{}\n", record["eventID"])
    });
    assert_eq!(ids.collect::<String>(), last);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_remains_is_verified_once_an_archive_has_the_rest() {
    let scene = Scene::shared().await;
    let copy = scene.copy();
    let middle = scene.middle.lines().nth(1).unwrap();
    let before = copy.sql(&format!(
        "select to_char(made_at at time zone 'UTC' + interval '1 millisecond', \
         'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from audit_checkpoint where size = {middle}"
    ));
    let archive = copy.path("archive");
    text(&copy.audit(&["archive", "--before", &before, "--out", &archive]));
    let (status, said) = copy.verify_export(&archive, &[]);
    assert_eq!(status, 0, "{said}");

    // Only what was verified is pruned, and only what the archive has.
    let key = scene.public_key.to_str().unwrap();
    let prune = ["prune", "--archive", &archive, "--public-key", key];
    let records = format!("{archive}/records.jsonl");
    let written = std::fs::read(&records).unwrap();
    std::fs::write(&records, &written[..written.len() / 2]).unwrap();
    assert!(!copy.audit(&prune).status.success());
    std::fs::write(&records, written).unwrap();
    assert_eq!(copy.number("select min(leaf) from audit_log"), 0);
    text(&copy.audit(&prune));
    let left = copy.sql("select min(leaf), (select pruned from audit_tree) from audit_log");
    assert_eq!(left, format!("{middle}|{middle}"));
    let again = copy.audit(&prune);
    assert!(String::from_utf8_lossy(&again.stderr).contains("pruned already"));

    // What remains goes on where the archive ends.
    let whose = std::fs::read_to_string(format!("{archive}/checkpoints.jsonl")).unwrap();
    let (status, said) = copy.verify(&[&whose]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains(&format!("from leaf {middle}")), "{said}");
    let newest = text(&copy.audit(&["tail", "-n", "100"]));
    assert!(!newest.contains(&scene.request_id));
    // A receipt of what the archive has, and of nothing else.
    let out = copy.path("receipts");
    let prove = ["prove", &scene.request_id, "--out", &out];
    assert!(!copy.audit(&prove).status.success());
    let from_archive = [&prove[..], &["--archive", &archive]].concat();
    let receipt = text(&copy.audit(&from_archive));
    let (status, said) = copy.alone(&["verify-receipt", receipt.trim()]);
    assert!(status == 0 && said.contains(&scene.request_id), "{said}");
    let written = std::fs::read_to_string(&records).unwrap();
    let edited = written.replace(r#""eventName":"CreateKey""#, r#""eventName":"DescribeKey""#);
    std::fs::write(&records, edited).unwrap();
    let said = copy.audit(&from_archive).stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("not the one that was signed"), "{said}");
    // That it was pruned is in the log, once a sequencer comes by.
    let told = copy.sql(
        "select convert_from(record, 'UTF8')::json -> 'requestParameters' ->> 'toLeaf' \
         from audit_log order by written_at desc limit 1",
    );
    assert_eq!(told, middle);

    // Nobody deletes by accident.
    let psql = std::process::Command::new("psql")
        .args(["-qAtX", "-d", &copy.url, "-c", "delete from audit_group"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&psql.stderr).contains("append-only"));
}
