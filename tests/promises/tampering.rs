//! Promise 5: a row edited behind the gateway's back is refused.

use crate::dev::{Dev, scratch};
use crate::postgres::sql;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;

async fn key(client: &Client) -> String {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

async fn encrypt(client: &Client, id: &str) -> Result<(), String> {
    let call = client
        .encrypt()
        .key_id(id)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    call.map(drop)
        .map_err(|error| error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn edited_rows_are_refused() {
    let dir = scratch();
    let dev = Dev::start_and_keep(&dir, &[]);
    let client = dev.client();
    let (policy, swapped, victim, other, state, alias) = (
        key(&client).await,
        key(&client).await,
        key(&client).await,
        key(&client).await,
        key(&client).await,
        key(&client).await,
    );
    client
        .create_alias()
        .alias_name("alias/mine")
        .target_key_id(&alias)
        .send()
        .await
        .unwrap();
    client.disable_key().key_id(&state).send().await.unwrap();
    for statement in [
        format!("update kms_key set policy = '{{}}' where key_id = '{policy}'"),
        // The other key's material under this key's name.
        format!(
            "create temporary table o as select * from kms_key where key_id = '{victim}'; \
             delete from kms_key where key_id = '{victim}'; \
             update kms_key k set material_set = o.material_set, current_version = o.current_version \
             from o where k.key_id = '{swapped}'"
        ),
        format!("update kms_key set state = 'Enabled' where key_id = '{state}'"),
        format!("update alias set key_id = '{other}' where name = 'alias/mine'"),
        "insert into access_key select (jsonb_populate_record(a, '{\"id\": \
         \"00000000-0000-4000-8000-000000000001\", \"access_key_id\": \"AKIAFORGEDFORGEDFORG\"}')).* \
         from access_key a"
            .to_owned(),
    ] {
        sql(&dev, &statement);
    }
    // Fresh eyes: nothing in the cache.
    let secret = dev.env["AWS_SECRET_ACCESS_KEY"].clone();
    dev.stop();
    let dev = Dev::start(&dir, &[]);
    assert_eq!(
        dev.env["AWS_SECRET_ACCESS_KEY"], secret,
        "it comes back the same"
    );
    let client = dev.client();
    for (what, id) in [
        ("a policy changed", policy.as_str()),
        ("a version swapped", &swapped),
        ("a state changed", &state),
        ("an alias pointed elsewhere", "alias/mine"),
    ] {
        assert_eq!(
            encrypt(&client, id).await,
            Err("KMSInternalException".into()),
            "{what}"
        );
    }
    assert_eq!(
        encrypt(&client, &other).await,
        Ok(()),
        "the untouched key works"
    );
    let forger = dev.client_of("AKIAFORGEDFORGEDFORG", &secret);
    let forged = forger.list_keys().send().await.unwrap_err();
    assert_eq!(
        forged.code(),
        Some("KMSInternalException"),
        "a secret copied to another access key"
    );
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    assert!(log.contains("kms_key") && log.contains("alias") && log.contains("access_key"));
    dev.stop();
}

#[tokio::test]
async fn a_forged_intent_destroys_nothing() {
    let dir = scratch();
    let dev = Dev::start(&dir, &[]);
    let client = dev.client();
    let (id, saved) = (key(&client).await, key(&client).await);
    let version = |id: &str| {
        sql(
            &dev,
            &format!("select current_version from kms_key where key_id = '{id}'"),
        )[0]
        .clone()
    };
    let (version, other) = (version(&id), version(&saved));
    // One that nobody's MAC is on, and one whose MAC is another's.
    sql(
        &dev,
        &format!(
            "insert into intent (version, kind, owner, lease_until, mac) values \
             ('{version}', 'destroy', gen_random_uuid(), now() - interval '1 hour', '\\x00'), \
             ('{other}', 'create', gen_random_uuid(), now() - interval '1 hour', \
              (select mac from key_version where id = '{other}'))"
        ),
    );
    // Longer than the worker's interval.
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    assert!(
        log.contains(&format!("the row {version} of intent")),
        "it was not looked at"
    );
    assert!(log.contains(&format!("the row {other} of intent")));
    for key in [&id, &saved] {
        assert_eq!(encrypt(&client, key).await, Ok(()));
    }
    assert!(crate::token::objects(&dev).contains_key(&version.replace('-', "")));
    dev.stop();
}
