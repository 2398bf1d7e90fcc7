//! Promise 3: what was backed up works on another machine; what an old database does not know is
//! explained, and left alone. By the commands of docs/backup.md.

use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::import::{MATERIAL, external_symmetric, import};
use crate::installation::{Installation, commands, shell};
use crate::postgres::{setting, sql};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{AlgorithmSpec, KeySpec, KeyState, KeyUsageType, SigningAlgorithmSpec};
use std::path::Path;
use std::time::Duration;

const OFTEN: Duration = Duration::from_millis(50);
/// Many rounds of a worker.
const A_WHILE: Duration = Duration::from_secs(1);

async fn encrypt(client: &Client, id: &str) -> Blob {
    let sealed = client.encrypt().key_id(id).plaintext(Blob::new("kept"));
    let sealed = sealed.send().await.unwrap();
    sealed.ciphertext_blob().unwrap().clone()
}

async fn symmetric(client: &Client) -> String {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

fn objects(tokens: &Path) -> usize {
    let token = std::fs::read_dir(tokens).unwrap().next().unwrap().unwrap();
    let files = std::fs::read_dir(token.path()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".object")).count()
}

#[tokio::test]
async fn every_key_works_after_a_restore_and_what_is_not_known_stays() {
    let [compare, dump, copy, restore, explain, count]: [String; 6] =
        commands("backup.md").try_into().unwrap();
    let dev = Dev::start(&scratch(), &[]);
    let client = dev.client();
    let aes = symmetric(&client).await;
    let rotated = encrypt(&client, &aes).await;
    let rotate = client.rotate_key_on_demand().key_id(&aes);
    rotate.send().await.unwrap();
    let sealed = encrypt(&client, &aes).await;
    let signer = client
        .create_key()
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify)
        .send()
        .await
        .unwrap();
    let signer = signer.key_metadata().unwrap().key_id().to_owned();
    let external = external_symmetric(&client).await;
    let material = import(
        &client,
        &external,
        AlgorithmSpec::RsaesOaepSha256,
        &MATERIAL,
    );
    material.await.send().await.unwrap();
    let imported = encrypt(&client, &external).await;
    let doomed = symmetric(&client).await;
    crate::deletion::schedule(&client, &doomed).await;

    let backup = scratch();
    let mut environment = vec![
        (
            "CONFIG",
            dev.dir.join("strongroom.toml").display().to_string(),
        ),
        ("TOKENS", dev.dir.join("tokens").display().to_string()),
        (
            "SOFTHSM2_CONF",
            dev.dir.join("softhsm2.conf").display().to_string(),
        ),
        ("DATABASE", setting(&dev, "url")),
        ("BACKUP", backup.display().to_string()),
    ];
    shell(&compare, &environment).expect(0);
    shell(&dump, &environment).expect(0);
    // Between the two.
    let later = symmetric(&client).await;
    encrypt(&client, &later).await;
    let statement = format!(
        "select replace(current_version::text, '-', '') from kms_key where key_id = '{later}'"
    );
    let unknown = sql(&dev, &statement).remove(0);
    let cancelled = client.cancel_key_deletion().key_id(&doomed);
    cancelled.send().await.unwrap();
    shell(&copy, &environment).expect(0);
    let pin = std::fs::read_to_string(dev.dir.join("pin")).unwrap();
    let remains = dev.remains.clone();
    dev.stop(); // and with it all of its folder

    let elsewhere = Installation::new(&pin);
    let tokens = elsewhere.dir.join("tokens");
    environment = vec![("BACKUP", backup.display().to_string())];
    elsewhere.shell(&restore, &environment).expect(0);
    // So late that what was pending deletion is due.
    elsewhere.sql(
        "create or replace function strongroom_now() returns timestamptz language sql volatile \
         as 'select clock_timestamp() + interval ''8 days'''",
    );
    let explained = elsewhere.shell(&explain, &environment).expect(2).stdout;
    let difference = format!("object-without-row/{unknown}");
    let due = format!("deletion-due/arn:aws:kms:us-east-1:000000000000:key/{doomed}");
    for expected in [&difference, &due] {
        let line = explained.lines().find(|line| line.starts_with(expected));
        let line = line.unwrap_or_else(|| panic!("no {expected}:\n{explained}"));
        assert!(line.contains("restored"), "{line}");
    }
    // The third is the wrapping key of the import.
    assert!(explained.contains(" 3 differences"), "{explained}");
    let wrapping = &elsewhere.sql("select 'intent-overdue/' || version from intent")[0];
    let repair = format!(
        "strongroom reconcile --config \"$CONFIG\" --yes --repair {due} --repair {wrapping}"
    );
    elsewhere.shell(&repair, &[]).expect(2);
    let before = objects(&tokens);

    // What is counted is what the gateway goes on from.
    elsewhere.shell(&count, &environment).expect(2);
    let counted = elsewhere.sql("select count(*), min(reserved) from gcm_reservation");
    let (many, least) = counted[0].split_once('|').unwrap();
    assert!(least.parse::<u64>().unwrap() >= 86_400_000, "{counted:?}");
    let versions =
        elsewhere.sql("select count(*) from key_version where spec = 'SYMMETRIC_DEFAULT'");
    let wrapping = 1;
    assert_eq!(
        many.parse::<u64>().unwrap(),
        versions[0].parse::<u64>().unwrap() + wrapping
    );

    // What is counted is keys: the audit log's anchor is an object as well.
    let settings = Settings::default()
        .every(OFTEN)
        .set("STRONGROOM_AUDIT_TOKEN_ANCHOR_SECONDS", 0);
    let ahead = settings.clone().ahead(Duration::from_secs(8 * 86400));
    let gateway = elsewhere.serve(&ahead, &remains);
    let ahead = gateway.client_as(&client);
    // It is eight days ahead of who signs.
    assert!(ahead.list_keys().send().await.is_err());
    std::thread::sleep(A_WHILE);
    drop(gateway);
    assert_eq!(objects(&tokens), before, "nothing was destroyed");

    let gateway = elsewhere.serve(&settings, &remains);
    let client = gateway.client_as(&client);
    for ciphertext in [rotated, sealed, imported] {
        let opened = client.decrypt().ciphertext_blob(ciphertext);
        let opened = opened.send().await.unwrap();
        assert_eq!(opened.plaintext().unwrap().as_ref(), b"kept");
    }
    encrypt(&client, &aes).await;
    client
        .sign()
        .key_id(&signer)
        .message(Blob::new("kept"))
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
        .send()
        .await
        .unwrap();
    let described = client.describe_key().key_id(&doomed).send().await.unwrap();
    let state = described.key_metadata().unwrap().key_state();
    assert_eq!(state, Some(&KeyState::Disabled));
    assert!(client.describe_key().key_id(&later).send().await.is_err());

    // Only when told to, and then it is recorded.
    let destroy = format!("strongroom reconcile --config \"$CONFIG\" --repair {difference}");
    elsewhere.shell(&destroy, &[]).expect(2); // nobody has said yes
    assert_eq!(objects(&tokens), before);
    elsewhere.shell(&format!("{destroy} --yes"), &[]).expect(0);
    assert_eq!(objects(&tokens), before - 1);
    for event in [
        "DestroyUnknownObject",
        "CancelKeyDeletion",
        "CountEncryptions",
    ] {
        let recorded = elsewhere.sql(&format!(
            "select count(*) from audit_log where encode(record, 'escape') \
             like '%\"eventName\":\"{event}\"%strongroom reconcile%uid %'"
        ));
        assert_eq!(recorded, ["1"], "{event}");
    }
    drop(gateway);
    std::fs::remove_dir_all(backup).unwrap();
}
