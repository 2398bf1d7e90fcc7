//! CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey, UpdateKeyDescription,
//! ScheduleKeyDeletion, CancelKeyDeletion.

use crate::{client, code, message, symmetric};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyState, KeyUsageType, Tag};
use std::collections::BTreeSet;

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder()
        .tag_key(key)
        .tag_value(value)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_key_is_described_as_it_was_made() {
    let client = client();
    let made = client
        .create_key()
        .description("for invoices")
        .tags(tag("team", "billing"))
        .send()
        .await
        .unwrap();
    let made = made.key_metadata().unwrap();
    let described = client
        .describe_key()
        .key_id(made.arn().unwrap())
        .send()
        .await
        .unwrap();
    let described = described.key_metadata().unwrap();
    assert_eq!(described, made);
    assert_eq!(described.description(), Some("for invoices"));
    assert_eq!(described.key_state(), Some(&KeyState::Enabled));
    assert_eq!(described.key_spec(), Some(&KeySpec::SymmetricDefault));
    assert_eq!(described.aws_account_id(), Some("000000000000"));
    assert_eq!(described.current_key_material_id().unwrap().len(), 64);
    assert!(described.enabled());
}

#[tokio::test]
async fn keys_that_cannot_be_made() {
    let client = client();
    let create = || client.create_key();
    let spec = |spec: KeySpec, usage: KeyUsageType| create().key_spec(spec).key_usage(usage);
    assert_eq!(
        message(
            spec(KeySpec::Hmac256, KeyUsageType::SignVerify)
                .send()
                .await
        ),
        "KeyUsage SIGN_VERIFY is not compatible with KeySpec HMAC_256"
    );
    assert_eq!(
        code(create().key_spec(KeySpec::Rsa2048).send().await),
        "ValidationException"
    );
    let sm2 = spec(KeySpec::Sm2, KeyUsageType::SignVerify).send().await;
    assert_eq!(code(sm2), "UnsupportedOperationException");
    let bogus = create().key_spec(KeySpec::from("AES_512")).send().await;
    assert!(message(bogus).contains("Member must satisfy enum value set: [RSA_2048, "));
    let reserved = create().tags(tag("aws:x", "y")).send().await;
    assert_eq!(message(reserved), "Tags beginning with aws: are reserved");
    let twice = create()
        .tags(tag("a", "1"))
        .tags(tag("a", "2"))
        .send()
        .await;
    assert_eq!(message(twice), "Duplicate tag keys");
    let policy = create().policy("not json").send().await;
    assert_eq!(code(policy), "MalformedPolicyDocumentException");
}

#[tokio::test]
async fn a_disabled_key_does_nothing_until_it_is_enabled() {
    let client = client();
    let id = symmetric(&client).await;
    let encrypt = || {
        client
            .encrypt()
            .key_id(&id)
            .plaintext(Blob::new("x"))
            .send()
    };
    encrypt().await.unwrap();
    client.disable_key().key_id(&id).send().await.unwrap();
    let refused = encrypt().await;
    assert_eq!(
        message(refused),
        format!("arn:aws:kms:us-east-1:000000000000:key/{id} is disabled.")
    );
    client.enable_key().key_id(&id).send().await.unwrap();
    encrypt().await.unwrap();
    let alias = client.disable_key().key_id("alias/any").send().await;
    assert_eq!(
        message(alias),
        "Key Aliases are not supported for this operation."
    );
}

#[tokio::test]
async fn the_description_changes() {
    let client = client();
    let id = symmetric(&client).await;
    client
        .update_key_description()
        .key_id(&id)
        .description("new")
        .send()
        .await
        .unwrap();
    let described = client.describe_key().key_id(&id).send().await.unwrap();
    assert_eq!(described.key_metadata().unwrap().description(), Some("new"));
}

#[tokio::test]
async fn deletion_is_scheduled_and_cancelled() {
    let client = client();
    let id = symmetric(&client).await;
    let schedule = |days| {
        client
            .schedule_key_deletion()
            .key_id(&id)
            .pending_window_in_days(days)
    };
    for days in [6, 31] {
        assert_eq!(code(schedule(days).send().await), "ValidationException");
    }
    let scheduled = schedule(7).send().await.unwrap();
    assert_eq!(scheduled.key_state(), Some(&KeyState::PendingDeletion));
    assert_eq!(scheduled.pending_window_in_days(), Some(7));
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");
    let pending = format!("{arn} is pending deletion.");
    let encrypt = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(message(encrypt), pending);
    assert_eq!(
        message(client.enable_key().key_id(&id).send().await),
        pending
    );
    assert_eq!(message(schedule(7).send().await), pending);
    client
        .cancel_key_deletion()
        .key_id(&id)
        .send()
        .await
        .unwrap();
    let described = client.describe_key().key_id(&id).send().await.unwrap();
    assert_eq!(
        described.key_metadata().unwrap().key_state(),
        Some(&KeyState::Disabled)
    );
    let again = client.cancel_key_deletion().key_id(&id).send().await;
    assert_eq!(code(again), "KMSInvalidStateException");
}

#[tokio::test]
async fn all_keys_are_listed_in_pages() {
    let client = client();
    let mut made = BTreeSet::new();
    for _ in 0..5 {
        made.insert(symmetric(&client).await);
    }
    let (mut listed, mut marker) = (BTreeSet::new(), None);
    loop {
        let page = client
            .list_keys()
            .limit(3)
            .set_marker(marker)
            .send()
            .await
            .unwrap();
        assert!(page.keys().len() <= 3);
        for key in page.keys() {
            assert!(
                listed.insert(key.key_id().unwrap().to_owned()),
                "listed twice"
            );
        }
        marker = page.next_marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert!(made.is_subset(&listed));
}

#[tokio::test]
async fn a_stranger_gets_nowhere() {
    let stranger = crate::dev::SHARED.client_of("AKIANOBODYNOBODYNOBO", "secret");
    let result = stranger.list_keys().send().await;
    assert_eq!(code(result), "UnrecognizedClientException");
    let id = &crate::dev::SHARED.env["AWS_ACCESS_KEY_ID"];
    let forger = crate::dev::SHARED.client_of(id, "not the secret");
    assert_eq!(
        code(forger.list_keys().send().await),
        "InvalidSignatureException"
    );
}
