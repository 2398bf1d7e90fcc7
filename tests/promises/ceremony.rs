//! A first set-up as a ceremony: by the commands of docs/ceremony.md, its transcript is the audit log's
//! first record, and no PIN is in either.

use crate::gateway::Settings;
use crate::installation::{Installation, Outcome, commands};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const PIN: &str = "pin-that-nobody-writes-down";
const PATIENCE: Duration = Duration::from_secs(30);

/// A deployment that is yet to be set up, on a token that the custodians have initialised.
fn installation() -> Installation {
    let installation = Installation::new(PIN);
    let init = r#"mkdir "$TOKENS" && softhsm2-util --init-token --free --label strongroom-dev \
        --pin "$(cat "$FOLDER/pin")" --so-pin 12345678"#;
    run(&installation, init).expect(0);
    installation
}

fn run(installation: &Installation, command: &str) -> Outcome {
    let folder = ("FOLDER", installation.dir.display().to_string());
    installation.shell(command, &[folder])
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn records(installation: &Installation) -> Vec<String> {
    installation.sql("select convert_from(record, 'UTF8') from audit_log order by written_at")
}

#[test]
fn the_transcript_is_the_first_record() {
    let [set_up, hash, fingerprint, prove]: [String; 4] =
        commands("ceremony.md").try_into().unwrap();
    let installation = installation();
    let done = run(&installation, &set_up).expect(0);
    let transcript = text(&installation.dir, "transcript");
    assert!(done.stdout.contains(&transcript), "{}", done.stdout);

    let [record]: [String; 1] = records(&installation).try_into().unwrap();
    let event: Value = serde_json::from_str(&record).unwrap();
    let facts = &event["requestParameters"];
    let own = |command: &str| run(&installation, command).expect(0).stdout;
    let hash = own(&hash)[..64].to_owned();
    assert_eq!(facts["transcriptSha256"], *hash);
    let last = transcript.lines().last().unwrap();
    assert_eq!(last, format!("SHA-256 of all lines above: {hash}"));
    assert_eq!(
        facts["auditKey"]["fingerprint"],
        own(&fingerprint)[..64],
        "of the key in the transcript"
    );
    assert_eq!(event["eventName"], "Ceremony");
    assert_eq!(
        event["userIdentity"]["invokedBy"],
        "strongroom init --ceremony"
    );
    assert_eq!(event["recipientAccountId"], "111122223333");
    let serial = own("softhsm2-util --show-slots | sed -n 's/.*Serial number: *//p' | head -1");
    let root_key = text(&installation.dir, "root-key");
    let deployment = installation.sql("select id from deployment").concat();
    for (fact, expected) in [
        (&facts["token"]["serial"], serial.trim()),
        (&facts["token"]["label"], "strongroom-dev"),
        (&facts["token"]["manufacturer"], "SoftHSM project"),
        (&facts["gatewayVersion"], env!("CARGO_PKG_VERSION")),
        (&facts["deployment"], &deployment),
        (&facts["pinCustody"][0]["custodian"], "Ada Lovelace"),
        (
            &facts["pinCustody"][1]["step"],
            "set the user PIN, sealed it in bag 0002",
        ),
        (&facts["witnesses"][1], "Edsger Dijkstra"),
        (&event["eventTime"], event["eventTime"].as_str().unwrap()),
    ] {
        assert_eq!(fact, expected);
        assert!(transcript.contains(expected), "{expected} in {transcript}");
    }
    let id = facts["rootAccessKeyId"].as_str().unwrap();
    assert!(root_key.contains(id) && transcript.contains(id));
    let secret = root_key.trim().rsplit('=').next().unwrap();
    for place in [&transcript, &record, &done.stdout, &done.stderr] {
        assert!(!place.contains(PIN) && !place.contains(secret), "{place}");
    }

    // Once only; and what is there stays as it is.
    let again = set_up.replace("root-key", "root-key-2");
    let again = again.replace("/transcript\"", "/transcript-2\"");
    let refused = run(&installation, &again).expect(1).stderr;
    assert!(
        refused.contains("the audit log has records already"),
        "{refused}"
    );
    let files = std::fs::read_dir(&installation.dir).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let new: Vec<_> = names.filter(|name| name.contains("-2")).collect();
    assert_eq!(new, Vec::<String>::new());
    assert_eq!(records(&installation), std::slice::from_ref(&record));

    // The log goes on from there.
    let settings = Settings::default().set("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", 1);
    let gateway = installation.serve(&settings, &installation.dir);
    let begun = Instant::now();
    while installation.sql("select count(*) from audit_checkpoint") == ["0"] {
        assert!(begun.elapsed() < PATIENCE, "{}", gateway.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let proven = own(&prove);
    assert!(proven.contains(&record), "{proven}");
    assert_eq!(
        installation.sql("select request_id from audit_log where leaf = 0"),
        [event["requestID"].as_str().unwrap()]
    );
}

#[test]
fn what_is_no_ceremony_is_refused() {
    let [set_up, ..] = &commands("ceremony.md")[..] else {
        panic!("no commands");
    };
    let installation = installation();
    let lines = |keep: fn(&&str) -> bool| -> String {
        let kept: Vec<_> = set_up.lines().filter(keep).collect();
        kept.join("\n").trim_end_matches('\\').to_owned()
    };
    // Nobody is at the terminal to be asked.
    let unwatched = lines(|line| !line.contains("--witness"));
    let nobodys = lines(|line| !line.contains("--custody"));
    for (command, status, complaint) in [
        (&unwatched, 1, "at least one witness"),
        (&nobodys, 1, "at least one PIN custody step"),
        (
            &set_up.replace("set the user PIN,", &format!("set the user PIN to {PIN},")),
            1,
            "holds the PIN itself",
        ),
        (
            &set_up.replace("Grace Hopper", "Grace\nHopper"),
            1,
            "are lines of",
        ),
        (&set_up.replace("Ada Lovelace: ", ""), 2, "NAME: WHAT"),
        (
            &set_up.replace(r#"--out "$FOLDER/root-key""#, ""),
            2,
            "--out",
        ),
    ] {
        let refused = run(&installation, command).expect(status).stderr;
        assert!(refused.contains(complaint), "{refused}");
        assert!(!refused.contains(PIN), "{refused}");
    }
    let tables = installation.sql("select count(*) from pg_tables where tablename = 'deployment'");
    assert_eq!(tables, ["0"], "nothing was begun");
    assert!(!installation.dir.join("transcript").exists());

    let plain = r#"strongroom init --config "$CONFIG" --account-id 111122223333"#;
    run(&installation, plain).expect(0);
    assert_eq!(records(&installation), Vec::<String>::new());
    let refused = run(&installation, set_up).expect(1).stderr;
    assert!(refused.contains("without a ceremony"), "{refused}");
    assert_eq!(records(&installation), Vec::<String>::new());
}
