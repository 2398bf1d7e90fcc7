//! Every member of every answer that the model has is in some answer of the gateway.

use crate::api::{SEEN, call};
use crate::botocore;
use crate::fixtures::{Key, Kind, MESSAGE, has_no_key};
use crate::stores::{KeyStore, PATIENCE};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

const NO_XKS: &str = "external key stores are refused by name: a key store is a PKCS#11 token";
const NO_ML_KEM: &str = "the token of the tests has no ML-KEM";

/// Members that no answer of this gateway has, and why.
const NEVER: &[(&str, &str, &str)] = &[
    (
        "*",
        "CiphertextForRecipient",
        "Recipient is refused by name",
    ),
    ("DecapsulateResponse", "*", NO_ML_KEM),
    ("EncapsulateResponse", "*", NO_ML_KEM),
    ("*", "EncapsulationAlgorithms", NO_ML_KEM),
    (
        "GetKeyRotationStatusResponse",
        "OnDemandRotationStartDate",
        "it is of a rotation under way, and here RotateKeyOnDemand is answered when it is done",
    ),
    (
        "ListKeyPoliciesResponse",
        "NextMarker",
        "a key has one policy, and so its list one page",
    ),
    ("KeyMetadata", "XksKeyConfiguration", NO_XKS),
    ("CustomKeyStoresListEntry", "XksProxyConfiguration", NO_XKS),
];

fn never(structure: &str, member: &str) -> bool {
    let is = |pattern: &str, name| pattern == "*" || pattern == name;
    NEVER
        .iter()
        .any(|(s, m, _)| is(s, structure) && is(m, member))
}

/// The structures of AWS's answers, with all that they hold.
fn structures() -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for operation in botocore::operations() {
        if let Some(output) = botocore::operation(operation)["output"]["shape"].as_str() {
            descend(output, &mut found);
        }
    }
    found
}

fn descend(shape_name: &'static str, found: &mut BTreeSet<&'static str>) {
    let shape = botocore::shape(shape_name);
    match shape["type"].as_str().unwrap() {
        "list" => descend(shape["member"]["shape"].as_str().unwrap(), found),
        "structure" if found.insert(shape_name) => {
            for (member, of) in botocore::members(shape) {
                if !never(shape_name, member) {
                    descend(of, found);
                }
            }
        }
        _ => {}
    }
}

/// A point in time within the year that material may last.
#[allow(clippy::disallowed_methods)] // a client of the gateway has a clock of its own
fn soon() -> i64 {
    (OffsetDateTime::now_utc() + time::Duration::days(100)).unix_timestamp()
}

