//! `strongroom reconcile`: every difference between token and database is explained, only what is named
//! is repaired, and a wrong token is refused. The commands are those of docs/disaster-recovery.md.

use crate::adoption;
use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::import::{MATERIAL, external, external_symmetric, import, state};
use crate::installation::{Outcome, commands, shell, softhsm};
use crate::postgres::sql;
use crate::token::objects;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{AlgorithmSpec, KeySpec, KeyState, KeyUsageType};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const COMPARE: &str = "strongroom reconcile --config \"$CONFIG\" --json";

/// Whose worker leaves everything to who asks.
fn start() -> Dev {
    let never = ("STRONGROOM_GATEWAY_WORKER_INTERVAL_MS", "3600000");
    Dev::start_where(&scratch(), &[never])
}

fn run(dev: &Dev, softhsm2_conf: &Path, command: &str, more: &[(&str, String)]) -> Outcome {
    let config = dev.dir.join("strongroom.toml");
    let environment = [
        ("CONFIG", config.display().to_string()),
        ("SOFTHSM2_CONF", softhsm2_conf.display().to_string()),
    ];
    shell(command, &[&environment, more].concat())
}

/// `pkcs11-tool`, logged in.
fn pkcs11_tool(dev: &Dev, softhsm2_conf: &Path, arguments: &str) {
    let command = format!(
        "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin env:PIN {arguments}"
    );
    let pin = std::fs::read_to_string(dev.dir.join("pin")).unwrap();
    run(dev, softhsm2_conf, &command, &[("PIN", pin)]).expect(0);
}

async fn symmetric(client: &Client) -> String {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

async fn encrypt(client: &Client, id: &str) -> Blob {
    let sealed = client.encrypt().key_id(id).plaintext(Blob::new("kept"));
    let sealed = sealed.send().await.unwrap();
    sealed.ciphertext_blob().unwrap().clone()
}

async fn opens(client: &Client, sealed: &Blob) {
    let opened = client.decrypt().ciphertext_blob(sealed.clone());
    let opened = opened.send().await.unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"kept");
}

/// One column of a key's only version.
fn of_version(dev: &Dev, key: &str, column: &str) -> String {
    let statement = format!(
        "select {column} from key_version v join kms_key k using (material_set) \
         where key_id = '{key}'"
    );
    sql(dev, &statement).remove(0)
}

/// The `CKA_ID` of its object.
fn object_of(dev: &Dev, key: &str) -> String {
    let column = "encode(coalesce(object_id, uuid_send(v.id)), 'hex')";
    of_version(dev, key, column)
}

/// The differences by their ids, and whether each can be repaired.
fn differences(outcome: &Outcome) -> BTreeMap<String, bool> {
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let all = report["differences"].as_array().unwrap().iter();
    all.map(|difference| {
        for text in ["found", "cause"] {
            assert!(
                difference[text].as_str().unwrap().len() > 10,
                "{difference}"
            );
        }
        let id = difference["id"].as_str().unwrap().to_owned();
        (id, !difference["repair"].is_null())
    })
    .collect()
}

