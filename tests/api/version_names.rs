//! Versions that cannot be named, and how many there may be.

use crate::versions::{arn, create, done, list, on, public_key, sign, verify, version};
use crate::wire::own;
use crate::{client, code, key, message, symmetric};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use serde_json::json;

#[tokio::test]
async fn versions_that_cannot_be_named() {
    let client = client();
    let id = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    assert_eq!(
        sign(&client, &version(&id, 2)).await,
        Err(format!(
            "Key version '{}' does not exist",
            version(&arn(&id), 2)
        ))
    );
    for wrong in ["0", "01", "x", "", "1/version/1"] {
        let name = format!("{id}/version/{wrong}");
        assert_eq!(
            sign(&client, &name).await,
            Err(format!("Invalid keyId '{name}'"))
        );
    }
    // Management is of the key as a whole.
    let named = version(&id, 1);
    let whole = format!(
        "'{}' is a version of a key: this operation is on the key as a whole, {}.",
        version(&arn(&id), 1),
        arn(&id)
    );
    let described = client.describe_key().key_id(&named).send().await;
    assert_eq!(message(described), whole);
    let disabled = client.disable_key().key_id(&named).send().await;
    assert_eq!(message(disabled), whole);
    let alias = client.create_alias().alias_name("alias/version-of-a-key");
    assert_eq!(message(alias.target_key_id(&named).send().await), whole);
    assert_eq!(
        own("CreateKeyVersion", &json!({"KeyId": named})).message(),
        whole
    );
    // An alias may look like it, and is another name.
    let like = format!("alias/{id}/version/1");
    let alias = client.create_alias().alias_name(&like).target_key_id(&id);
    alias.send().await.unwrap();
    create(&id);
    let (by_alias, primary) = (public_key(&client, &like).await, version(&id, 2));
    assert_eq!(by_alias, public_key(&client, &primary).await);
    // Of symmetric keys the gateway chooses.
    let id = symmetric(&client).await;
    let sealed = client.encrypt().key_id(&id).plaintext(Blob::new("x"));
    let sealed = sealed
        .send()
        .await
        .unwrap()
        .ciphertext_blob()
        .unwrap()
        .clone();
    let named = version(&id, 1);
    let encrypt = client.encrypt().key_id(&named).plaintext(Blob::new("x"));
    assert_eq!(code(encrypt.send().await), "ValidationException");
    let decrypt = client.decrypt().key_id(&named).ciphertext_blob(sealed);
    assert_eq!(code(decrypt.send().await), "ValidationException");
    let data_key = client
        .generate_data_key()
        .key_id(&named)
        .number_of_bytes(16);
    assert_eq!(code(data_key.send().await), "ValidationException");
    for operation in [
        "DisableKeyVersion",
        "EnableKeyVersion",
        "SetPrimaryKeyVersion",
    ] {
        let refused = on(operation, &id, 1);
        assert_eq!(
            refused.code(),
            "UnsupportedOperationException",
            "{operation}"
        );
    }
    let refused = own("CreateKeyVersion", &json!({"KeyId": id}));
    assert_eq!(refused.code(), "UnsupportedOperationException");
    let versions = list(&id);
    assert_eq!((versions.len(), &versions[0]["Primary"]), (1, &json!(true)));
}

#[tokio::test]
async fn versions_are_bounded_and_listed_in_pages() {
    let client = client();
    let id = key(&client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let first = sign(&client, &id).await.unwrap();
    for _ in 1..10 {
        create(&id);
    }
    verify(&client, &id, &first).await.unwrap();
    let refused = own("CreateKeyVersion", &json!({"KeyId": id}));
    assert_eq!(refused.code(), "LimitExceededException");
    assert!(refused.message().contains("disable one first"));
    done(on("DisableKeyVersion", &id, 1));
    create(&id);
    assert_eq!(
        on("EnableKeyVersion", &id, 1).code(),
        "LimitExceededException"
    );
    // What is enabled stays so.
    done(on("EnableKeyVersion", &id, 2));
    let (mut listed, mut request) = (Vec::new(), json!({"KeyId": id, "Limit": 4}));
    loop {
        let page = done(own("ListKeyVersions", &request));
        listed.extend(page["KeyVersions"].as_array().unwrap().clone());
        match page["NextMarker"].as_str() {
            Some(marker) => request["Marker"] = json!(marker),
            None => break,
        }
    }
    assert_eq!(listed, list(&id));
    assert_eq!(listed.len(), 11);
    for (wrong, code) in [
        (json!({"KeyId": id}), "ValidationException"),
        (json!({"KeyId": id, "KeyVersion": 0}), "ValidationException"),
        (json!({"KeyId": id, "KeyVersion": 12}), "NotFoundException"),
    ] {
        assert_eq!(own("DisableKeyVersion", &wrong).code(), code, "{wrong}");
    }
    assert_eq!(
        own("ListKeys", &json!({})).code(),
        "UnknownOperationException"
    );
}
