//! EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand,
//! ListKeyRotations.

use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    IncludeKeyMaterial, KeyMaterialState, KeySpec, KeyUsageType, RotationType, RotationsListEntry,
};
use std::collections::BTreeSet;

async fn material(client: &Client, id: &str) -> String {
    let described = client.describe_key().key_id(id).send().await.unwrap();
    let metadata = described.key_metadata().unwrap();
    metadata.current_key_material_id().unwrap().to_owned()
}

async fn rotate(client: &Client, id: &str) {
    let rotated = client.rotate_key_on_demand().key_id(id).send().await;
    assert_eq!(rotated.unwrap().key_id(), Some(id));
}

async fn rotations(client: &Client, id: &str, all: bool) -> Vec<RotationsListEntry> {
    let include = all.then_some(IncludeKeyMaterial::AllKeyMaterial);
    let list = client.list_key_rotations().key_id(id);
    let list = list.set_include_key_material(include).send().await.unwrap();
    assert!(!list.truncated());
    list.rotations().to_vec()
}

fn arn(id: &str) -> String {
    format!("arn:aws:kms:us-east-1:000000000000:key/{id}")
}

#[tokio::test]
async fn the_schedule_is_as_it_was_set() {
    let client = client();
    let id = symmetric(&client).await;
    let status = || client.get_key_rotation_status().key_id(&id).send();
    let enable = |days| {
        let enable = client.enable_key_rotation().key_id(&id);
        enable.set_rotation_period_in_days(days).send()
    };
    let off = status().await.unwrap();
    assert!(!off.key_rotation_enabled());
    assert_eq!(off.key_id(), Some(&*id));
    assert_eq!(
        (off.rotation_period_in_days(), off.next_rotation_date()),
        (None, None)
    );
    let described = client.describe_key().key_id(&id).send().await.unwrap();
    let created = described.key_metadata().unwrap().creation_date().unwrap();
    for (given, days) in [(None, 365), (Some(90), 90), (Some(2560), 2560)] {
        enable(given).await.unwrap();
        let on = status().await.unwrap();
        assert!(on.key_rotation_enabled());
        assert_eq!(on.rotation_period_in_days(), Some(days));
        let next = on.next_rotation_date().unwrap().secs() - created.secs();
        let rest = next - i64::from(days) * 86400;
        assert!((0..60).contains(&rest), "{days}: {rest}");
        // Saying it again puts nothing off.
        enable(given).await.unwrap();
        let again = status().await.unwrap();
        assert_eq!(again.next_rotation_date(), on.next_rotation_date());
    }
    for days in [89, 2561, -1] {
        let refused = message(enable(Some(days)).await);
        assert!(
            refused.contains(&format!("Value '{days}' at 'rotationPeriodInDays' failed")),
            "{refused}"
        );
    }
    // On demand, the schedule stays.
    let before = status().await.unwrap();
    rotate(&client, &id).await;
    let after = status().await.unwrap();
    assert_eq!(before.next_rotation_date(), after.next_rotation_date());
    assert_eq!(after.on_demand_rotation_start_date(), None);
    // A key that waits for its end does not rotate; it does again once it may stay.
    let window = client.schedule_key_deletion().key_id(&id);
    window.pending_window_in_days(7).send().await.unwrap();
    assert!(!status().await.unwrap().key_rotation_enabled());
    assert_eq!(
        message(enable(None).await),
        format!("{} is pending deletion.", arn(&id))
    );
    let cancel = client.cancel_key_deletion().key_id(&id).send();
    cancel.await.unwrap();
    let back = status().await.unwrap();
    assert!(back.key_rotation_enabled());
    assert_eq!(code(enable(None).await), "DisabledException");
    let disable = || client.disable_key_rotation().key_id(&id).send();
    assert_eq!(code(disable().await), "DisabledException");
    client.enable_key().key_id(&id).send().await.unwrap();
    disable().await.unwrap();
    assert!(!status().await.unwrap().key_rotation_enabled());
}