#[tokio::test]
async fn every_difference_is_explained_and_only_what_is_named_is_repaired() {
    let dev = start();
    let client = dev.client();
    let conf = dev.dir.join("softhsm2.conf");
    let external = external_symmetric(&client).await;
    let material = async || {
        let import = import(
            &client,
            &external,
            AlgorithmSpec::RsaesOaepSha256,
            &MATERIAL,
        );
        import.await.send().await.unwrap();
    };
    material().await;
    let sealed = encrypt(&client, &external).await;
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(symmetric(&client).await);
    }
    let [replaced, lost, twice, orphan, aliased]: [String; 5] = keys.try_into().unwrap();
    let alias = client.create_alias().alias_name("alias/edited");
    alias.target_key_id(&aliased).send().await.unwrap();
    run(&dev, &conf, COMPARE, &[]).expect(0);

    let tool = |arguments: &str| pkcs11_tool(&dev, &conf, arguments);
    let keygen = |id: &str, label: &str| {
        tool(&format!(
            "--keygen --key-type aes:32 --id {id} --label '{label}'"
        ));
    };
    let delete = |id: &str| tool(&format!("--delete-object --type secrkey --id {id}"));
    let id = object_of(&dev, &replaced);
    delete(&id);
    keygen(&id, "strongroom key, or so it says");
    delete(&object_of(&dev, &lost));
    delete(&object_of(&dev, &external));
    keygen(&object_of(&dev, &twice), "a twin");
    let orphaned = object_of(&dev, &orphan);
    let set = of_version(&dev, &orphan, "material_set");
    sql(
        &dev,
        &format!("delete from kms_key where key_id = '{orphan}'"),
    );
    let edited = sql(
        &dev,
        "update alias set updated = updated - interval '1 day' returning id",
    );
    let (unknown, stranger) = ("ab".repeat(16), "cd".repeat(16));
    keygen(&unknown, "strongroom key that no row knows");
    keygen(&stranger, "of another program");
    let overdue = sql(
        &dev,
        "update intent set lease_until = strongroom_now() - interval '1 s' returning version",
    );
    let forged = sql(
        &dev,
        "insert into intent (version, kind, owner, lease_until, mac) \
         select gen_random_uuid(), 'destroy', version, lease_until, mac from intent \
         returning version",
    );

    let version = |key: &str| of_version(&dev, key, "v.id");
    let expected: BTreeMap<String, bool> = [
        (format!("object-differs/{}", version(&replaced)), false),
        (format!("row-without-object/{}", version(&lost)), false),
        (format!("row-without-object/{}", version(&external)), true),
        (format!("several-objects/{}", version(&twice)), false),
        (format!("material-without-key/{set}"), true),
        (format!("row-refused/alias/{}", edited[0]), false),
        (format!("row-refused/intent/{}", forged[0]), true),
        (format!("intent-overdue/{}", overdue[0]), true),
        (format!("object-without-row/{unknown}"), true),
    ]
    .into();
    let before = objects(&dev);
    let found = run(&dev, &conf, COMPARE, &[]).expect(2);
    assert_eq!(differences(&found), expected);
    assert!(found.stdout.contains(&stranger), "in a note");
    let lines = run(
        &dev,
        &conf,
        "strongroom reconcile --config \"$CONFIG\"",
        &[],
    )
    .expect(2);
    for id in expected.keys() {
        let line = format!("{id}: ");
        assert!(lines.stdout.lines().any(|l| l.starts_with(&line)), "{id}");
    }

    // Nobody says yes; and what cannot be repaired is refused, whoever says yes.
    let repair = |ids: &[&String]| {
        let words: String = ids.iter().map(|id| format!(" --repair {id}")).collect();
        format!("{COMPARE}{words}")
    };
    let (can, cannot): (Vec<_>, Vec<_>) = expected.keys().partition(|id| expected[*id]);
    let untouched = run(&dev, &conf, &repair(&can), &[]).expect(2);
    assert_eq!(differences(&untouched), expected);
    for id in &cannot {
        let refused = format!("{} --yes", repair(&[id]));
        run(&dev, &conf, &refused, &[]).expect(1);
    }
    assert_eq!(objects(&dev), before);

    let repaired = run(&dev, &conf, &format!("{} --yes", repair(&can)), &[]).expect(2);
    let left: Vec<String> = differences(&repaired).into_keys().collect();
    assert_eq!(left.iter().collect::<Vec<_>>(), cannot);
    let gone: Vec<String> = before
        .into_keys()
        .filter(|id| !objects(&dev).contains_key(id))
        .collect();
    let mut doomed = vec![unknown, orphaned, overdue[0].replace('-', "")];
    doomed.sort();
    assert_eq!(gone, doomed);
    for event in [
        "DestroyUnknownObject",
        "DestroyKeyMaterial",
        "FinishIntent",
        "ForgetIntent",
        "AwaitImport",
    ] {
        let recorded = sql(
            &dev,
            &format!(
                "select count(*) from audit_log where encode(record, 'escape') \
                 like '%\"eventName\":\"{event}\"%'"
            ),
        );
        assert_eq!(recorded, ["1"], "{event}");
    }
    assert_eq!(state(&client, &external).await, KeyState::PendingImport);
    material().await;
    opens(&client, &sealed).await;
    dev.stop();
}

