//! The verifier alone, on exports of logs that are made in memory.

use crate::log::{Log, Signer, alone, folder, record};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use strongroom::audit::verify::{
    AnchorError, Anchors, CheckpointFault, Finding, Keys, RecordFault, RecordId, Witnessed, verify,
};
use strongroom::audit::{Note, NoteError, Signature, VerifierKey};

fn id(number: u64) -> RecordId {
    RecordId {
        event_id: Some(format!("event-{number}")),
        request_id: Some(format!("request-{number}")),
        event_name: Some("Encrypt".into()),
        event_time: None,
    }
}

/// The record of a leaf does not fit, and it is record `number` that is there.
fn wrong(leaf: u64, number: u64, fault: RecordFault, more: u64) -> Vec<Finding> {
    vec![Finding::Record {
        leaf,
        record: id(number),
        fault,
        more,
    }]
}

fn rewritten(from: u64, to: u64) -> Vec<Finding> {
    let record = id(from);
    vec![Finding::Rewritten { from, to, record }]
}

fn anchor(text: &str, key: &VerifierKey) -> Anchors {
    let mut anchors = Anchors::default();
    anchors.add("elsewhere", text, key).unwrap();
    anchors
}

#[test]
fn a_log_as_it_was_signed_is_right_from_any_leaf_on() {
    let signer = Signer::new();
    let log = Log::new(&signer, 1000, 100);
    for first in [0, 1, 99, 100, 101, 777, 900, 999, 1000] {
        let verified = log.verified_from(first, &signer.key, Anchors::default());
        assert_eq!(verified.findings, [], "from {first}");
        assert_eq!((verified.first, verified.size), (first as u64, 1000));
        assert_eq!(verified.proven, 1000);
        let of_no_use = (first as u64).div_ceil(100).saturating_sub(1);
        let before = if first == 0 { 0 } else { of_no_use };
        assert_eq!(verified.checkpoints, 10 - before, "from {first}");
    }
}

#[test]
fn records_of_many_blocks_stay_in_order() {
    let signer = Signer::new();
    let long = "x".repeat(40_000);
    let log = Log::of((0..400).map(|number| record(number, &long)), &signer, 7);
    let mut progress = Vec::new();
    let (_kept, folder) = folder();
    let mut log = log;
    log.records[333].as_mut().unwrap()[39_000] = b'y';
    log.export(&folder, 0);
    let verified = verify(&folder, alone(&signer.key), Anchors::default(), |done| {
        progress.push(done);
    });
    let findings = verified.unwrap().findings;
    assert_eq!(findings[..1], wrong(333, 333, RecordFault::Differs, 0));
    assert!(progress.len() > 5 && progress.is_sorted() && progress.last() == Some(&400));
}

#[test]
fn an_edited_record_is_named() {
    let signer = Signer::new();
    let mut log = Log::new(&signer, 30, 10);
    log.records[13] = Some(record(13, "nobody"));
    let verified = log.verified(&signer.key, Anchors::default());
    assert_eq!(verified.findings, wrong(13, 13, RecordFault::Differs, 0));
    assert_eq!((verified.proven, verified.checkpoints), (10, 3));
    let said = verified.findings[0].to_string();
    assert!(
        said.starts_with("leaf 13 (eventID event-13, requestID request-13"),
        "{said}"
    );

    // A newline in it moves no other.
    log.records[13] = Some(b"two\nlines".to_vec());
    let findings = log.findings(&signer.key);
    assert!(matches!(findings[..], [Finding::Record { leaf: 13, .. }]));

    // With its hash in the tree too, what was signed is where it is found.
    log.records[13] = Some(record(13, "nobody"));
    log.hash_again();
    assert_eq!(log.findings(&signer.key), rewritten(10, 20));
}

#[test]
fn every_interval_is_judged_by_itself() {
    let signer = Signer::new();
    let mut log = Log::new(&signer, 40, 10);
    for number in [3, 4, 5, 27] {
        log.records[number as usize] = Some(record(number, "nobody"));
    }
    log.leaves[15] = [7; 32];
    let leaf_hash = Finding::LeafHash {
        leaf: 15,
        record: id(15),
    };
    let expected = [
        wrong(3, 3, RecordFault::Differs, 2),
        vec![leaf_hash],
        wrong(27, 27, RecordFault::Differs, 0),
    ];
    assert_eq!(log.findings(&signer.key), expected.concat());
}

#[test]
fn a_dropped_record_is_named() {
    let signer = Signer::new();
    let mut log = Log::new(&signer, 30, 10);
    log.records[13] = None;
    let gone = Finding::Record {
        leaf: 13,
        record: RecordId::default(),
        fault: RecordFault::Missing,
        more: 0,
    };
    assert_eq!(log.findings(&signer.key), [gone]);

    // And where those after it have moved up.
    let mut log = Log::new(&signer, 30, 10);
    log.records.remove(13);
    log.records.push(Some(record(30, "app")));
    let findings = log.findings(&signer.key);
    assert_eq!(findings[..1], wrong(13, 14, RecordFault::OfLeaf(14), 6));
    log.hash_again();
    assert_eq!(log.findings(&signer.key), rewritten(10, 20));
}

