//! TagResource, UntagResource, ListResourceTags; CreateKey's tags.

use crate::{client, code, message, symmetric};
use aws_sdk_kms::Client;
use aws_sdk_kms::operation::tag_resource::builders::TagResourceFluentBuilder;
use aws_sdk_kms::types::Tag;

fn tag(key: &str, value: &str) -> Tag {
    let tag = Tag::builder().tag_key(key).tag_value(value);
    tag.build().unwrap()
}

fn add(client: &Client, id: &str, tags: &[(&str, &str)]) -> TagResourceFluentBuilder {
    let add = client.tag_resource().key_id(id);
    tags.iter().fold(add, |add, (k, v)| add.tags(tag(k, v)))
}

async fn tags(client: &Client, id: &str) -> Vec<(String, String)> {
    let listed = client.list_resource_tags().key_id(id).send().await.unwrap();
    assert!(!listed.truncated());
    let pair = |tag: &Tag| (tag.tag_key().to_owned(), tag.tag_value().to_owned());
    listed.tags().iter().map(pair).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    expected.iter().map(pair).collect()
}

#[tokio::test]
async fn tags_are_added_changed_and_removed() {
    let client = client();
    let made = client.create_key().tags(tag("team", "billing")).send();
    let made = made.await.unwrap().key_metadata.unwrap();
    let (id, arn) = (made.key_id(), made.arn().unwrap());
    let more = [("Team", ""), ("stage", "prod \u{1f512}"), ("team", "x=1")];
    add(&client, arn, &more).send().await.unwrap();
    let expected = pairs(&[("Team", ""), ("stage", "prod \u{1f512}"), ("team", "x=1")]);
    assert_eq!(tags(&client, id).await, expected);
    client
        .untag_resource()
        .key_id(id)
        .tag_keys("team")
        .tag_keys("never there")
        .send()
        .await
        .unwrap();
    let expected = pairs(&[("Team", ""), ("stage", "prod \u{1f512}")]);
    assert_eq!(tags(&client, arn).await, expected);
    add(&client, id, &[])
        .set_tags(Some(vec![]))
        .send()
        .await
        .unwrap();
    assert_eq!(tags(&client, id).await, expected);
}

#[tokio::test]
async fn a_key_has_at_most_fifty() {
    let client = client();
    let id = symmetric(&client).await;
    let names: Vec<String> = (0..51).map(|n| format!("t{n:02}")).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "v")).collect();
    let refused = add(&client, &id, &all).send().await;
    assert_eq!(message(refused), "Too many tags");
    add(&client, &id, &all[..50]).send().await.unwrap();
    let refused = add(&client, &id, &all[50..]).send().await;
    assert_eq!(message(refused), "Too many tags");
    // One that is there may still change.
    add(&client, &id, &[("t00", "w")]).send().await.unwrap();
    assert_eq!(tags(&client, &id).await.len(), 50);
    assert_eq!(tags(&client, &id).await[0].1, "w");

    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let page = client.list_resource_tags().key_id(&id).limit(20);
        let page = page.set_marker(marker).send().await.unwrap();
        assert!(page.tags().len() <= 20);
        listed.extend(page.tags().iter().map(|tag| tag.tag_key().to_owned()));
        marker = page.next_marker().map(str::to_owned);
        assert_eq!(page.truncated(), marker.is_some());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, names[..50]);
    let list = || client.list_resource_tags().key_id(&id);
    assert_eq!(code(list().limit(51).send().await), "ValidationException");
    let bad = list().marker("%%%").send().await;
    assert_eq!(code(bad), "InvalidMarkerException");
}

#[tokio::test]
async fn tags_that_are_refused() {
    let client = client();
    let id = symmetric(&client).await;
    for (bad, expected) in [
        (vec![("a", "1"), ("a", "2")], "Duplicate tag keys"),
        (vec![("aws:x", "")], "Tags beginning with aws: are reserved"),
        (vec![("AWS:x", "")], "Tags beginning with aws: are reserved"),
        (
            vec![("a", "\u{1}")],
            "Tags must not contain control characters",
        ),
    ] {
        let refused = add(&client, &id, &bad).send().await;
        assert_eq!(message(refused), expected);
        assert_eq!(code(add(&client, &id, &bad).send().await), "TagException");
        let create = client.create_key();
        let create = bad.iter().fold(create, |c, (k, v)| c.tags(tag(k, v)));
        assert_eq!(message(create.send().await), expected);
    }
    let reserved = client.untag_resource().key_id(&id).tag_keys("aws:x");
    assert_eq!(code(reserved.send().await), "TagException");
    let long = "v".repeat(257);
    let refused = add(&client, &id, &[("a", &long)]).send().await;
    assert_eq!(
        message(refused),
        format!(
            "1 validation error detected: Value '{long}' at 'tags.1.member.tagValue' failed to \
             satisfy constraint: Member must have length less than or equal to 256"
        )
    );
    let empty = client.untag_resource().key_id(&id).tag_keys("");
    assert!(message(empty.send().await).contains("Value '[]' at 'tagKeys' failed"));
    let alias = add(&client, "alias/any", &[("a", "")]).send().await;
    assert_eq!(
        message(alias),
        "Key Aliases are not supported for this operation."
    );
    assert!(tags(&client, &id).await.is_empty());
}

#[tokio::test]
async fn the_state_of_the_key_decides() {
    let client = client();
    let id = symmetric(&client).await;
    client.disable_key().key_id(&id).send().await.unwrap();
    add(&client, &id, &[("a", "1")]).send().await.unwrap();
    let schedule = client.schedule_key_deletion().key_id(&id);
    schedule.send().await.unwrap();
    let pending = format!("arn:aws:kms:us-east-1:000000000000:key/{id} is pending deletion.");
    let refused = add(&client, &id, &[("a", "2")]).send().await;
    assert_eq!(message(refused), pending);
    let untag = client.untag_resource().key_id(&id).tag_keys("a");
    assert_eq!(message(untag.send().await), pending);
    assert_eq!(tags(&client, &id).await, pairs(&[("a", "1")]));
}
