//! Non-exportability is shown, not only promised: what the token says of each key is attested, signed,
//! and verified elsewhere; and a key in whose place another object is put, under the same `CKA_ID`, is
//! found out by the attestation, by the scan, and by whoever looks it up. The commands are those of
//! docs/attestation.md.

use crate::adoption;
use crate::dev::{Dev, scratch};
use crate::gateway::{Gateway, Settings};
use crate::import::{MATERIAL, external_symmetric, import};
use crate::installation::{Outcome, commands, shell};
use crate::postgres::sql;
use crate::token::{objects, pkcs11_tool};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{AlgorithmSpec, KeySpec, KeyUsageType};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn tool(dev: &Dev, arguments: &[&str]) -> String {
    pkcs11_tool(dev, "strongroom-dev", "pin", arguments)
}

/// What the documentation says to type, and where its files are.
struct Auditor {
    dir: PathBuf,
    environment: Vec<(&'static str, String)>,
    attest: String,
    verify: String,
}

impl Auditor {
    fn new(dev: &Dev) -> Self {
        let [all, attest, verify]: [String; 3] = commands("attestation.md").try_into().unwrap();
        let dir = scratch();
        let mut environment = vec![
            ("OUT", dir.display().to_string()),
            ("PUBLIC_KEY", public_key(dev, &dir).display().to_string()),
        ];
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_REGION",
            "AWS_ENDPOINT_URL_KMS",
        ] {
            environment.push((name, dev.env[name].clone()));
        }
        let auditor = Self {
            dir,
            environment,
            attest,
            verify,
        };
        auditor.run(&all, &[]).expect(0);
        auditor
    }