#[test]
fn reordered_records_are_named() {
    let signer = Signer::new();
    let mut log = Log::new(&signer, 30, 10);
    log.records.swap(11, 18);
    assert_eq!(
        log.findings(&signer.key),
        wrong(11, 18, RecordFault::OfLeaf(18), 1)
    );
    log.hash_again();
    assert_eq!(log.findings(&signer.key), rewritten(10, 20));
}

#[test]
fn an_inserted_record_is_named() {
    let signer = Signer::new();
    let mut log = Log::new(&signer, 30, 10);
    log.records.insert(25, Some(record(99, "nobody")));
    let findings = log.findings(&signer.key);
    assert_eq!(findings, wrong(25, 99, RecordFault::Differs, 4));
    log.hash_again();
    let unsigned = Finding::Unsigned { from: 20, to: 31 };
    assert_eq!(log.findings(&signer.key)[..1], rewritten(20, 30));
    log.checkpoints.pop();
    assert_eq!(log.findings(&signer.key), [unsigned]);
}

#[test]
fn a_fork_is_seen_by_an_anchor() {
    let signer = Signer::new();
    let log = Log::new(&signer, 30, 10);
    let before: Vec<String> = log.checkpoints.clone();
    // A database that was put back to leaf 15, and went on from there.
    let other = (0..15).map(|number| record(number, "app"));
    let other = other.chain((15..40).map(|number| record(number, "other")));
    let other = Log::of(other, &signer, 10);
    assert_eq!(other.findings(&signer.key), [], "no export alone shows it");

    let agreeing = other.verified(&signer.key, anchor(&before[0], &signer.key));
    assert_eq!((agreeing.findings.len(), agreeing.anchors), (0, 1));
    let fork = |agreed, size| Finding::Fork {
        agreed,
        size,
        anchor: "elsewhere".into(),
    };
    let all = anchor(&before.concat(), &signer.key);
    let found = other.verified(&signer.key, all);
    assert_eq!(found.findings, [fork(10, 20), fork(10, 30)]);

    // Both in one export.
    let mut both = other;
    both.checkpoints.insert(2, before[1].clone());
    let fork = Finding::Fork {
        agreed: 0,
        size: 20,
        anchor: "a checkpoint of its own".into(),
    };
    assert_eq!(both.findings(&signer.key), [fork]);
}

#[test]
fn a_cut_off_end_is_seen_by_an_anchor() {
    let signer = Signer::new();
    let whole = Log::new(&signer, 30, 10);
    let mut cut = Log::new(&signer, 30, 10);
    cut.records.truncate(20);
    cut.leaves.truncate(20);
    let off = |anchor: &str| Finding::CutOff {
        size: 20,
        signed: 30,
        anchor: anchor.into(),
    };
    let own = cut.findings(&signer.key);
    assert_eq!(own, [off("a checkpoint of its own")]);
    cut.checkpoints.pop();
    assert_eq!(cut.findings(&signer.key), [], "nothing is left that tells");
    for text in [&whole.checkpoints[2], "30\n"] {
        let found = cut.verified(&signer.key, anchor(text, &signer.key));
        assert_eq!(found.findings, [off("elsewhere")]);
    }
    let found = cut.verified(&signer.key, anchor("20", &signer.key));
    assert_eq!((found.findings.len(), found.anchors), (0, 1));

    // Between two checkpoints: the last records are signed by nothing.
    let mut cut = Log::new(&signer, 25, 10);
    let unsigned = Finding::Unsigned { from: 20, to: 25 };
    assert_eq!(cut.findings(&signer.key), std::slice::from_ref(&unsigned));
    cut.records[23] = Some(record(23, "nobody"));
    let mut expected = wrong(23, 23, RecordFault::Undecided, 0);
    expected.push(unsigned);
    assert_eq!(cut.findings(&signer.key), expected);
}

#[test]
fn checkpoints_are_verified() {
    let signer = Signer::new();
    let fault = |line, fault| Finding::Checkpoint { line, fault };
    let mut log = Log::new(&signer, 30, 10);
    let stranger = Signer::new();
    log.checkpoints[0] = stranger.checkpoint(10, [7; 32]);
    log.checkpoints[1] = log.checkpoints[1].replace("\n20\n", "\n21\n");
    log.checkpoints.push(log.checkpoints[2].clone());
    log.checkpoints.push(signer.checkpoint(10, [7; 32]));
    log.checkpoints.push("nothing".into());
    assert_eq!(
        log.findings(&signer.key),
        [
            fault(1, CheckpointFault::NotSigned),
            fault(2, CheckpointFault::Forged),
            fault(5, CheckpointFault::OutOfOrder),
            fault(6, CheckpointFault::Malformed),
        ]
    );
    let all = Log::new(&signer, 30, 10).findings(&stranger.key);
    assert_eq!(
        all.len(),
        4,
        "three checkpoints, and records in none: {all:?}"
    );
}

