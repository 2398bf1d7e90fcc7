//! CreateAlias, UpdateAlias, DeleteAlias, ListAliases.

use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};

#[tokio::test]
async fn an_alias_is_made_moved_and_removed() {
    let client = client();
    let (one, two) = (symmetric(&client).await, symmetric(&client).await);
    let alias = format!("alias/moves/{one}");
    let create = || client.create_alias().alias_name(&alias).target_key_id(&one);
    create().send().await.unwrap();
    assert_eq!(
        message(create().send().await),
        format!("An alias with the name arn:aws:kms:us-east-1:000000000000:{alias} already exists")
    );
    let target = || async {
        let described = client.describe_key().key_id(&alias).send().await.unwrap();
        described.key_metadata().unwrap().key_id().to_owned()
    };
    assert_eq!(target().await, one);
    client
        .update_alias()
        .alias_name(&alias)
        .target_key_id(&two)
        .send()
        .await
        .unwrap();
    assert_eq!(target().await, two);
    let mac = key(&client, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let other = client
        .update_alias()
        .alias_name(&alias)
        .target_key_id(&mac)
        .send()
        .await;
    assert_eq!(code(other), "ValidationException");
    client
        .delete_alias()
        .alias_name(&alias)
        .send()
        .await
        .unwrap();
    let gone = client
        .encrypt()
        .key_id(&alias)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(
        message(gone),
        format!("Alias arn:aws:kms:us-east-1:000000000000:{alias} is not found.")
    );
    assert_eq!(
        code(client.delete_alias().alias_name(&alias).send().await),
        "NotFoundException"
    );
}

#[tokio::test]
async fn names_that_are_refused() {
    let client = client();
    let id = symmetric(&client).await;
    for (name, expected) in [
        ("no-prefix", "InvalidAliasNameException"),
        ("alias/", "InvalidAliasNameException"),
        ("alias/aws/s3", "InvalidAliasNameException"),
        ("alias/with space", "ValidationException"),
    ] {
        let result = client
            .create_alias()
            .alias_name(name)
            .target_key_id(&id)
            .send()
            .await;
        assert_eq!(code(result), expected, "{name}");
    }
    let chained = client
        .create_alias()
        .alias_name("alias/b")
        .target_key_id("alias/a")
        .send()
        .await;
    assert_eq!(code(chained), "ValidationException");
}

#[tokio::test]
async fn aliases_are_listed_in_pages_and_by_key() {
    let client = client();
    let id = symmetric(&client).await;
    let mut expected: Vec<String> = (0..5).map(|n| format!("alias/page-{id}-{n}")).collect();
    for name in &expected {
        client
            .create_alias()
            .alias_name(name)
            .target_key_id(&id)
            .send()
            .await
            .unwrap();
    }
    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let page = client
            .list_aliases()
            .key_id(&id)
            .limit(2)
            .set_marker(marker)
            .send()
            .await
            .unwrap();
        listed.extend(
            page.aliases()
                .iter()
                .map(|alias| alias.alias_name().unwrap().to_owned()),
        );
        marker = page.next_marker().map(str::to_owned);
        assert_eq!(page.truncated(), marker.is_some());
        if marker.is_none() {
            break;
        }
    }
    expected.sort();
    assert_eq!(listed, expected);
    let bad = client.list_aliases().marker("%%%").send().await;
    assert_eq!(code(bad), "InvalidMarkerException");
}