#[tokio::test]
async fn new_material_encrypts_and_the_old_decrypts() {
    let client = client();
    let id = symmetric(&client).await;
    let (mut sealed, mut materials) = (Vec::new(), Vec::new());
    for turn in 0..4 {
        if turn > 0 {
            rotate(&client, &id).await;
        }
        let now = material(&client, &id).await;
        let blob = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
        let blob = blob
            .send()
            .await
            .unwrap()
            .ciphertext_blob()
            .unwrap()
            .clone();
        let data_key = client.generate_data_key().key_id(&id).number_of_bytes(16);
        let data_key = data_key.send().await.unwrap();
        assert_eq!(data_key.key_material_id(), Some(&*now));
        sealed.push(blob);
        sealed.push(data_key.ciphertext_blob().unwrap().clone());
        materials.push(now);
    }
    assert_eq!(BTreeSet::from_iter(&materials).len(), 4);
    for (at, blob) in sealed.iter().enumerate() {
        let was = &materials[at / 2];
        let opened = client.decrypt().ciphertext_blob(blob.clone()).send().await;
        assert_eq!(opened.unwrap().key_material_id(), Some(&**was));
        let moved = client.re_encrypt().ciphertext_blob(blob.clone());
        let moved = moved.destination_key_id(&id).send().await.unwrap();
        assert_eq!(moved.source_key_material_id(), Some(&**was));
        assert_eq!(
            moved.destination_key_material_id(),
            materials.last().map(String::as_str)
        );
        let moved = client
            .decrypt()
            .ciphertext_blob(moved.ciphertext_blob().unwrap().clone());
        let moved = moved.key_id(&id).send().await.unwrap();
        assert_eq!(
            moved.key_material_id(),
            materials.last().map(String::as_str)
        );
    }
    let listed = rotations(&client, &id, true).await;
    let ids: Vec<_> = listed
        .iter()
        .map(|r| r.key_material_id().unwrap())
        .collect();
    assert_eq!(ids, materials, "oldest first");
    let states = listed.iter().map(|r| r.key_material_state().unwrap());
    use KeyMaterialState::{Current, NonCurrent};
    assert!(states.eq(&[NonCurrent, NonCurrent, NonCurrent, Current]));
    for (at, entry) in listed.iter().enumerate() {
        assert_eq!(entry.key_id(), Some(&*id));
        let rotated = (at > 0).then_some(&RotationType::OnDemand);
        assert_eq!(entry.rotation_type(), rotated);
        assert_eq!(entry.rotation_date().is_some(), at > 0);
        // Those are for imported material.
        assert_eq!(
            (entry.import_state(), entry.expiration_model()),
            (None, None)
        );
        assert_eq!(
            (entry.valid_to(), entry.key_material_description()),
            (None, None)
        );
    }
    assert_eq!(rotations(&client, &id, false).await, listed[1..]);
}

