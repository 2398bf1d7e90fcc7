//! Imported material of several Regions: it is one, and there or gone in all of them. AWS has each
//! Region import it.

use super::*;
use crate::import::import;
use aws_sdk_kms::types::{AlgorithmSpec, OriginType};

async fn states(id: &str) -> [KeyState; 2] {
    let [home, west] = [describe(&client(), id).await, describe(&west(), id).await];
    assert_eq!(west.origin(), Some(&OriginType::External));
    [home.key_state.unwrap(), west.key_state.unwrap()]
}

#[tokio::test]
async fn imported_material_is_there_or_gone_in_every_region() {
    let made = client()
        .create_key()
        .multi_region(true)
        .origin(OriginType::External);
    let id = made.send().await.unwrap().key_metadata.unwrap().key_id;
    let refused = client()
        .replicate_key()
        .key_id(&id)
        .replica_region(WEST)
        .send()
        .await;
    assert_eq!(code(refused), "KMSInvalidStateException");

    let material = [7; 32];
    let algorithm = AlgorithmSpec::RsaesOaepSha256;
    let imported = import(&client(), &id, &algorithm, &material).await;
    imported.send().await.unwrap();
    let replica = replicate(&client(), &id, WEST).await;
    assert_eq!(replica.key_state(), Some(&KeyState::Enabled));
    let ciphertext = encrypt(&client(), &id).await;
    assert!(decrypts(&west(), &ciphertext).await);

    // Only the primary's owner takes it away.
    let delete = |client: Client| client.delete_imported_key_material().key_id(&id).send();
    assert_eq!(code(delete(west()).await), "UnsupportedOperationException");
    delete(client()).await.unwrap();
    assert_eq!(
        states(&id).await,
        [KeyState::PendingImport, KeyState::PendingImport]
    );
    let gone = client()
        .decrypt()
        .ciphertext_blob(ciphertext.clone())
        .send()
        .await;
    assert_eq!(code(gone), "KMSInvalidStateException");

    let other = import(&west(), &id, &algorithm, &[8; 32]).await;
    assert_eq!(code(other.send().await), "IncorrectKeyMaterialException");
    let again = import(&west(), &id, &algorithm, &material).await;
    again.send().await.unwrap();
    assert_eq!(states(&id).await, [KeyState::Enabled, KeyState::Enabled]);
    // And as AWS's tools do: the same to each Region.
    let twice = import(&client(), &id, &algorithm, &material).await;
    twice.send().await.unwrap();
    for client in [client(), west()] {
        assert!(decrypts(&client, &ciphertext).await);
    }
}
