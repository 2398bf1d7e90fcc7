//! Promises 2 and 5: nothing secret is in any database or log that the other tests have left.
//!
//! `make test` runs this last. What is looked through is in `remains/`, by `tests/support/dev.rs`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use strongroom::operation::OperationName;

/// The last gateways stop when the last test process has ended.
const PATIENCE: Duration = Duration::from_secs(90);
/// That a whole test run has at least.
const GATEWAYS: usize = 20;
const SECRETS: usize = 300;

#[test]
#[ignore = "looks through what all other tests have left: after them"]
fn no_dump_and_no_log_holds_a_secret() {
    let remains = remains();
    let mut secrets = Secrets::default();
    for folder in &remains {
        let list = std::fs::read_to_string(folder.join("secrets")).unwrap();
        for line in list.lines() {
            let (what, secret) = line.rsplit_once(' ').unwrap();
            secrets.add(what, &STANDARD.decode(secret).unwrap());
        }
    }
    let (mut leaks, mut operations) = (BTreeSet::new(), BTreeSet::new());
    for folder in &remains {
        for name in ["dump", "log", "postgres"] {
            let length = std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
            assert!(length > 0, "{} has no {name}", folder.display());
        }
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("secrets") {
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            let mut look = |content: &[u8]| {
                for what in secrets.found_in(content) {
                    leaks.insert(format!("{what} is in {}", path.display()));
                }
            };
            look(&content);
            if path.ends_with("dump") {
                let rows = bytea(&content);
                look(&rows);
                operations.extend(event_names(&rows));
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");

    // Having looked at little, it would have found nothing.
    for operation in OperationName::ALL {
        let name = operation.as_str();
        assert!(operations.contains(name), "no record of {name}");
    }
    let (gateways, secrets) = (remains.len(), secrets.count);
    let looked_for = format!("{secrets} secrets of {gateways} gateways");
    assert!(
        gateways >= GATEWAYS && secrets >= SECRETS,
        "only {looked_for}"
    );
    println!("{looked_for}");
}

#[test]
fn a_secret_would_be_found_in_every_form() {
    let mut secrets = Secrets::default();
    secrets.add("short", b"\x00\xff a secret");
    secrets.add(
        "long",
        &[
            b"begins like this, and goes ",
            "on and on ".repeat(50).as_bytes(),
        ]
        .concat(),
    );
    for secret in ["\\000\\377 a secret", "short"] {
        assert_eq!(secrets.found_in(secret.as_bytes()), Vec::<&str>::new());
    }
    let json = format!(r#"{{"p":"{}"}}"#, STANDARD.encode(b"\x00\xff a secret"));
    let copy = format!("1\t\\\\x{}\tx\n", "7b00ff206120736563726574ff");
    let long = STANDARD.encode(b"begins like this, and goes elsewhere");
    for (what, place) in [
        ("short", b"...\x00\xff a secret...".as_slice()),
        ("short", b"\x00\xff a secret"),
        ("short", json.as_bytes()),
        ("short", copy.as_bytes()),
        ("short", &bytea(copy.as_bytes())),
        ("short", b"00FF2061207365637265740A"),
        (
            "short",
            b"Plaintext([0, 255, 32, 97, 32, 115, 101, 99, 114, 101, 116])",
        ),
        ("long", b"Member 'begins like this, and goes elsewhere'"),
        ("long", long.as_bytes()),
        ("long", "on and on ".repeat(4).as_bytes()),
    ] {
        let shown = String::from_utf8_lossy(place);
        assert_eq!(secrets.found_in(place), [what], "{shown}");
    }
}

/// The folders that gateways have left, once all is in them.
fn remains() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("remains");
    let folders: Vec<PathBuf> = std::fs::read_dir(&all)
        .unwrap_or_else(|error| panic!("{}: {error}: no test has run", all.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    let begun = Instant::now();
    for folder in &folders {
        while folder.join("running").exists() {
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "{} still runs", folder.display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    folders
}

/// So many bytes of a secret are looked for at a time: it may have been cut off. A multiple of three,
/// so that the base64 of the whole holds the base64 of these.
const PIECE: usize = 24;
/// So many bytes of a form are looked up at a time.
const SHINGLE: usize = 8;
const FILTER_BITS: u32 = 20;

/// Secrets, in every form, found in one pass over a text.
#[derive(Default)]
struct Secrets {
    count: usize,
    /// The forms, by their first bytes.
    forms: HashMap<u64, Vec<(Vec<u8>, String)>>,
    /// Which hashes of first bytes occur at all: nearly every place is done with here.
    filter: Vec<bool>,
}

impl Secrets {
    fn add(&mut self, what: &str, secret: &[u8]) {
        self.filter.resize(1 << FILTER_BITS, false);
        // PKCS#8 keys all begin in the same way; a third of the way in is what is secret of them.
        let third = secret.len() / 9 * 3;
        let pieces = [
            Some(&secret[..secret.len().min(PIECE)]),
            secret.get(third..third + PIECE),
        ];
        // One byte over and over, zeros above all, is found by chance.
        let pieces = pieces.into_iter().flatten();
        let pieces = pieces.filter(|piece| piece.iter().any(|byte| *byte != piece[0]));
        let new = pieces.filter(|piece| self.add_piece(what, piece));
        self.count += usize::from(new.count() > 0);
    }

    /// Answers whether it was not known.
    fn add_piece(&mut self, what: &str, piece: &[u8]) -> bool {
        let hex: String = piece.iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal: Vec<String> = piece.iter().map(u8::to_string).collect();
        let mut new = false;
        for form in [
            piece.to_vec(),
            STANDARD.encode(&piece[..piece.len() / 3 * 3]).into(), // whatever follows
            hex.to_uppercase().into(),
            hex.into(),
            decimal.join(", ").into(), // as `Debug` shows bytes
            decimal.join(",").into(),  // as serde does
        ] {
            let shingle = form[..SHINGLE].iter().fold(0, followed_by);
            self.filter[hash(shingle)] = true;
            let forms = self.forms.entry(shingle).or_default();
            if forms.iter().all(|(known, _)| *known != form) {
                forms.push((form, what.to_owned()));
                new = true;
            }
        }
        new
    }

    /// Which secrets are in this text.
    fn found_in(&self, text: &[u8]) -> Vec<&str> {
        let (mut found, mut shingle) = (Vec::new(), 0);
        for (end, byte) in text.iter().enumerate() {
            shingle = followed_by(shingle, byte);
            if end + 1 < SHINGLE || !self.filter[hash(shingle)] {
                continue;
            }
            let rest = &text[end + 1 - SHINGLE..];
            let forms = self.forms.get(&shingle).into_iter().flatten();
            let here = forms.filter(|(form, _)| rest.starts_with(form));
            found.extend(here.map(|(_, what)| what.as_str()));
        }
        found
    }
}

/// The shingle that ends one byte further on.
fn followed_by(shingle: u64, byte: &u8) -> u64 {
    shingle << 8 | u64::from(*byte)
}

/// Fibonacci hashing.
fn hash(shingle: u64) -> usize {
    (shingle.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS)) as usize
}

/// What a dump has in hexadecimal, one value after the other: records are searched as what they say.
fn bytea(dump: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    let digit = |at: usize| (*dump.get(at)? as char).to_digit(16);
    while at < dump.len() {
        if !dump[at..].starts_with(b"\\\\x") {
            at += 1;
            continue;
        }
        at += 3;
        while let (Some(high), Some(low)) = (digit(at), digit(at + 1)) {
            bytes.push((high << 4 | low) as u8);
            at += 2;
        }
        bytes.push(b'\n');
    }
    bytes
}

/// The operations that there are records of.
fn event_names(rows: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(rows);
    text.split("\"eventName\":\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}