#[tokio::test]
async fn rotations_are_listed_in_pages() {
    let client = client();
    let id = symmetric(&client).await;
    assert_eq!(rotations(&client, &id, false).await, []);
    for _ in 0..5 {
        rotate(&client, &id).await;
    }
    let (mut listed, mut marker, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = client.list_key_rotations().key_id(&id).limit(2);
        let page = page.set_marker(marker).send().await.unwrap();
        listed.extend(page.rotations().to_vec());
        pages += 1;
        marker = page.next_marker().map(str::to_owned);
        assert_eq!(page.truncated(), marker.is_some());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!((pages, &listed), (3, &rotations(&client, &id, false).await));
    for wrong in ["%", "bm9uZQ"] {
        let list = client.list_key_rotations().key_id(&id).marker(wrong);
        assert_eq!(code(list.send().await), "InvalidMarkerException");
    }
}

#[tokio::test]
async fn twenty_five_times_on_demand() {
    let client = client();
    let id = symmetric(&client).await;
    // At once: they queue up, and none is lost.
    let calls = (0..30).map(|_| client.rotate_key_on_demand().key_id(&id).send());
    let results = futures_util::future::join_all(calls).await;
    let (rotated, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    for error in refused {
        let error = error.unwrap_err().into_service_error();
        assert!(error.is_limit_exceeded_exception(), "{error:?}");
    }
    assert_eq!(rotated.len(), 25);
    let listed = rotations(&client, &id, true).await;
    assert_eq!(listed.len(), 26);
    assert_eq!(
        message(client.rotate_key_on_demand().key_id(&id).send().await),
        format!(
            "The on-demand rotations limit has been reached for the given keyId. No more \
             on-demand rotations can be performed for this key: {}",
            arn(&id)
        )
    );
}

#[tokio::test]
async fn keys_that_do_not_rotate() {
    let client = client();
    let rsa = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let hmac = key(&client, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    for id in [&rsa, &hmac] {
        let codes = [
            code(client.enable_key_rotation().key_id(id).send().await),
            code(client.disable_key_rotation().key_id(id).send().await),
            code(client.get_key_rotation_status().key_id(id).send().await),
            code(client.rotate_key_on_demand().key_id(id).send().await),
            code(client.list_key_rotations().key_id(id).send().await),
        ];
        assert_eq!(codes, ["UnsupportedOperationException"; 5]);
    }
    let id = symmetric(&client).await;
    client.disable_key().key_id(&id).send().await.unwrap();
    let refused = client.rotate_key_on_demand().key_id(&id).send().await;
    assert_eq!(message(refused), format!("{} is disabled.", arn(&id)));
    // What is known of it may be read.
    let status = client.get_key_rotation_status().key_id(&id).send().await;
    assert!(!status.unwrap().key_rotation_enabled());
    assert_eq!(rotations(&client, &id, true).await.len(), 1);
    let alias = client.rotate_key_on_demand().key_id("alias/any").send();
    let refused = "Key Aliases are not supported for this operation.";
    assert_eq!(message(alias.await), refused);
}

#[tokio::test]
async fn the_regions_of_a_key_rotate_together() {
    let here = client();
    let there = crate::dev::SHARED.client_in("ap-southeast-2");
    let made = here.create_key().multi_region(true).send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let replicate = here.replicate_key().key_id(&id);
    let replicate = replicate.replica_region("ap-southeast-2").send();
    replicate.await.unwrap();
    let first = material(&there, &id).await;
    let seal = async |client: &Client| {
        let sealed = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
        let sealed = sealed.send().await.unwrap();
        sealed.ciphertext_blob().unwrap().clone()
    };
    let mut sealed = vec![seal(&there).await];
    rotate(&here, &id).await;
    let second = material(&here, &id).await;
    assert_ne!(second, first);
    assert_eq!(material(&there, &id).await, second);
    sealed.extend([seal(&here).await, seal(&there).await]);
    for (blob, was) in sealed.iter().zip([&first, &second, &second]) {
        for client in [&here, &there] {
            let opened = client.decrypt().ciphertext_blob(blob.clone()).send().await;
            assert_eq!(opened.unwrap().key_material_id(), Some(&**was));
        }
    }
    let enable = here.enable_key_rotation().key_id(&id);
    enable.rotation_period_in_days(100).send().await.unwrap();
    for client in [&here, &there] {
        let status = client.get_key_rotation_status().key_id(&id).send().await;
        assert_eq!(status.unwrap().rotation_period_in_days(), Some(100));
        assert_eq!(rotations(client, &id, true).await.len(), 2);
    }
    // What they share is changed on the primary.
    let replica = format!("arn:aws:kms:ap-southeast-2:000000000000:key/{id}");
    let refused = [
        message(there.rotate_key_on_demand().key_id(&id).send().await),
        message(there.enable_key_rotation().key_id(&id).send().await),
        message(there.disable_key_rotation().key_id(&id).send().await),
    ];
    let wanted = format!("{replica} is not a multi-region primary key.");
    assert_eq!(refused, [&*wanted; 3]);
    here.disable_key_rotation()
        .key_id(&id)
        .send()
        .await
        .unwrap();
    let status = there.get_key_rotation_status().key_id(&id).send().await;
    assert!(!status.unwrap().key_rotation_enabled());
}
