//! What the Regions share: it is changed on the primary, and for all of them.

use super::*;

async fn material(client: &Client, id: &str) -> String {
    let described = describe(client, id).await;
    described.current_key_material_id.unwrap()
}

#[tokio::test]
async fn a_rotation_is_one_of_every_region() {
    let id = primary().await.key_id;
    let before = (
        material(&client(), &id).await,
        encrypt(&client(), &id).await,
    );
    replicate(&client(), &id, WEST).await;
    let refused = west().rotate_key_on_demand().key_id(&id).send().await;
    assert_eq!(code(refused), "UnsupportedOperationException");
    client()
        .rotate_key_on_demand()
        .key_id(&id)
        .send()
        .await
        .unwrap();
    let after = material(&client(), &id).await;
    assert_ne!(before.0, after);
    assert_eq!(material(&west(), &id).await, after);
    // One that comes later has all of it.
    replicate(&client(), &id, EUROPE).await;
    assert_eq!(material(&europe(), &id).await, after);
    let ciphertext = encrypt(&west(), &id).await;
    for client in [client(), west(), europe()] {
        assert!(decrypts(&client, &before.1).await && decrypts(&client, &ciphertext).await);
        let rotations = client
            .list_key_rotations()
            .key_id(&id)
            .send()
            .await
            .unwrap();
        assert_eq!(rotations.rotations().len(), 1);
    }
}

#[tokio::test]
async fn automatic_rotation_is_switched_on_the_primary() {
    let id = primary().await.key_id;
    replicate(&client(), &id, WEST).await;
    let enable = |client: Client| {
        client
            .enable_key_rotation()
            .key_id(&id)
            .rotation_period_in_days(90)
            .send()
    };
    assert_eq!(code(enable(west()).await), "UnsupportedOperationException");
    enable(client()).await.unwrap();
    replicate(&client(), &id, EUROPE).await;
    let status = async |client: Client| {
        let status = client
            .get_key_rotation_status()
            .key_id(&id)
            .send()
            .await
            .unwrap();
        (
            status.rotation_period_in_days(),
            status.next_rotation_date().copied(),
        )
    };
    let at_home = status(client()).await;
    assert_eq!(at_home.0, Some(90));
    assert_eq!(
        [status(west()).await, status(europe()).await],
        [at_home, at_home]
    );
    let update = client()
        .update_primary_region()
        .key_id(&id)
        .primary_region(WEST);
    update.send().await.unwrap();
    let disable = |client: Client| client.disable_key_rotation().key_id(&id).send();
    assert_eq!(
        code(disable(client()).await),
        "UnsupportedOperationException"
    );
    disable(west()).await.unwrap();
    assert_eq!(status(client()).await, (None, None));
}