#[test]
fn files_that_end_early_or_late_are_seen() {
    let signer = Signer::new();
    let log = Log::new(&signer, 30, 10);
    let changed = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let (_kept, folder) = folder();
        log.export(&folder, 0);
        let path = folder.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        verify(&folder, alone(&signer.key), Anchors::default(), |_| ()).map(|found| found.findings)
    };
    let short = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let findings = changed("records.jsonl", &short).unwrap();
    assert!(
        matches!(findings[0], Finding::Record { leaf: 15, .. }),
        "{findings:?}"
    );
    let findings = changed("leaves.bin", &short).unwrap();
    assert_eq!(findings, [], "the records alone are enough");
    let long = |bytes: &mut Vec<u8>| bytes.extend_from_slice(b"{}\n");
    let findings = changed("records.jsonl", &long).unwrap();
    assert_eq!(findings, [Finding::Surplus { leaf: 30 }]);
    let both = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("\"size\": 30", "\"size\": 31").into_bytes();
    };
    let findings = changed("export.json", &both).unwrap();
    assert_eq!(findings, [Finding::Short { leaf: 30 }]);
    assert!(changed("export.json", &short).is_err());
    let no_newline = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    assert_eq!(changed("records.jsonl", &no_newline).unwrap(), []);
}

#[test]
fn a_frontier_that_is_another_is_seen() {
    let signer = Signer::new();
    let mut log = Log::new(&signer, 30, 10);
    log.leaves[3] = [7; 32];
    let found = log.verified_from(12, &signer.key, Anchors::default());
    assert_eq!(found.findings, rewritten(12, 20));
}

#[test]
fn anchors_are_read_from_what_there_is() {
    let signer = Signer::new();
    let log = Log::new(&signer, 30, 10);
    let key = &signer.key;
    let json = |note: &String| serde_json::json!({ "note": note }).to_string();
    let lines: Vec<String> = log.checkpoints.iter().map(json).collect();
    for text in [
        log.checkpoints.concat(),
        log.checkpoints.join("\n"),
        lines.join("\n"),
        lines.join("\n<110>1 2026-01-01T00:00:00Z host strongroom - checkpoint - "),
    ] {
        let found = log.verified(key, anchor(&text, key));
        assert_eq!((found.findings.len(), found.anchors), (0, 3), "{text}");
        let found = log.verified_from(20, key, anchor(&text, key));
        assert_eq!((found.anchors, found.anchors_before), (2, 1));
    }
    let mut anchors = Anchors::default();
    assert_eq!(
        anchors.add("a", "no anchor\n", key),
        Err(AnchorError::Note(1, NoteError::Malformed))
    );
    assert_eq!(anchors.add("a", "", key), Err(AnchorError::None));
    let forged = log.checkpoints[1].replace("\n20\n", "\n21\n");
    let forged = anchors.add("a", &forged, key);
    assert_eq!(forged, Err(AnchorError::Note(5, NoteError::Forged)));
    let note = signer.sign("no checkpoint\n".into());
    assert_eq!(
        anchors.add("a", &note, key),
        Err(AnchorError::NoCheckpoint(3))
    );
}

#[test]
fn a_witness_has_to_have_cosigned() {
    let signer = Signer::new();
    let pair = PKey::generate_ed25519().unwrap();
    let raw = [&[4], pair.raw_public_key().unwrap().as_slice()].concat();
    let name = "witness.example/w1";
    let id = &sha256(&[name.as_bytes(), b"\n", &raw].concat())[..4];
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let vkey = format!("{name}+{hex}+{}", STANDARD.encode(&raw));
    let witness = VerifierKey::parse_vkey(&vkey).unwrap();
    let cosigned = |note: &str, time: u64| {
        let note = Note::parse(note).unwrap();
        let text = format!("cosignature/v1\ntime 7\n{}", note.text());
        let mut ed25519 = openssl::sign::Signer::new_without_digest(&pair).unwrap();
        let signature = ed25519.sign_oneshot_to_vec(text.as_bytes()).unwrap();
        let cosignature = Signature {
            name: name.into(),
            key_id: witness.id(),
            signature: [time.to_be_bytes().as_slice(), &signature].concat(),
        };
        note.signed(cosignature).to_string()
    };
    let verified = |log: &Log| {
        let (_kept, folder) = folder();
        log.export(&folder, 0);
        let witnesses = std::slice::from_ref(&witness);
        let keys = Keys {
            log: &signer.key,
            witnesses,
        };
        verify(&folder, keys, Anchors::default(), |_| ()).unwrap()
    };
    let mut log = Log::new(&signer, 30, 10);
    let witness = name.to_owned();
    let none = Finding::NotWitnessed { witness };
    assert_eq!(verified(&log).findings, [none]);
    log.checkpoints[1] = cosigned(&log.checkpoints[1], 7);
    let found = verified(&log);
    let witness = name.to_owned();
    assert_eq!(found.findings, []);
    assert_eq!(found.witnessed, [Witnessed { witness, size: 20 }]);
    log.checkpoints[2] = cosigned(&log.checkpoints[2], 8);
    let found = verified(&log).findings;
    let fault = CheckpointFault::Cosignature;
    assert_eq!(found.last(), Some(&Finding::Checkpoint { line: 3, fault }));
}
