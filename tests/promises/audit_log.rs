//! The audit log is sequenced and signed whoever dies, forwarded at least once, and not signed where it
//! is not the log any more that was signed before.

use crate::crash::Scene;
use crate::dev::{Dev, scratch};
use crate::gateway::{Gateway, Settings};
use crate::postgres::sql;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

pub fn often() -> Settings {
    Settings::default()
        .set("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", 1)
        .set("STRONGROOM_AUDIT_TOKEN_ANCHOR_SECONDS", 1)
}

pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn key(client: &Client) -> String {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

/// As many records, whatever comes of them.
pub async fn use_it(client: &Client, key: &str, times: usize) {
    for _ in 0..times {
        let sealed = client.encrypt().key_id(key).plaintext(Blob::new("x"));
        let _ = sealed.send().await;
    }
}

pub fn count(dev: &Dev, statement: &str) -> i64 {
    sql(dev, statement)[0].parse().unwrap()
}

fn records(dev: &Dev) -> Vec<String> {
    let all = "select convert_from(record, 'UTF8') from audit_log where leaf >= 0 order by leaf";
    sql(dev, all)
}

/// A page of the admin listener.
fn page(gateway: &Gateway, path: &str) -> String {
    let log = gateway.log();
    let (_, rest) = log.split_once("health on http://").unwrap();
    let address = rest.split_whitespace().next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A receiver of syslog, octet-counted: what it has read to the end of a connection. Of every second
/// connection it breaks off in the middle.
fn receiver() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let into = received.clone();
    std::thread::spawn(move || {
        for (nth, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            if nth % 2 == 0 {
                let _ = stream.read(&mut [0; 16]);
                continue; // closed with bytes unread: reset
            }
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            let mut rest = String::from_utf8(all).unwrap();
            while let Some((length, more)) = rest.split_once(' ') {
                let (message, more) = more.split_at(length.parse().unwrap());
                into.lock().unwrap().push(message.to_owned());
                rest = more.to_owned();
            }
            assert_eq!(rest, "");
        }
    });
    (port, received)
}

#[tokio::test]
async fn what_is_answered_is_sequenced_signed_and_forwarded_whoever_dies() {
    let dev = Dev::start_where(&scratch(), &[("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", "1")]);
    let to = scratch();
    let (lines, notes) = (to.join("records.jsonl"), to.join("checkpoints.jsonl"));
    let (port, received) = receiver();
    let forward = format!(
        "{{ file = {{ to = 'file:{}', history = true }}, \
           signed = {{ to = 'file:{}', what = 'checkpoints', history = true }}, \
           siem = {{ to = 'tcp://127.0.0.1:{port}', history = true }} }}",
        lines.display(),
        notes.display()
    );
    let settings = often().set("STRONGROOM_FORWARD", forward);
    let id = key(&dev.client()).await;
    // The two sequence side by side, and one of them dies again and again.
    for _ in 0..3 {
        let gateway = settings.serve(&dev);
        let (client, other) = (gateway.client(&dev), dev.client());
        let dying = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            gateway.kill();
        };
        tokio::join!(use_it(&client, &id, 30), use_it(&other, &id, 30), dying);
    }
    let gateway = settings.serve(&dev);
    use_it(&gateway.client(&dev), &id, 5).await;
    until("all records have a leaf", || {
        count(&dev, "select count(*) from audit_log") == count(&dev, "select size from audit_tree")
    })
    .await;
    let gaps = "select count(*) from audit_tree where size <> (select count(leaf) from audit_log) \
                or size <> (select coalesce(max(leaf) + 1, 0) from audit_log)";
    assert_eq!(count(&dev, gaps), 0);
    let size = count(&dev, "select size from audit_tree");
    let signed = "select coalesce(max(size), 0) from audit_checkpoint";
    until("all are signed", || count(&dev, signed) == size).await;

    let right = records(&dev);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let all_of = |got: Vec<String>| got.into_iter().collect::<BTreeSet<_>>();
    let last = right.last().unwrap();
    until("all are in the file", || read(&lines).contains(last)).await;
    let got = read(&lines);
    assert_eq!(
        all_of(got.lines().map(str::to_owned).collect()),
        all_of(right.clone()),
        "each at least once, and nothing else"
    );
    until("syslog has all", || {
        let got = received.lock().unwrap();
        got.iter().any(|message| message.ends_with(last))
    })
    .await;
    let got = received.lock().unwrap().clone();
    let body = |message: &String| message.split_once("] ").unwrap().1.to_owned();
    assert_eq!(all_of(got.iter().map(body).collect()), all_of(right));
    assert!(got[0].starts_with("<110>1 2"), "{}", got[0]);
    until("the newest checkpoint is in the file", || {
        read(&notes).contains(&format!("\\n{size}\\n"))
    })
    .await;
    gateway.kill();
    std::fs::remove_dir_all(to).unwrap();
}