    fn run(&self, command: &str, more: &[(&'static str, String)]) -> Outcome {
        shell(command, &[&self.environment, more].concat())
    }

    fn attest(&self, key: &str) -> Outcome {
        self.run(&self.attest, &[("KEY", key.to_owned())])
    }

    fn file(&self, key: &str) -> PathBuf {
        self.dir.join(format!("{key}.attestation"))
    }

    fn verify(&self, file: &Path) -> Outcome {
        self.run(&self.verify, &[("FILE", file.display().to_string())])
    }
}

/// The public half of the audit key, as another program reads it from the token.
fn public_key(dev: &Dev, dir: &Path) -> PathBuf {
    let objects = objects(dev);
    let is_audit = |found: &Vec<String>| found.iter().any(|o| o.contains("strongroom:audit:"));
    let (id, _) = objects.iter().find(|(_, found)| is_audit(found)).unwrap();
    let (der, pem) = (dir.join("audit.der"), dir.join("audit.pem"));
    let der = der.display().to_string();
    let read = ["--read-object", "--type", "pubkey", "--id", id];
    tool(dev, &[&read[..], &["--output-file", &der]].concat());
    let convert = format!(
        "openssl pkey -pubin -inform DER -in {der} -out {}",
        pem.display()
    );
    shell(&convert, &[]).expect(0);
    pem
}

async fn symmetric(client: &Client) -> String {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

/// Another key in the place of this one's, which can leave the token.
fn replace(dev: &Dev, key: &str) {
    let id = sql(
        dev,
        &format!(
            "select encode(uuid_send(v.id), 'hex') from key_version v \
             join kms_key k using (material_set) where key_id = '{key}'"
        ),
    );
    tool(
        dev,
        &["--delete-object", "--type", "secrkey", "--id", &id[0]],
    );
    let keygen = ["--keygen", "--key-type", "AES:32", "--id", &id[0]];
    let label = ["--label", "as if nothing had happened", "--extractable"];
    tool(dev, &[&keygen[..], &label].concat());
}

async fn refused(client: &Client, key: &str) {
    let encrypt = client.encrypt().key_id(key).plaintext(Blob::new("x"));
    let error = encrypt.send().await.unwrap_err().into_service_error();
    assert!(error.is_key_unavailable_exception(), "{error:?}");
}

fn recorded(dev: &Dev, event: &str) -> usize {
    let records = sql(
        dev,
        &format!(
            "select encode(record, 'escape') from audit_log where encode(record, 'escape') \
             like '%\"eventName\":\"{event}\"%'"
        ),
    );
    records.len()
}

/// What a gateway says on its admin listener.
fn admin(gateway: &Gateway, path: &str) -> String {
    let log = gateway.log();
    let (_, rest) = log.split_once("health on ").expect("it serves");
    let address = rest.split_whitespace().next().unwrap();
    let command = format!(
        "curl --silent --fail {}{path}",
        address.trim_end_matches(',')
    );
    shell(&command, &[]).expect(0).stdout
}

/// Has a gateway scan anew, and waits for the end of it.
fn scanned(dev: &Dev, gateway: &Gateway) {
    let before = recorded(dev, "ScanKeys");
    sql(dev, "update key_scan set ended = null returning 1");
    for _ in 0..600 {
        if recorded(dev, "ScanKeys") > before {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no scan ended: {}", gateway.log());
}

#[tokio::test]
async fn every_key_is_attested_and_the_file_is_verified_elsewhere() {
    let dev = Dev::start(&scratch(), &[]);
    let client = dev.client();
    let generated = symmetric(&client).await;
    client
        .rotate_key_on_demand()
        .key_id(&generated)
        .send()
        .await
        .unwrap();
    let pair = client
        .create_key()
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify);
    let pair = pair.send().await.unwrap();
    let pair = pair.key_metadata().unwrap().key_id().to_owned();
    let imported = external_symmetric(&client).await;
    let material = import(
        &client,
        &imported,
        AlgorithmSpec::RsaesOaepSha256,
        &MATERIAL,
    );
    material.await.send().await.unwrap();
    let awaiting = external_symmetric(&client).await;
    adoption::make(&dev, "0a0b0e");
    let body =
        r#"{"ObjectId":"0a0b0e","KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT"}"#;
    let adopted = adoption::own(&dev, "AdoptKey", body);
    let adopted = adopted["KeyMetadata"]["KeyId"]
        .as_str()
        .unwrap_or_else(|| panic!("{adopted}"))
        .to_owned();

    let auditor = Auditor::new(&dev);
    for (key, sentence) in [
        (
            &generated,
            "version 2 (current): generated on a token; could at no time leave the token; as born",
        ),
        (
            &pair,
            "version 1 (current): generated on a token; could at no time leave the token; as born",
        ),
        (
            &imported,
            "version 1 (current): imported by its owner; cannot leave the token now",
        ),
        (&awaiting, "version 1 (current): has no material"),
        (
            &adopted,
            "version 1 (current): adopted as it was on the token; could at no time leave the token",
        ),
    ] {
        let said = auditor.verify(&auditor.file(key)).expect(0).stdout;
        assert!(said.contains(sentence), "{said}");
        assert!(said.contains(key.as_str()), "{said}");
    }
    let public = client.get_public_key().key_id(&pair).send().await.unwrap();
    let note = std::fs::read_to_string(auditor.file(&pair)).unwrap();
    let attested: Value = serde_json::from_str(note.lines().nth(1).unwrap()).unwrap();
    let der = openssl::base64::encode_block(public.public_key().unwrap().as_ref());
    assert_eq!(attested["versions"][0]["publicKey"], der);
    assert_eq!(attested["vendorAttestation"], Value::Null);
    assert_eq!(
        attested["versions"][0]["now"]["CKA_START_DATE"],
        Value::Null
    );

    // Edited, signed by somebody else, and about something else.
    let file = auditor.dir.join("edited");
    for (edit, why) in [
        (
            note.replace("\"generated\"", "\"adopted\""),
            "does not verify",
        ),
        (note.replace("/v1\n", "/v2\n"), "does not verify"),
        (note.replace('\u{2014}', "-"), "no signed note"),
    ] {
        std::fs::write(&file, edit).unwrap();
        let said = auditor.verify(&file).expect(1).stderr;
        assert!(said.contains(why), "{said}");
    }
    let keygen =
        "openssl ecparam -genkey -name prime256v1 | openssl pkey -pubout > \"$OUT/other.pem\"";
    auditor.run(keygen, &[]).expect(0);
    let other = (
        "PUBLIC_KEY",
        auditor.dir.join("other.pem").display().to_string(),
    );
    let own = ("FILE", auditor.file(&pair).display().to_string());
    let said = auditor.run(&auditor.verify, &[own, other]).expect(1).stderr;
    assert!(said.contains("not signed by the key"), "{said}");
    dev.stop();
    std::fs::remove_dir_all(auditor.dir).unwrap();
}

#[tokio::test]
async fn what_took_the_place_of_a_key_is_attested_scanned_and_refused() {
    // Whoever has scanned once has the lease for it.
    let often = ("STRONGROOM_GATEWAY_WORKER_INTERVAL_MS", "50");
    let dev = Dev::start_where(&scratch(), &[often]);
    let client = dev.client();
    let (replaced, other) = (symmetric(&client).await, symmetric(&client).await);
    let encrypt = client.encrypt().key_id(&replaced).plaintext(Blob::new("x"));
    encrypt.send().await.unwrap();
    let auditor = Auditor::new(&dev);
    auditor.attest(&replaced).expect(0);
    let often = Settings::default().every(Duration::from_millis(50));
    let running = often.serve(&dev);
    scanned(&dev, &running);
    assert_eq!(recorded(&dev, "DetectKeyDrift"), 0);
    assert!(!admin(&running, "/readyz").contains("keys"));

    replace(&dev, &replaced);
    // The attestation, by a gateway that has had the key in use.
    let said = auditor.attest(&replaced).expect(2).stdout;
    for text in [
        "CAN LEAVE THE TOKEN; NOT AS BORN",
        "CKA_EXTRACTABLE should be false and is true",
        "CKA_NEVER_EXTRACTABLE should be true and is false",
    ] {
        assert!(said.contains(text), "{said}");
    }
    let verified = auditor.verify(&auditor.file(&replaced)).expect(2);
    assert!(
        verified.stdout.contains("NOT AS BORN"),
        "{}",
        verified.stdout
    );
    refused(&client, &replaced).await;

    // A gateway that starts.
    let fresh = often.serve(&dev);
    let its = fresh.client(&dev);
    refused(&its, &replaced).await;
    assert!(fresh.log().contains("CKA_EXTRACTABLE should be false"));
    let encrypt = its.encrypt().key_id(&other).plaintext(Blob::new("x"));
    encrypt.send().await.unwrap();

    // The scan: once in the log, and counted for as long as it is so.
    scanned(&dev, &fresh);
    scanned(&dev, &fresh);
    assert_eq!(recorded(&dev, "DetectKeyDrift"), 1);
    let told = |gateway: &Gateway, path: &str, what: &str, is: bool| {
        let mut tries = (0..200).map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            admin(gateway, path).contains(what) == is
        });
        assert!(tries.any(|as_it_should| as_it_should), "{path}: {what}");
    };
    let (count, keys) = (
        "strongroom_drifted_key_versions 1",
        "1 on the token are not",
    );
    let another = often.serve(&dev);
    told(&another, "/metrics", count, true);
    told(&another, "/readyz", keys, true);

    // A key that is gone is not counted any more.
    sql(
        &dev,
        &format!(
            "delete from kms_key where key_id = '{replaced}'; \
             delete from key_version where id in (select subject from key_drift)"
        ),
    );
    scanned(&dev, &fresh);
    let another = often.serve(&dev);
    told(
        &another,
        "/metrics",
        "strongroom_drifted_key_versions 0",
        true,
    );
    told(&another, "/readyz", "on the token", false);
    dev.stop();
    std::fs::remove_dir_all(auditor.dir).unwrap();
}
