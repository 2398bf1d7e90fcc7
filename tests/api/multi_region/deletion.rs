//! Whose deletion waits for whose. That it happens is in `tests/promises/multi_region.rs`.

use super::*;

#[tokio::test]
async fn a_primary_with_replicas_waits_for_them() {
    let id = primary().await.key_id;
    replicate(&client(), &id, WEST).await;
    let schedule = |client: Client| {
        client
            .schedule_key_deletion()
            .key_id(&id)
            .pending_window_in_days(9)
            .send()
    };
    let scheduled = schedule(client()).await.unwrap();
    assert_eq!(
        scheduled.key_state(),
        Some(&KeyState::PendingReplicaDeletion)
    );
    assert_eq!(scheduled.pending_window_in_days(), Some(9));
    assert!(scheduled.deletion_date().is_none());
    let described = describe(&client(), &id).await;
    assert_eq!(described.pending_deletion_window_in_days(), Some(9));
    assert!(described.deletion_date().is_none());
    encrypt(&west(), &id).await;
    for refused in [
        code(
            client()
                .encrypt()
                .key_id(&id)
                .plaintext(Blob::new("x"))
                .send()
                .await,
        ),
        code(schedule(client()).await),
        code(
            client()
                .replicate_key()
                .key_id(&id)
                .replica_region(EUROPE)
                .send()
                .await,
        ),
        code(
            client()
                .update_primary_region()
                .key_id(&id)
                .primary_region(WEST)
                .send()
                .await,
        ),
    ] {
        assert_eq!(refused, "KMSInvalidStateException");
    }
    client()
        .cancel_key_deletion()
        .key_id(&id)
        .send()
        .await
        .unwrap();
    let described = describe(&client(), &id).await;
    assert_eq!(described.key_state(), Some(&KeyState::Disabled));
    assert!(described.pending_deletion_window_in_days().is_none());
    client().enable_key().key_id(&id).send().await.unwrap();

    // A replica's window begins at once, and it becomes no primary meanwhile.
    let scheduled = schedule(west()).await.unwrap();
    assert_eq!(scheduled.key_state(), Some(&KeyState::PendingDeletion));
    assert!(scheduled.deletion_date().is_some());
    let refused = client()
        .update_primary_region()
        .key_id(&id)
        .primary_region(WEST);
    assert_eq!(code(refused.send().await), "KMSInvalidStateException");
    let again = client().replicate_key().key_id(&id).replica_region(WEST);
    assert_eq!(code(again.send().await), "AlreadyExistsException");
    // It is there as long as it is not deleted.
    let scheduled = schedule(client()).await.unwrap();
    assert_eq!(
        scheduled.key_state(),
        Some(&KeyState::PendingReplicaDeletion)
    );
    // One without replicas is as any other key.
    let alone = primary().await.key_id;
    let scheduled = client()
        .schedule_key_deletion()
        .key_id(&alone)
        .send()
        .await
        .unwrap();
    assert_eq!(scheduled.key_state(), Some(&KeyState::PendingDeletion));
}
