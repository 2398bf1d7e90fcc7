//! What each Region keeps to itself.

use super::*;
use aws_sdk_kms::types::GrantOperation;

/// Lets the account do everything, and is not the default.
const WESTERN: &str = r#"{"Version":"2012-10-17","Id":"western","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:*","Resource":"*"}}"#;

#[tokio::test]
async fn what_is_a_regions_own() {
    let made = client()
        .create_key()
        .multi_region(true)
        .description("at home")
        .tags(Tag::builder().tag_key("a").tag_value("1").build().unwrap())
        .send()
        .await
        .unwrap();
    let id = made.key_metadata.unwrap().key_id;
    let replicated = client()
        .replicate_key()
        .key_id(&id)
        .replica_region(WEST)
        .description("in the west")
        .policy(WESTERN)
        .bypass_policy_lockout_safety_check(true)
        .tags(Tag::builder().tag_key("b").tag_value("2").build().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(replicated.replica_policy(), Some(WESTERN));
    let [tag] = replicated.replica_tags() else {
        panic!()
    };
    assert_eq!((tag.tag_key(), tag.tag_value()), ("b", "2"));
    let replica = replicated.replica_key_metadata.unwrap();
    assert_eq!(replica.description(), Some("in the west"));
    let bare = client().replicate_key().key_id(&id).replica_region(EUROPE);
    let bare = bare.send().await.unwrap();
    assert!(bare.replica_policy().unwrap().contains("kms:*") && bare.replica_tags().is_empty());
    assert_eq!(bare.replica_key_metadata.unwrap().description(), Some(""));

    let alias = "alias/of-the-west";
    west()
        .create_alias()
        .alias_name(alias)
        .target_key_id(&id)
        .send()
        .await
        .unwrap();
    encrypt(&west(), alias).await;
    let missing = client().describe_key().key_id(alias).send().await;
    assert_eq!(code(missing), "NotFoundException");
    west().disable_key().key_id(&id).send().await.unwrap();
    let refused = west().encrypt().key_id(&id).plaintext(Blob::new("x"));
    assert_eq!(code(refused.send().await), "DisabledException");
    encrypt(&client(), &id).await;
    assert_eq!(
        describe(&client(), &id).await.description(),
        Some("at home")
    );
}

#[tokio::test]
async fn policies_tags_and_grants_are_of_one_region() {
    let id = primary().await.key_id;
    replicate(&client(), &id, WEST).await;
    let put = west().put_key_policy().key_id(&id).policy(WESTERN);
    put.bypass_policy_lockout_safety_check(true)
        .send()
        .await
        .unwrap();
    let tag = Tag::builder()
        .tag_key("where")
        .tag_value("west")
        .build()
        .unwrap();
    west()
        .tag_resource()
        .key_id(&id)
        .tags(tag)
        .send()
        .await
        .unwrap();
    let grant = west()
        .create_grant()
        .key_id(&id)
        .operations(GrantOperation::Encrypt);
    let alice = "arn:aws:iam::000000000000:user/alice";
    grant.grantee_principal(alice).send().await.unwrap();
    let own = async |client: Client| {
        let policy = client.get_key_policy().key_id(&id).send().await.unwrap();
        let tags = client
            .list_resource_tags()
            .key_id(&id)
            .send()
            .await
            .unwrap();
        let grants = client.list_grants().key_id(&id).send().await.unwrap();
        (
            policy.policy.unwrap() == WESTERN,
            tags.tags.unwrap_or_default().len(),
            grants.grants.unwrap_or_default().len(),
        )
    };
    assert_eq!(own(west()).await, (true, 1, 1));
    assert_eq!(own(client()).await, (false, 0, 0));
}