#[tokio::test]
async fn an_idle_gateway_asks_the_database_once_a_round() {
    let every = Duration::from_millis(50);
    let scene = Scene::new();
    let settings = Settings::default().socket(scene.proxy.dir());
    let settings = settings.set("STRONGROOM_AUDIT_INTERVAL_MS", every.as_millis());
    let gateway = settings.serve(&scene.dev);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (begun, before) = (Instant::now(), scene.proxy.rounds());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = scene.proxy.rounds() - before;
    let rounds = (begun.elapsed().as_millis() / every.as_millis()) as usize;
    // Two or three more, should a checkpoint become due.
    assert!((1..=rounds + 4).contains(&asked), "{asked} in {rounds}");
    gateway.kill();
    scene.dev.stop();
}

/// Cuts the log off after `size` leaves, as one who has the database can: with its checkpoints, and a
/// tree that is right for what is left (less than a tile).
pub fn cut_off(dev: &Dev, size: i64) {
    sql(
        dev,
        &format!(
            "set session_replication_role = replica; \
             update audit_group g set request_ids = g.request_ids[:{size} - l.leaf], \
                    records = g.records[:{size} - l.leaf] \
                from audit_group_leaf l where l.position = g.position; \
             update audit_group_leaf set request_ids = request_ids[:{size} - leaf]; \
             delete from audit_group where request_ids = '{{}}'; \
             delete from audit_group_leaf where request_ids = '{{}}'; \
             delete from audit_checkpoint where size > {size}; \
             update audit_tile set hashes = substr(hashes, 1, 32 * {size}) where level = 0; \
             update audit_tree set size = {size}"
        ),
    );
}

/// Whether the token has all of the log, which has that many records at least.
fn is_anchored(dev: &Dev, gateway: &Gateway, least: i64) -> bool {
    let size = count(dev, "select count(*) from audit_log");
    let anchored = format!("strongroom_audit_anchor_size {size}\n");
    size >= least && page(gateway, "/metrics").contains(&anchored)
}

#[tokio::test]
async fn a_log_that_was_cut_off_is_not_signed_again() {
    let dev = Dev::start_where(
        &scratch(),
        &[
            ("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", "1"),
            ("STRONGROOM_AUDIT_TOKEN_ANCHOR_SECONDS", "1"),
        ],
    );
    let client = dev.client();
    let id = key(&client).await;
    use_it(&client, &id, 9).await;
    let gateway = often().serve(&dev);
    until("the token has it", || is_anchored(&dev, &gateway, 10)).await;
    gateway.kill();
    let size = count(&dev, "select size from audit_tree");
    let left = size - 3;
    cut_off(&dev, left);
    let signed = format!("select count(*) from audit_checkpoint where size > {left}");

    // One that has never seen the log knows by the token.
    let gateway = often().serve(&dev);
    gateway.wait_for(&format!(
        "ALERT audit log: the token has signed {size} records"
    ));
    let ready = page(&gateway, "/readyz");
    assert!(ready.starts_with("HTTP/1.0 200"), "it serves: {ready}");
    assert!(ready.contains("its end is missing"), "{ready}");
    assert!(page(&gateway, "/metrics").contains("strongroom_audit_log_breached 1"));
    // Nor by other records in the place of those.
    use_it(&gateway.client(&dev), &id, 5).await;
    gateway.wait_for(&format!(
        "the first {size} records of the audit log are not those that the token has signed"
    ));
    assert_eq!(count(&dev, &signed), 0);
    gateway.kill();
    dev_goes_on(&dev, &id, &signed).await;
}

