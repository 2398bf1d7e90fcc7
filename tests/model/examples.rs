//! botocore's own examples, sent as they stand, but for what only AWS's account could have: its
//! keys, aliases, grants, stores, ciphertexts. The answer must have what the example shows.

use crate::api::call;
use crate::botocore;
use crate::fixtures::{Key, Kind};
use crate::stores::KeyStore;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Members of requests that are taken from a request of our own.
const OURS: &[&str] = &[
    "AliasName",
    "CiphertextBlob",
    "DestinationKeyId",
    "EncryptedKeyMaterial",
    "GrantId",
    "ImportToken",
    "Mac",
    "Signature",
    "TargetKeyId",
];

/// Members of requests that are blobs, and text in the example.
const TEXTS: &[&str] = &["Message", "Plaintext"];

/// Members of answers that are never twice the same.
const VARIES: &[&str] = &[
    "AWSAccountId",
    "AliasArn",
    "AliasName",
    "Arn",
    "CiphertextBlob",
    "CloudHsmClusterId",
    "CreationDate",
    "CustomKeyStoreId",
    "DeletionDate",
    "GrantId",
    "GrantToken",
    "GranteePrincipal",
    "ImportToken",
    "IssuingAccount",
    "KeyArn",
    "KeyId",
    "LastUpdatedDate",
    "Mac",
    "ParametersValidTo",
    "Plaintext",
    "Policy",
    "PrivateKeyCiphertextBlob",
    "PrivateKeyPlaintext",
    "PublicKey",
    "Region",
    "ReplicaPolicy",
    "RetiringPrincipal",
    "Signature",
    "SourceKeyId",
    "TargetKeyId",
    "TrustAnchorCertificate",
    "Truncated",
    // The examples' lists are of grants, tags and keys that they do not make.
    "Operations",
    "TagKey",
    "TagValue",
];

/// The account of the tests, for those of the examples.
fn here(text: &str) -> String {
    text.replace("111122223333", "000000000000")
        .replace("444455556666", "000000000000")
}

/// The key store that an example is about: connected where it must be, and gone again afterwards.
struct Stored(Option<KeyStore>);

impl Stored {
    fn of(operation: &str, example: &Value) -> Self {
        let input = &example["input"];
        let about_one = operation != "CreateCustomKeyStore"
            && (input["CustomKeyStoreId"].is_string() || input["CustomKeyStoreName"].is_string());
        let name = input["CustomKeyStoreName"].as_str().unwrap_or(operation);
        // One that has a key stays, and its token with it.
        let letter = if operation == "CreateKey" { 'e' } else { 'b' };
        let store = about_one.then(|| KeyStore::new(name, letter));
        let connected = [
            "CreateKey",
            "DescribeCustomKeyStores",
            "DisconnectCustomKeyStore",
        ];
        if let Some(store) = store.as_ref().filter(|_| connected.contains(&operation)) {
            store.connect();
        }
        Self(store)
    }

    /// The members of requests that are about the store.
    fn member(&self, name: &str) -> Option<Value> {
        let store = self.0.as_ref()?;
        match name {
            "CustomKeyStoreId" => Some(store.id.clone().into()),
            "CloudHsmClusterId" => Some(store.cluster.clone().into()),
            "KeyStorePassword" => Some(store.password.clone().into()),
            _ => None,
        }
    }

    /// Makes way for the next.
    fn remove(self, operation: &str, answer: &Value) {
        let id = match (operation, &self.0) {
            ("DeleteCustomKeyStore", _) => return,
            ("CreateCustomKeyStore", _) => answer["CustomKeyStoreId"].clone(),
            (_, Some(store)) => store.id.clone().into(),
            (_, None) => return,
        };
        let alone = json!({"CustomKeyStoreId": id});
        let entry = call("DescribeCustomKeyStores", &alone).ok();
        if entry["CustomKeyStores"][0]["ConnectionState"] != "DISCONNECTED" {
            let store = self.0.as_ref().unwrap();
            store.until("CONNECTED");
            store.disconnect();
        }
        if operation != "CreateKey" {
            call("DeleteCustomKeyStore", &alone).ok();
        }
    }
}

/// A key as the example's must be.
fn key_for(operation: &str, example: &Value) -> Key {
    let spec = |spec: &str, usage: &str| Key::with(&json!({"KeySpec": spec, "KeyUsage": usage}));
    let shown = &example["output"]["KeyMetadata"];
    match operation {
        "DescribeKey" => {
            let description = shown["Description"].as_str().unwrap_or_default();
            let parameters = json!({
                "Description": description,
                "KeyUsage": shown["KeyUsage"],
                "CustomerMasterKeySpec": shown["CustomerMasterKeySpec"],
                "MultiRegion": shown["MultiRegion"],
            });
            Key::with(&parameters)
        }
        "GenerateMac" | "VerifyMac" => spec("HMAC_384", "GENERATE_VERIFY_MAC"),
        "GetPublicKey" => spec("RSA_4096", "ENCRYPT_DECRYPT"),
        "Sign" | "Verify" => spec("ECC_NIST_P384", "SIGN_VERIFY"),
        "ListResourceTags" | "UntagResource" => Key::with(&json!({"Tags": [
            {"TagKey": "CostCenter", "TagValue": "87654"},
            {"TagKey": "Purpose", "TagValue": "Test"},
        ]})),
        _ => Key::new(Kind::of(operation)),
    }
}

