//! What the primary alone can do, and who is the primary.

use super::*;
use crate::message;
use aws_sdk_kms::error::ProvideErrorMetadata;

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

/// Asks again as long as the gateway says that others were faster.
async fn settled<T, E, F>(call: impl Fn() -> F) -> Result<T, E>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, E>>,
{
    loop {
        let answer = call().await;
        let message = answer.as_ref().err().and_then(|error| error.message());
        if !message.is_some_and(|message| message.contains("kept changing")) {
            return answer;
        }
    }
}

#[tokio::test]
async fn changes_in_several_regions_at_once_leave_one_primary() {
    let id = primary().await.key_id;
    for region in [WEST, EUROPE] {
        replicate(&client(), &id, region).await;
    }
    let regions = [home(), WEST, EUROPE];
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12 {
        let (id, from, to) = (id.clone(), regions[n % 3], regions[(n + n / 3) % 3]);
        tasks.spawn(async move {
            let client = &SHARED.client_in(from);
            // Only one of three is right about who the primary is.
            let update = client
                .update_primary_region()
                .key_id(&id)
                .primary_region(to);
            let updated = settled(|| update.clone().send()).await;
            if let Err(error) = updated {
                assert_eq!(
                    error.code(),
                    Some("UnsupportedOperationException"),
                    "{error:?}"
                );
            }
            let change = client.update_key_description().key_id(&id).description(to);
            settled(|| change.clone().send()).await.unwrap();
            let describe = client.describe_key().key_id(&id);
            let described = settled(|| describe.clone().send()).await;
            let (kind, primary, replicas) = shape(&described.unwrap().key_metadata.unwrap());
            assert_eq!(kind == MultiRegionKeyType::Primary, primary == from);
            assert_eq!(replicas.len(), 2);
        });
    }
    tasks.join_all().await;
    let mut primaries = Vec::new();
    for region in regions {
        primaries.push(shape(&describe(&SHARED.client_in(region), &id).await).1);
    }
    primaries.dedup();
    assert_eq!(primaries.len(), 1, "{primaries:?}");
}
