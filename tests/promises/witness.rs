//! A witness cosigns the checkpoints of a log that goes on, across restarts, and of no other.

use crate::audit_log::{count, cut_off, key, often, until, use_it};
use crate::dev::{Dev, scratch};
use crate::postgres::sql;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{PKey, Private};
use openssl::sha::sha256;
use openssl::sign::Signer;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use strongroom::audit::merkle::{Hash, proof};
use strongroom::audit::{Checkpoint, Note, Signature, VerifierKey};

const NAME: &str = "witness.example/w1";

/// As <https://c2sp.org/tlog-witness> has it, but for the log's key: the test looks at that.
struct Witness {
    pair: PKey<Private>,
    last: Mutex<(u64, Hash)>,
}

impl Witness {
    fn start() -> (Arc<Self>, u16) {
        let witness = Arc::new(Self {
            pair: PKey::generate_ed25519().unwrap(),
            last: Mutex::new((0, [0; 32])),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = witness.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serving.serve(stream.unwrap());
            }
        });
        (witness, port)
    }

    fn key_id(&self) -> [u8; 4] {
        let public = self.pair.raw_public_key().unwrap();
        let id = sha256(&[NAME.as_bytes(), b"\n\x04", &public].concat());
        id[..4].try_into().unwrap()
    }

    fn vkey(&self) -> String {
        let public = self.pair.raw_public_key().unwrap();
        let id: String = self.key_id().iter().map(|b| format!("{b:02x}")).collect();
        let key = STANDARD.encode([b"\x04", &public[..]].concat());
        format!("{NAME}+{id}+{key}")
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = match first.starts_with("POST /w1/add-checkpoint HTTP/1.1") {
            true => self.answer(std::str::from_utf8(&body).unwrap()),
            false => ("404 Not Found", String::new()),
        };
        let length = answer.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + &answer).as_bytes()).unwrap();
    }

    fn answer(&self, body: &str) -> (&'static str, String) {
        let (head, note) = body.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let old = lines.next().unwrap().strip_prefix("old ").unwrap();
        let hashes = lines.map(|line| STANDARD.decode(line).unwrap().try_into().unwrap());
        let hashes: Vec<Hash> = hashes.collect();
        let note = Note::parse(note).unwrap();
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        let mut last = self.last.lock().unwrap();
        if old != last.0.to_string() || last.0 > checkpoint.size {
            return ("409 Conflict", format!("{}\n", last.0));
        }
        let (size, root) = (checkpoint.size, checkpoint.root);
        if !proof::is_consistent(last.0, &last.1, size, &root, &hashes) {
            return ("422 Unprocessable Entity", String::new());
        }
        *last = (size, root);
        let message = format!("cosignature/v1\ntime 1700000000\n{}", note.text());
        let mut signer = Signer::new_without_digest(&self.pair).unwrap();
        let made = signer.sign_oneshot_to_vec(message.as_bytes()).unwrap();
        let cosignature = Signature {
            name: NAME.into(),
            key_id: self.key_id(),
            signature: [&1_700_000_000_u64.to_be_bytes()[..], &made].concat(),
        };
        // And one by somebody else, which is to be ignored.
        let stranger = Signature {
            name: "stranger".into(),
            ..cosignature.clone()
        };
        ("200 OK", format!("{stranger}\n{cosignature}\n"))
    }
}

/// The note of the newest checkpoint.
fn newest(dev: &Dev) -> String {
    let note = "select note from audit_checkpoint order by size desc limit 1";
    sql(dev, note).join("\n")
}

#[tokio::test]
async fn checkpoints_are_cosigned_as_long_as_the_log_goes_on() {
    let dev = Dev::start_where(
        &scratch(),
        &[
            ("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", "3600"),
            ("STRONGROOM_AUDIT_TOKEN_ANCHOR_SECONDS", "0"),
        ],
    );
    let id = key(&dev.client()).await;
    // The first is at once, without a witness, and its next in an hour.
    until("its own checkpoint", || !newest(&dev).is_empty()).await;
    let (witness, port) = Witness::start();
    let public = VerifierKey::parse_vkey(&witness.vkey()).unwrap();
    let section = format!(
        "{{ w1 = {{ url = 'http://127.0.0.1:{port}/w1', key = '{}' }} }}",
        witness.vkey()
    );
    let settings = often()
        .set("STRONGROOM_WITNESS", section)
        .set("STRONGROOM_AUDIT_TOKEN_ANCHOR_SECONDS", 0);
    // The newest checkpoint covers everything and has the cosignature.
    let is_cosigned = || {
        let Ok(note) = Note::parse(&newest(&dev)) else {
            return false; // there is none yet
        };
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        let all = count(&dev, "select count(*) from audit_log");
        checkpoint.size == all as u64 && note.verify(&public).is_ok()
    };
    // The second one has to ask what the witness has seen.
    for least in [6, 11] {
        let gateway = settings.serve(&dev);
        use_it(&gateway.client(&dev), &id, 5).await;
        until("it is cosigned", is_cosigned).await;
        assert!(witness.last.lock().unwrap().0 >= least);
        assert_eq!(newest(&dev).matches('\u{2014}').count(), 2);
        gateway.kill();
    }
    let seen = witness.last.lock().unwrap().0;
    cut_off(&dev, seen as i64 - 4);
    let gateway = settings.serve(&dev);
    use_it(&gateway.client(&dev), &id, 1).await;
    gateway.wait_for(&format!("it has signed another log, of {seen} records"));
    use_it(&gateway.client(&dev), &id, 5).await;
    gateway.wait_for("it has seen another log");
    assert!(!is_cosigned());
}