/// Asks for everything that there is to see.
fn look() {
    let with_key = |operation: &&str| {
        let members = botocore::inputs(operation);
        members
            .iter()
            .any(|(member, _)| member.ends_with("KeyId") || *member == "AliasName")
    };
    for operation in botocore::operations() {
        if with_key(&operation) && operation != "CreateKey" {
            let key = Key::new(Kind::of(operation));
            let request = key.request(operation);
            if has_no_key(operation) {
                continue;
            }
            if operation == "CancelKeyDeletion" {
                call("ScheduleKeyDeletion", &key.alone()).ok();
            }
            call(operation, &request).ok();
        }
    }
    call("GenerateRandom", &json!({"NumberOfBytes": 1})).ok();

    // The algorithms of each kind of key.
    for kind in [Kind::Signing, Kind::Mac] {
        let key = Key::new(kind);
        call("DescribeKey", &key.alone()).ok();
    }
    let rsa = json!({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"});
    call("GetPublicKey", &Key::with(&rsa).alone()).ok();
    let key = Key::new(Kind::Agreement);
    call("DescribeKey", &key.alone()).ok();
    call("GetPublicKey", &key.alone()).ok();

    // What only some keys have.
    let doomed = Key::new(Kind::Symmetric);
    call("ScheduleKeyDeletion", &doomed.alone()).ok();
    call("DescribeKey", &doomed.alone()).ok();
    let primary = Key::new(Kind::MultiRegion);
    primary.replicate();
    call("ScheduleKeyDeletion", &primary.alone()).ok();
    call("DescribeKey", &primary.alone()).ok();
    let rotated = Key::new(Kind::Symmetric);
    call("EnableKeyRotation", &rotated.alone()).ok();
    call("RotateKeyOnDemand", &rotated.alone()).ok();
    call("GetKeyRotationStatus", &rotated.alone()).ok();
    for include in ["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"] {
        let request = json!({"KeyId": rotated.id, "IncludeKeyMaterial": include, "Limit": 1});
        call("ListKeyRotations", &request).ok();
    }

    let granted = Key::new(Kind::Symmetric);
    for more in [
        json!({"Name": "subset", "Constraints": {"EncryptionContextSubset": {"a": "b"}}}),
        json!({
            "RetiringPrincipal": "arn:aws:iam::000000000000:role/retiring",
            "Constraints": {"EncryptionContextEquals": {"a": "b"}},
        }),
        json!({
            "GranteePrincipal": null,
            "GranteeServicePrincipal": "sns.us-east-1.amazonaws.com",
            "RetiringServicePrincipal": "sns.us-east-1.amazonaws.com",
            "Constraints": {"SourceArn": "arn:aws:sns:us-east-1:000000000000:topic"},
        }),
    ] {
        let mut request = granted.request("CreateGrant");
        let more = more.as_object().unwrap().clone();
        request["Operations"] = json!(["Encrypt"]);
        request.as_object_mut().unwrap().extend(more);
        call("CreateGrant", &request).ok();
    }
    call("ListGrants", &granted.alone()).ok();
    call("ListGrants", &json!({"KeyId": granted.id, "Limit": 1})).ok();
    let tags = json!({"Tags": [
        {"TagKey": "a", "TagValue": "1"},
        {"TagKey": "b", "TagValue": "2"},
    ]});
    let tagged = Key::with(&tags);
    call("ListResourceTags", &json!({"KeyId": tagged.id, "Limit": 1})).ok();

    let expiring = Key::with(&json!({"Origin": "EXTERNAL"}));
    let mut import = expiring.request("ImportKeyMaterial");
    import["ExpirationModel"] = "KEY_MATERIAL_EXPIRES".into();
    import["ValidTo"] = json!(soon());
    import["KeyMaterialDescription"] = "the first".into();
    call("ImportKeyMaterial", &import).ok();
    call("DescribeKey", &expiring.alone()).ok();
    let all = json!({"KeyId": expiring.id, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
    call("ListKeyRotations", &all).ok();

    // Key stores.
    let (store, other) = (KeyStore::new("outputs", 'c'), KeyStore::new("more", 'd'));
    store.connect();
    let stored = json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store.id});
    Key::with(&stored);
    call("DescribeCustomKeyStores", &json!({"Limit": 1})).ok();
    let mut update = other.alone();
    update["KeyStorePassword"] = "not the PIN".into();
    call("UpdateCustomKeyStore", &update).ok();
    call("ConnectCustomKeyStore", &other.alone()).ok();
    other.until("FAILED");

    // The last use is written down in batches.
    let used = Key::new(Kind::Symmetric);
    call("Encrypt", &used.request("Encrypt")).ok();
    let until = Instant::now() + PATIENCE;
    while call("GetKeyLastUsage", &used.alone()).ok()["KeyLastUsage"]["Operation"] != "Encrypt" {
        assert!(Instant::now() < until, "its use is not known");
        std::thread::sleep(Duration::from_millis(200));
    }

    // Pages that go on.
    let aliases = [rotated.alias(), rotated.alias()];
    let first = call("ListAliases", &json!({"Limit": 1})).ok();
    let next = json!({"Limit": 1, "Marker": first["NextMarker"]});
    assert_ne!(call("ListAliases", &next).ok()["Aliases"], first["Aliases"]);
    call(
        "Encrypt",
        &json!({"KeyId": aliases[0], "Plaintext": MESSAGE}),
    )
    .ok();
    call("ListKeys", &json!({"Limit": 1})).ok();
}

/// Grants with all that one can have, on more than a page.
fn look_at_grants(key: &Key) {
    let service = "backup.amazonaws.com";
    for constraint in ["EncryptionContextSubset", "EncryptionContextEquals"] {
        let source = "arn:aws:ec2:us-east-1:000000000000:volume/v";
        let request = json!({
            "KeyId": key.id,
            "Name": constraint,
            "Operations": ["Decrypt"],
            "GranteeServicePrincipal": service,
            "RetiringServicePrincipal": service,
            "Constraints": {constraint: {"a": "b"}, "SourceArn": source},
        });
        call("CreateGrant", &request).ok();
    }
    let retired = key.request("CreateGrant");
    let mut retired = retired.as_object().unwrap().clone();
    retired.insert(
        "RetiringPrincipal".into(),
        "arn:aws:iam::000000000000:root".into(),
    );
    call("CreateGrant", &retired.into()).ok();
    let tags = json!([{"TagKey": "a", "TagValue": ""}, {"TagKey": "b", "TagValue": ""}]);
    call("TagResource", &json!({"KeyId": key.id, "Tags": tags})).ok();
    let page = json!({"KeyId": key.id, "Limit": 1});
    call("ListGrants", &json!({"KeyId": key.id})).ok();
    call("ListGrants", &page).ok();
    call("ListResourceTags", &page).ok();
}

#[test]
fn every_member_of_an_answer() {
    look();
    let seen = SEEN.lock().unwrap().clone();
    let mut wrong = Vec::new();
    for structure in structures() {
        for (member, _) in botocore::members(botocore::shape(structure)) {
            let shown = seen.contains(&(structure.to_owned(), member.to_owned()));
            let expected = !never(structure, member);
            if shown != expected {
                wrong.push(format!("{structure}.{member}: shown {shown}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
