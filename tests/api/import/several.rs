//! Several materials of one key, and one material of several Regions.

use super::{decrypt, describe, encrypt, external_symmetric, import, state};
use crate::{client, code, message};
use aws_sdk_kms::Client;
use aws_sdk_kms::operation::import_key_material::builders::ImportKeyMaterialFluentBuilder;
use aws_sdk_kms::types::{
    AlgorithmSpec, ImportState, ImportType, IncludeKeyMaterial, KeyMaterialState, KeyState,
    OriginType,
};

const ALGORITHM: AlgorithmSpec = AlgorithmSpec::RsaAesKeyWrapSha256;

async fn new(client: &Client, id: &str, material: u8) -> String {
    let import = import(client, id, &ALGORITHM, &[material; 32]).await;
    let import = import.import_type(ImportType::NewKeyMaterial);
    let imported = import.key_material_description(format!("no. {material}"));
    let imported = imported.send().await.unwrap();
    imported.key_material_id().unwrap().to_owned()
}

/// Description, state, and whether it is there, of every material.
async fn listed(client: &Client, id: &str) -> Vec<(String, KeyMaterialState, ImportState)> {
    let list = client.list_key_rotations().key_id(id);
    let list = list.include_key_material(IncludeKeyMaterial::AllKeyMaterial);
    let list = list.send().await.unwrap();
    let entry = |entry: &aws_sdk_kms::types::RotationsListEntry| {
        (
            entry
                .key_material_description()
                .unwrap_or_default()
                .to_owned(),
            entry.key_material_state().unwrap().clone(),
            entry.import_state().unwrap().clone(),
        )
    };
    list.rotations().iter().map(entry).collect()
}

#[tokio::test]
async fn a_key_needs_every_material_that_was_current() {
    use ImportState::{Imported, PendingImport};
    use KeyMaterialState::{Current, NonCurrent, PendingRotation};
    let client = client();
    let id = external_symmetric(&client).await;
    let first = new(&client, &id, 1).await;
    let before = encrypt(&client, &id).await;
    let second = new(&client, &id, 2).await;
    let named = |n: u8| format!("no. {n}");
    assert_eq!(
        listed(&client, &id).await,
        [
            (named(1), Current, Imported),
            (named(2), PendingRotation, Imported)
        ]
    );
    let rotate = client.rotate_key_on_demand().key_id(&id);
    rotate.send().await.unwrap();
    let described = describe(&client, &id).await;
    assert_eq!(described.current_key_material_id(), Some(&second[..]));
    let after = encrypt(&client, &id).await;
    for sealed in [&before, &after] {
        assert_eq!(decrypt(&client, sealed).await, b"secret");
    }
    let nothing = client.rotate_key_on_demand().key_id(&id).send().await;
    assert_eq!(code(nothing), "KMSInvalidStateException");
    let delete = client.delete_imported_key_material().key_id(&id);
    delete.key_material_id(&first).send().await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::PendingImport);
    assert_eq!(
        listed(&client, &id).await,
        [
            (named(1), NonCurrent, PendingImport),
            (named(2), Current, Imported)
        ]
    );
    // The description stays where none is given.
    let again = import(&client, &id, &ALGORITHM, &[1; 32]).await;
    let again = again.send().await.unwrap();
    assert_eq!(again.key_material_id(), Some(&first[..]));
    for sealed in [&before, &after] {
        assert_eq!(decrypt(&client, sealed).await, b"secret");
    }
    assert_eq!(
        listed(&client, &id).await[0],
        (named(1), NonCurrent, Imported)
    );
}

#[tokio::test]
async fn regions_share_what_was_imported() {
    let here = client();
    let there = crate::dev::SHARED.client_in("ap-southeast-2");
    let made = here.create_key().multi_region(true);
    let made = made.origin(OriginType::External).send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let first = new(&here, &id, 3).await;
    let replicate = here.replicate_key().key_id(&id);
    let replicate = replicate.replica_region("ap-southeast-2").send();
    replicate.await.unwrap();
    let sealed = encrypt(&here, &id).await;
    assert_eq!(decrypt(&there, &sealed).await, b"secret");
    // New material and its end are the primary's to decide.
    let second = import(&there, &id, &ALGORITHM, &[4; 32]).await;
    let second = second.import_type(ImportType::NewKeyMaterial).send().await;
    assert_eq!(code(second), "UnsupportedOperationException");
    let delete = |client: &Client| client.delete_imported_key_material().key_id(&id).send();
    let refused = message(delete(&there).await);
    assert!(refused.contains("primary"), "{refused}");
    delete(&here).await.unwrap();
    for client in [&here, &there] {
        assert_eq!(state(client, &id).await, KeyState::PendingImport);
    }
    let again = import(&there, &id, &ALGORITHM, &[3; 32]).await;
    let again = again.send().await.unwrap();
    assert_eq!(again.key_material_id(), Some(&first[..]));
    assert_eq!(decrypt(&here, &sealed).await, b"secret");
}

#[tokio::test]
async fn further_material_waits_for_its_rotation() {
    let client = client();
    let id = external_symmetric(&client).await;
    let attempt = |material: u8| {
        let (client, id) = (client.clone(), id.clone());
        async move { import(&client, &id, &ALGORITHM, &[material; 32]).await }
    };
    let first = attempt(1).await.send().await.unwrap();
    let new = |import: ImportKeyMaterialFluentBuilder| {
        import.import_type(ImportType::NewKeyMaterial).send()
    };
    let same = new(attempt(1).await).await;
    assert_eq!(code(same), "IncorrectKeyMaterialException");
    let second = new(attempt(2).await).await.unwrap();
    let (first, second) = (
        first.key_material_id().unwrap(),
        second.key_material_id().unwrap(),
    );
    assert_ne!(first, second);
    let described = describe(&client, &id).await;
    assert_eq!(described.current_key_material_id(), Some(first));
    let third = message(new(attempt(3).await).await);
    assert!(third.starts_with("New key material (id: "), "{third}");
    let rest = format!(
        ") cannot be imported into KMS key {id}, because another key material (id: {second}) is \
         pending rotation."
    );
    assert!(third.ends_with(&rest), "{third}");
    // Each comes again as what it was, and nothing else does.
    let again = attempt(2).await.send().await.unwrap();
    assert_eq!(again.key_material_id(), Some(second));
    let again = attempt(1).await.key_material_id(second).send().await;
    assert_eq!(code(again), "IncorrectKeyMaterialException");
    // What is pending does not make the key unusable when it goes, and goes altogether.
    let delete = |material: &str| {
        client
            .delete_imported_key_material()
            .key_id(&id)
            .key_material_id(material)
            .send()
    };
    delete(second).await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::Enabled);
    assert_eq!(code(delete(second).await), "NotFoundException");
    let third = new(attempt(3).await).await.unwrap();
    assert_ne!(third.key_material_id(), Some(second));
    delete(first).await.unwrap();
    assert_eq!(state(&client, &id).await, KeyState::PendingImport);
}
