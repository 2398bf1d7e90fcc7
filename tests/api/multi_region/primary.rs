//! What the primary alone can do, and who is the primary.

use super::*;
use crate::message;

#[tokio::test]
async fn only_a_primary_is_replicated_and_once_to_a_region() {
    let id = primary().await.key_id;
    replicate(&client(), &id, WEST).await;
    let replicate = |client: Client, id: &str, region: &str| {
        client
            .replicate_key()
            .key_id(id)
            .replica_region(region)
            .send()
    };
    for taken in [WEST, home()] {
        let again = replicate(client(), &id, taken).await;
        assert_eq!(code(again), "AlreadyExistsException");
    }
    let replica = describe(&west(), &id).await.arn.unwrap();
    let refused = replicate(west(), &id, EUROPE).await;
    assert_eq!(
        message(refused),
        format!("{replica} is not a multi-region primary key.")
    );
    let single = symmetric(&client()).await;
    let refused = replicate(client(), &single, EUROPE).await;
    assert_eq!(code(refused), "UnsupportedOperationException");
    // The primary is asked for in its own Region.
    let elsewhere = replicate(client(), &replica, EUROPE).await;
    assert_eq!(message(elsewhere), format!("Invalid arn {WEST}"));
    assert_eq!(
        code(replicate(europe(), &id, WEST).await),
        "NotFoundException"
    );
    for (wrong, constraint) in [
        ("West", "satisfy regular expression pattern"),
        ("us-1", "satisfy regular expression pattern"),
        ("us-east-1-a", "satisfy regular expression pattern"),
        ("", "have length greater than or equal to 1"),
    ] {
        let refused = message(replicate(client(), &id, wrong).await);
        assert!(
            refused.contains("'replicaRegion'") && refused.contains(constraint),
            "{refused}"
        );
    }
    let malformed = client()
        .replicate_key()
        .key_id(&id)
        .replica_region(EUROPE)
        .policy("no");
    assert_eq!(
        code(malformed.send().await),
        "MalformedPolicyDocumentException"
    );
    let tag = Tag::builder()
        .tag_key("aws:x")
        .tag_value("")
        .build()
        .unwrap();
    let tagged = client()
        .replicate_key()
        .key_id(&id)
        .replica_region(EUROPE)
        .tags(tag);
    assert_eq!(code(tagged.send().await), "TagException");
    let stored = client()
        .create_key()
        .multi_region(true)
        .custom_key_store_id("cks-1");
    assert_eq!(code(stored.send().await), "UnsupportedOperationException");
    client().disable_key().key_id(&id).send().await.unwrap();
    assert_eq!(
        code(replicate(client(), &id, EUROPE).await),
        "DisabledException"
    );
}

#[tokio::test]
async fn the_primary_changes_places_with_a_replica() {
    let id = primary().await.key_id;
    let single = symmetric(&client()).await;
    let update = |client: Client, id: &str, region: &str| {
        client
            .update_primary_region()
            .key_id(id)
            .primary_region(region)
            .send()
    };
    assert_eq!(
        code(update(client(), &single, WEST).await),
        "UnsupportedOperationException"
    );
    assert_eq!(code(update(client(), &id, WEST).await), "NotFoundException");
    assert_eq!(
        code(update(client(), &id, home()).await),
        "UnsupportedOperationException"
    );
    replicate(&client(), &id, WEST).await;
    replicate(&client(), &id, EUROPE).await;
    assert_eq!(
        code(update(west(), &id, EUROPE).await),
        "UnsupportedOperationException"
    );
    west().disable_key().key_id(&id).send().await.unwrap();
    let refused = message(update(client(), &id, WEST).await);
    assert!(
        refused.contains(WEST) && refused.ends_with("is disabled."),
        "{refused}"
    );
    west().enable_key().key_id(&id).send().await.unwrap();
    update(client(), &id, WEST).await.unwrap();
    let replicas = vec![EUROPE.to_owned(), home().to_owned()];
    for (client, kind) in [
        (client(), MultiRegionKeyType::Replica),
        (west(), MultiRegionKeyType::Primary),
        (europe(), MultiRegionKeyType::Replica),
    ] {
        let described = describe(&client, &id).await;
        assert_eq!(described.key_state(), Some(&KeyState::Enabled));
        assert_eq!(shape(&described), (kind, WEST.to_owned(), replicas.clone()));
    }
    replicate(&west(), &id, "ap-southeast-2").await;
}
