//! Exports that were made to deceive, or to do harm: whoever verifies one does not trust who made it.

use crate::log::{DEPLOYMENT, Log, Signer, alone, folder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::path::Path;
use strongroom::audit::export::Writer;
use strongroom::audit::merkle::Frontier;
use strongroom::audit::verify::{Anchors, Finding, Verification, verify};
use strongroom::audit::{Growth, Receipt, VerifierKey};

const FILES: [&str; 4] = [
    "records.jsonl",
    "leaves.bin",
    "checkpoints.jsonl",
    "export.json",
];

fn verified(folder: &Path, key: &VerifierKey) -> io::Result<Verification> {
    verify(folder, alone(key), Anchors::default(), |_| ())
}

/// What says that the records of the whole log are in an archive.
#[test]
fn an_export_of_nothing_is_not_right() {
    let signer = Signer::new();
    for nodes in [vec![], vec![[7; 32], [8; 32]]] {
        let size = match nodes.len() {
            0 => 0,
            _ => 1 << 40 | 1,
        };
        let (_kept, folder) = folder();
        let before = Frontier::new(size, nodes).unwrap();
        let writer = Writer::create(&folder, DEPLOYMENT, before).unwrap();
        writer.finish().unwrap();
        let found = verified(&folder, &signer.key).unwrap();
        assert_eq!(found.findings, [Finding::Unproven], "of {size}");
        assert_eq!(found.proven, 0);
    }
    // Nor is anything proven of what comes before records that no checkpoint covers.
    let mut log = Log::new(&signer, 30, 10);
    log.checkpoints.clear();
    let found = log.verified_from(20, &signer.key, Anchors::default());
    assert_eq!(found.findings, [Finding::Unsigned { from: 20, to: 30 }]);
    assert_eq!(found.proven, 0);
}

/// The numbers of an export that begins at the end of what there can be.
#[test]
fn no_number_is_too_large() {
    let signer = Signer::new();
    let log = Log::new(&signer, 30, 10);
    let whole = vec![STANDARD.encode([7; 32]); 64];
    for (first, size, frontier) in [
        (0, u64::MAX, &whole[..0]),
        (u64::MAX, u64::MAX, &whole[..]),
        (u64::MAX - 1, u64::MAX, &whole[..63]),
        (1 << 63, u64::MAX, &whole[..1]),
    ] {
        let (_kept, folder) = folder();
        log.export(&folder, 0);
        let manifest = serde_json::json!({
            "format": "strongroom/audit-export/v1", "deployment": DEPLOYMENT,
            "first": first, "size": size, "frontier": frontier,
        });
        std::fs::write(folder.join("export.json"), manifest.to_string()).unwrap();
        let found = verified(&folder, &signer.key).unwrap();
        assert!(!found.is_right(), "{first} to {size}");
        let said: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
        assert!(!said.is_empty());
    }
}

#[test]
fn lines_without_an_end_and_ends_without_a_line_fill_no_memory() {
    let signer = Signer::new();
    let log = Log::new(&signer, 30, 10);
    for (bytes, said) in [
        (vec![b'\n'; 1 << 21], "too short"),
        (vec![b'x'; 1 << 25], "longer than"),
    ] {
        let (_kept, folder) = folder();
        log.export(&folder, 0);
        std::fs::write(folder.join("records.jsonl"), bytes).unwrap();
        let error = verified(&folder, &signer.key).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// Whatever is done to a byte, or to the end of a file: no panic; and of what is signed, nothing changed
/// is right.
#[test]
fn no_changed_byte_is_right() {
    let signer = Signer::new();
    let mut log = Log::new(&signer, 12, 5);
    let (_kept, folder) = folder();
    log.checkpoints.push({
        let mut tree = Frontier::default();
        log.leaves.iter().for_each(|leaf| tree.push(*leaf));
        signer.checkpoint(12, tree.root())
    });
    log.export(&folder, 5);
    assert!(verified(&folder, &signer.key).unwrap().is_right());
    for file in FILES {
        let path = folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let cut = whole[..at].to_vec();
            for changed in [flipped, cut] {
                std::fs::write(&path, &changed).unwrap();
                // The hashes of the tree, beside the records, name what is wrong, and prove nothing.
                let matters = file != "leaves.bin";
                let found = verified(&folder, &signer.key);
                let right = found.is_ok_and(|found| found.is_right());
                let same = same(file, &whole, &changed);
                assert!(!right || same || !matters, "{file}, byte {at}: {changed:?}");
            }
        }
        std::fs::write(&path, whole).unwrap();
    }
}

/// Whether two files say the same: the last line may lack its end, and JSON has its spaces; base64 and
/// signatures are what is decoded.
fn same(file: &str, before: &[u8], after: &[u8]) -> bool {
    match file {
        "records.jsonl" => before.strip_suffix(b"\n") == Some(after),
        "checkpoints.jsonl" => {
            let notes = |bytes: &[u8]| -> Option<Vec<serde_json::Value>> {
                let lines = bytes.split(|byte| *byte == b'\n');
                let lines = lines.filter(|line| !line.is_empty());
                lines
                    .map(|line| serde_json::from_slice(line).ok())
                    .collect()
            };
            // Fewer of them are no more than an export with fewer; the last one has to be there.
            let (before, after) = (notes(before), notes(after));
            after.is_some()
                && before.as_ref().and_then(|all| all.last())
                    == after.as_ref().and_then(|all| all.last())
        }
        _ => {
            let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok();
            value(after).is_some() && value(before) == value(after)
        }
    }
}

#[test]
fn no_receipt_makes_it_panic() {
    let signer = Signer::new();
    let log = Log::new(&signer, 12, 4);
    let record = log.records[3].clone().unwrap();
    let receipt = Receipt {
        record,
        leaf: 3,
        proof: vec![[1; 32]; 2],
        checkpoint: log.checkpoints[0].clone(),
    };
    let growth = Growth::new(
        log.checkpoints[0].clone(),
        log.checkpoints[1].clone(),
        &[[1; 32]; 3],
    );
    let growth = serde_json::to_string(&growth).unwrap();
    for whole in [receipt.to_string(), growth] {
        for at in (1..whole.len()).filter(|at| whole.is_char_boundary(*at)) {
            for text in [whole[..at].to_owned(), whole[at..].to_owned()] {
                let right = Receipt::parse(&text).is_ok_and(|it| it.verify(&signer.key).is_ok())
                    || Growth::parse(&text).is_ok_and(|it| it.verify(&signer.key).is_ok());
                assert!(!right, "{text}");
            }
        }
    }
    for (leaf, proof) in [(u64::MAX, 0), (4, 2), (3, 64), (3, 1000)] {
        let text = receipt
            .to_string()
            .replace("index 3", &format!("index {leaf}"));
        let mut receipt = Receipt::parse(&text).unwrap();
        receipt.proof = vec![[1; 32]; proof];
        assert!(receipt.verify(&signer.key).is_err());
    }
}