/// The token's serial number, where its only token lies.
fn patch_serial(tokens: &Path, from: &str, to: &str) {
    let folder = std::fs::read_dir(tokens).unwrap().next().unwrap().unwrap();
    let path = folder.path().join("token.object");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes());
    let at = at.expect("the serial number");
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_a_clone_takes_the_place_of_what_it_is_of() {
    let [compare, json, replace, move_all]: [String; 4] =
        commands("disaster-recovery.md").try_into().unwrap();
    let dev = start();
    let client = dev.client();
    let id = symmetric(&client).await;
    let sealed = encrypt(&client, &id).await;
    let old = of_version(&dev, &id, "token_serial");
    let own = dev.dir.join("softhsm2.conf");
    run(&dev, &own, &json, &[]).expect(0);

    let elsewhere = scratch();
    let place = |name: &str| {
        let (conf, tokens) = (elsewhere.join(format!("{name}.conf")), elsewhere.join(name));
        softhsm(&conf, &tokens);
        (conf, tokens)
    };
    let (clone, tokens) = place("clone");
    let copy = format!(
        "cp -a {} {}",
        dev.dir.join("tokens").display(),
        tokens.display()
    );
    shell(&copy, &[]).expect(0);
    let new = "fedcba9876543210";
    patch_serial(&tokens, &old, new);
    let serial = [("OLD_SERIAL", old.clone())];
    let refused = run(&dev, &clone, &compare, &[]).expect(1).stderr;
    for text in ["wrong token", &old, new] {
        assert!(refused.contains(text), "{refused}");
    }
    let moved = run(&dev, &clone, &replace, &serial).expect(2);
    assert!(moved.stdout.contains("version-moved/"), "{}", moved.stdout);
    run(&dev, &clone, &move_all, &serial).expect(0);
    run(&dev, &clone, &compare, &[]).expect(0);
    let settings = Settings::default().set("SOFTHSM2_CONF", clone.display());
    let gateway = settings.serve(&dev);
    opens(&gateway.client(&dev), &sealed).await;
    drop(gateway);
    let refused = run(&dev, &own, &compare, &[]).expect(1).stderr;
    assert!(refused.contains("wrong token"), "{refused}");

    // By the same name and number, and empty.
    let (blank, tokens) = place("blank");
    std::fs::create_dir(&tokens).unwrap();
    let pin = std::fs::read_to_string(dev.dir.join("pin")).unwrap();
    let init = "softhsm2-util --init-token --free --label strongroom-dev --pin \"$PIN\" --so-pin 12345678 >&2; \
                softhsm2-util --show-slots | sed -n 's/.*Serial number: *//p' | head -1";
    let made = run(&dev, &blank, init, &[("PIN", pin)]).expect(0);
    patch_serial(&tokens, made.stdout.trim(), new);
    let refused = run(&dev, &blank, &compare, &[]).expect(1).stderr;
    assert!(refused.contains("knows none of the keys"), "{refused}");
    let init = "strongroom init --config \"$CONFIG\" --account-id 000000000000";
    let refused = run(&dev, &blank, init, &[]).expect(1).stderr;
    assert!(refused.contains("knows none of the keys"), "{refused}");

    // What may be the key of another deployment on the same token is nobody's to destroy here.
    let other = "ab".repeat(16);
    let keygen = |id: &str, label: &str| {
        let arguments = format!("--keygen --key-type aes:32 --id {id} --label '{label}'");
        pkcs11_tool(&dev, &clone, &arguments);
    };
    keygen(&other, "strongroom key of another");
    keygen(&"cd".repeat(16), "strongroom:wrapping:another");
    let found = run(&dev, &clone, COMPARE, &[]).expect(2);
    let expected = BTreeMap::from([(format!("object-without-row/{other}"), false)]);
    assert_eq!(differences(&found), expected);
    dev.stop();
    std::fs::remove_dir_all(elsewhere).unwrap();
}

/// Keys of every kind, and some that come and go while it looks.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_differs_while_gateways_work() {
    use KeyUsageType as U;
    let dev = start();
    let client = dev.client();
    let conf = dev.dir.join("softhsm2.conf");
    for (spec, usage) in [
        (KeySpec::Rsa2048, U::EncryptDecrypt),
        (KeySpec::Rsa2048, U::SignVerify),
        (KeySpec::EccNistP256, U::SignVerify),
        (KeySpec::EccNistP384, U::KeyAgreement),
        (KeySpec::EccNistEdwards25519, U::SignVerify),
        (KeySpec::Hmac224, U::GenerateVerifyMac),
        (KeySpec::Hmac512, U::GenerateVerifyMac),
    ] {
        let made = client.create_key().key_spec(spec).key_usage(usage);
        made.send().await.unwrap();
    }
    let regions = client.create_key().multi_region(true).send().await.unwrap();
    let regions = regions.key_metadata().unwrap().key_id();
    let replica = client.replicate_key().key_id(regions);
    replica.replica_region("eu-west-1").send().await.unwrap();
    let p256 = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let pair = PKey::from_ec_key(EcKey::generate(&p256).unwrap()).unwrap();
    let pair = pair.private_key_to_pkcs8().unwrap();
    for usage in [U::KeyAgreement, U::SignVerify] {
        let id = external(&client, KeySpec::EccNistP256, usage).await;
        let import = import(&client, &id, AlgorithmSpec::RsaAesKeyWrapSha256, &pair);
        import.await.send().await.unwrap();
    }
    adoption::make(&dev, "0a0b0c");
    let body =
        r#"{"ObjectId":"0a0b0c","KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT"}"#;
    let adopted = adoption::own(&dev, "AdoptKey", body);
    assert!(adopted["KeyMetadata"].is_object(), "{adopted}");

    static DONE: AtomicBool = AtomicBool::new(false);
    let others = tokio::spawn(async move {
        let external = external_symmetric(&client).await;
        let rotated = symmetric(&client).await;
        let mut rounds = 0;
        while !DONE.load(Ordering::Relaxed) {
            let import = import(
                &client,
                &external,
                AlgorithmSpec::RsaesOaepSha256,
                &MATERIAL,
            );
            import.await.send().await.unwrap();
            let rotate = client.rotate_key_on_demand().key_id(&rotated);
            // AWS's limit is 25 for one key; the others come and go on.
            let _ = rotate.send().await;
            symmetric(&client).await;
            let delete = client.delete_imported_key_material().key_id(&external);
            delete.send().await.unwrap();
            rounds += 1;
        }
        rounds
    });
    tokio::task::block_in_place(|| {
        for _ in 0..5 {
            run(&dev, &conf, COMPARE, &[]).expect(0);
        }
    });
    DONE.store(true, Ordering::Relaxed);
    assert!(others.await.unwrap() > 0);
    dev.stop();
}
