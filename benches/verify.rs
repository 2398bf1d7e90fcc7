//! How long `strongroom audit verify` takes for ten million records, and how much memory:
//! `make verify-ten-million`. The targets are 60 seconds and 200 MB, on two cores.

use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use strongroom::audit::export::Writer;
use strongroom::audit::merkle::{Frontier, leaf_hash};
use strongroom::audit::{Checkpoint, Note, Signature, VerifierKey, origin};
use uuid::Uuid;

const DEPLOYMENT: Uuid = Uuid::from_u128(7);
/// As often as a gateway with a hundred requests a second makes one after a minute.
const CHECKPOINT_EVERY: u64 = 6000;

fn main() {
    // Whoever only wants to know that it works: `cargo test --benches`.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let records = std::env::var("VERIFY_RECORDS").ok();
    let records = records.map_or(10_000_000, |number| number.parse().unwrap());
    let records = if measured { records } else { 10_000 };
    let folder = tempfile::Builder::new()
        .prefix("verify-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .unwrap();
    let begun = Instant::now();
    let bytes = generate(folder.path(), records);
    println!(
        "{records} records, {bytes} bytes, written in {:.1?}",
        begun.elapsed()
    );

    let begun = Instant::now();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["audit", "verify"])
        .arg(folder.path().join("export"))
        .arg("--public-key")
        .arg(folder.path().join("audit.pub"))
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", verify.id()));
        peak = status.ok().as_deref().and_then(peak_kb).unwrap_or(peak);
        if let Some(status) = verify.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "verified in {seconds:.1} s: {:.0} records/s, {:.0} MB/s; at most {} MB of memory",
        records as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        peak / 1000,
    );
    assert!(status.success(), "{status}");
}

/// The most that the process has had in memory, in kB.
fn peak_kb(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Writes an export and its public key; answers the records' bytes.
fn generate(folder: &Path, records: u64) -> u64 {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let pair = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let spki = pair.public_key_to_der().unwrap();
    let key = VerifierKey::ecdsa(&origin(DEPLOYMENT), &spki).unwrap();
    std::fs::write(folder.join("audit.pub"), key.vkey().unwrap()).unwrap();

    let export = folder.join("export");
    let mut writer = Writer::create(&export, DEPLOYMENT, Frontier::default()).unwrap();
    let (mut tree, mut bytes) = (Frontier::default(), 0);
    for number in 0..records {
        let record = record(number);
        bytes += record.len() as u64 + 1;
        let hash = leaf_hash(record.as_bytes());
        writer.record(record.as_bytes(), &hash).unwrap();
        tree.push(hash);
        if tree.size() % CHECKPOINT_EVERY == 0 || tree.size() == records {
            writer.checkpoint(&checkpoint(&tree, &pair, &key)).unwrap();
        }
    }
    writer.finish().unwrap();
    bytes
}

fn checkpoint(tree: &Frontier, pair: &PKey<Private>, key: &VerifierKey) -> String {
    let origin = origin(DEPLOYMENT);
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        size: tree.size(),
        root: tree.root(),
    };
    let text = checkpoint.to_string();
    let mut signer = Signer::new(MessageDigest::sha256(), pair).unwrap();
    let signature = Signature {
        name: origin,
        key_id: key.id(),
        signature: signer.sign_oneshot_to_vec(text.as_bytes()).unwrap(),
    };
    Note::new(text).unwrap().signed(signature).to_string()
}

/// As a gateway writes one of an Encrypt.
fn record(number: u64) -> String {
    let id = Uuid::from_u128(u128::from(number) << 64 | 0x5742);
    let (second, nanos) = (number / 100 % 60, number * 997 % 1_000_000_000);
    format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-11-28T19:39:{second:02}.{nanos:09}Z","eventSource":"kms.amazonaws.com","eventName":"Encrypt","awsRegion":"eu-north-1","sourceIPAddress":"10.0.{}.{}","userAgent":"aws-sdk-rust/1.3.16 os/linux lang/rust/1.95.0","userIdentity":{{"type":"IAMUser","principalId":"AIDAJ7AJSKNWEWDZAWDLQ","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/app-{}","userName":"app-{}","accessKeyId":"AKIAJ7AJSKNWEWDZAWDL"}},"requestParameters":{{"EncryptionAlgorithm":"SYMMETRIC_DEFAULT","EncryptionContext":{{"tenant":"{}"}},"KeyId":"alias/app"}},"responseElements":null,"requestID":"{id}","eventID":"{id}","readOnly":true,"resources":[{{"ARN":"arn:aws:kms:eu-north-1:111122223333:key/a28deb6a-a6d8-4abb-b5f0-ae6bc23e5a13","type":"AWS::KMS::Key"}}],"eventType":"AwsApiCall","recipientAccountId":"111122223333"}}"#,
        number / 256 % 256,
        number % 256,
        number % 97,
        number % 97,
        number % 10_007,
    )
}