/// The one that saw the log whole does not sign either; once an operator says so, it goes on.
async fn dev_goes_on(dev: &Dev, id: &str, signed: &str) {
    let restored = often().set("STRONGROOM_AUDIT_RESTORED", true).serve(dev);
    restored.wait_for("it goes on from there");
    until("signed again", || count(dev, signed) > 0).await;
    until("nothing is wrong any more", || {
        let ready = page(&restored, "/readyz");
        !ready.contains("\"audit\"")
    })
    .await;
    is_said_to_have_resumed(dev).await;
    restored.kill();
    let gateway = often().serve(dev);
    use_it(&gateway.client(dev), id, 3).await;
    until("the next one finds nothing wrong", || {
        is_anchored(dev, &gateway, 10)
    })
    .await;
    assert!(!gateway.log().contains("ALERT"), "{}", gateway.log());
}

/// The log itself says that it has lost its end, to whoever verifies it.
async fn is_said_to_have_resumed(dev: &Dev) {
    let named = "select count(*) from audit_log \
                 where convert_from(record, 'UTF8') like '%ResumeAuditLog%'";
    assert_eq!(count(dev, named), 1);
    let signed = "select count(*) from audit_checkpoint where size > (select max(leaf) \
                  from audit_log where convert_from(record, 'UTF8') like '%ResumeAuditLog%')";
    until("it is signed", || count(dev, signed) > 0).await;
    let audit = |arguments: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(arguments.split(' '))
            .current_dir(&dev.dir)
            .env("SOFTHSM2_CONF", dev.dir.join("softhsm2.conf"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let key = audit("audit public-key --config strongroom.toml");
    std::fs::write(dev.dir.join("audit.pub"), key).unwrap();
    audit("audit export --config strongroom.toml --out resumed");
    let said = audit("audit verify resumed --public-key audit.pub");
    let note = "says that the database was restored, and that the log goes on from leaf";
    assert!(said.contains(note), "{said}");
}

/// A database that takes a checkpoint's note and says that another gateway was first: what the token has
/// signed is signed all the same.
#[tokio::test]
async fn what_was_signed_holds_whatever_the_database_says_of_it() {
    let dev = Dev::start_where(
        &scratch(),
        &[("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", "3600")],
    );
    let id = key(&dev.client()).await;
    use_it(&dev.client(), &id, 9).await;
    let first = "select count(*) from audit_checkpoint";
    until("the first one", || count(&dev, first) > 0).await;
    sql(
        &dev,
        "create table kept (size bigint); \
         create function keep() returns trigger language plpgsql as \
         $$ begin insert into kept values (new.size); return null; end $$; \
         create trigger keep before insert on audit_checkpoint \
             for each row execute function keep()",
    );
    let settings = often().set("STRONGROOM_AUDIT_TOKEN_ANCHOR_SECONDS", 0);
    let gateway = settings.serve(&dev);
    let all = "select count(*) from audit_log \
               where (select count(*) from audit_log) = (select max(size) from kept)";
    use_it(&gateway.client(&dev), &id, 5).await;
    until("all are signed", || count(&dev, all) > 9).await;
    let size = count(&dev, "select max(size) from kept");
    cut_off(&dev, size - 3);
    gateway.wait_for(&format!(
        "ALERT audit log: the token has signed {size} records"
    ));
    gateway.kill();
}