/// What must be so beforehand.
fn prepare(operation: &str, key: &Key, example: &Value) {
    let grant = |extra: &Value| {
        let mut request = key.request("CreateGrant");
        let more = extra.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(more);
        call("CreateGrant", &request).ok();
    };
    match operation {
        "CancelKeyDeletion" => {
            call("ScheduleKeyDeletion", &key.alone()).ok();
        }
        "DescribeKey" => {
            let shown = &example["output"]["KeyMetadata"];
            if shown["KeyState"] == "Disabled" {
                call("DisableKey", &key.alone()).ok();
            }
            if shown["MultiRegion"] == true {
                key.replicate();
            }
        }
        "GetKeyRotationStatus" => {
            call("EnableKeyRotation", &key.alone()).ok();
        }
        "ListAliases" => drop(key.alias()),
        "ListGrants" => {
            grant(&json!({"RetiringPrincipal": "arn:aws:iam::000000000000:role/retiring"}));
        }
        "ListRetirableGrants" => grant(&json!({
            "RetiringPrincipal": here(example["input"]["RetiringPrincipal"].as_str().unwrap()),
        })),
        _ => {}
    }
}

/// The example's request, on our key and in our key store.
fn request(operation: &str, key: &Key, store: &Stored, example: &Value) -> Value {
    let Some(theirs) = example["input"].as_object() else {
        return json!({});
    };
    let signed = |operation: &str, member: &str| {
        let mut request = json!({"KeyId": key.id});
        for name in ["Message", "SigningAlgorithm", "MessageType", "MacAlgorithm"] {
            request[name] = ours(name, &theirs.get(name).cloned().unwrap_or_default());
        }
        request[member] = call(operation, &request).ok()[member].clone();
        request
    };
    let own = match operation {
        "CreateCustomKeyStore" => KeyStore::request("", 'b'),
        "CreateKey" | "GenerateRandom" | "ListRetirableGrants" => json!({}),
        name if name.ends_with("CustomKeyStore") || name.ends_with("CustomKeyStores") => json!({}),
        "Verify" => signed("Sign", "Signature"),
        "VerifyMac" => signed("GenerateMac", "Mac"),
        _ => key.request(operation),
    };
    let member = |(name, value): (&String, &Value)| {
        let value = match name.as_str() {
            "KeyId" => match value.as_str().unwrap() {
                arn if arn.starts_with("arn:") => key.arn.clone().into(),
                alias if alias.starts_with("alias/") => key.alias().into(),
                _ => key.id.clone().into(),
            },
            "CloudHsmClusterId" | "KeyStorePassword" if operation == "CreateCustomKeyStore" => {
                own[name].clone()
            }
            name if store.member(name).is_some() => store.member(name).unwrap(),
            name if OURS.contains(&name) => own[name].clone(),
            name => ours(name, value),
        };
        (name.clone(), value)
    };
    theirs
        .iter()
        .map(member)
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn ours(name: &str, value: &Value) -> Value {
    match value.as_str() {
        Some(text) if TEXTS.contains(&name) => STANDARD.encode(text).into(),
        Some(text) => here(text).into(),
        None => value.clone(),
    }
}

/// Notes where `answer` lacks something that the example shows.
fn shows(example: &Value, answer: &Value, at: &str, wrong: &mut Vec<String>) {
    match (example, answer) {
        // Since it was written, the operation has been given an answer.
        (Value::Null, _) => {}
        (Value::Object(members), _) => {
            for (name, value) in members {
                let place = format!("{at}.{name}");
                match answer.get(name) {
                    None => wrong.push(format!("{place} is missing")),
                    Some(_) if VARIES.contains(&name.as_str()) => {}
                    Some(answer) => shows(value, answer, &place, wrong),
                }
            }
        }
        (Value::Array(items), Value::Array(answers)) => match items.first() {
            Some(Value::Object(_)) => {
                // Some element of ours must show what each of theirs does.
                for item in items {
                    let shown = answers.iter().any(|answer| {
                        let mut wrong = Vec::new();
                        shows(item, answer, at, &mut wrong);
                        wrong.is_empty()
                    });
                    if !shown {
                        wrong.push(format!("{at}: nothing like {item}"));
                    }
                }
            }
            _ => {
                for item in items.iter().filter(|item| !answers.contains(item)) {
                    wrong.push(format!("{at}: {item} is missing"));
                }
            }
        },
        (example, answer) if example != answer => {
            wrong.push(format!("{at} is {answer}, not {example}"));
        }
        _ => {}
    }
}

#[test]
fn every_example() {
    let mut wrong = Vec::new();
    let examples = botocore::examples();
    assert_eq!(examples.len(), 61);
    for (operation, example) in examples {
        let id = example["id"].as_str().unwrap();
        let key = key_for(operation, example);
        let store = Stored::of(operation, example);
        prepare(operation, &key, example);
        let request = request(operation, &key, &store, example);
        let answer = call(operation, &request);
        store.remove(operation, &answer.body);
        if answer.status != 200 {
            wrong.push(format!("{id}: {request}\n  got {}", answer.verdict()));
            continue;
        }
        shows(&example["output"], &answer.body, id, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
