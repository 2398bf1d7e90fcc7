//! KeySpec × KeyUsage × operation × algorithm: every cell, each on a key of the spec and usage.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>.

use crate::api::call;
use crate::botocore;
use crate::fixtures::{Key, MESSAGE, name};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What AWS lets a spec be used for, and with which algorithms.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &[&str])] = &[
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", &["ED25519_SHA_512", "ED25519_PH_SHA_512"]),
    ("ECC_NIST_P256", "KEY_AGREEMENT", &["ECDH"]),
    ("ECC_NIST_P256", "SIGN_VERIFY", &["ECDSA_SHA_256"]),
    ("ECC_NIST_P384", "KEY_AGREEMENT", &["ECDH"]),
    ("ECC_NIST_P384", "SIGN_VERIFY", &["ECDSA_SHA_384"]),
    ("ECC_NIST_P521", "KEY_AGREEMENT", &["ECDH"]),
    ("ECC_NIST_P521", "SIGN_VERIFY", &["ECDSA_SHA_512"]),
    ("ECC_SECG_P256K1", "SIGN_VERIFY", &["ECDSA_SHA_256"]),
    ("HMAC_224", "GENERATE_VERIFY_MAC", &["HMAC_SHA_224"]),
    ("HMAC_256", "GENERATE_VERIFY_MAC", &["HMAC_SHA_256"]),
    ("HMAC_384", "GENERATE_VERIFY_MAC", &["HMAC_SHA_384"]),
    ("HMAC_512", "GENERATE_VERIFY_MAC", &["HMAC_SHA_512"]),
    ("ML_DSA_44", "SIGN_VERIFY", &["ML_DSA_SHAKE_256"]),
    ("ML_DSA_65", "SIGN_VERIFY", &["ML_DSA_SHAKE_256"]),
    ("ML_DSA_87", "SIGN_VERIFY", &["ML_DSA_SHAKE_256"]),
    ("ML_KEM_1024", "ENCAPSULATE_DECAPSULATE", &["ML_KEM"]),
    ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE", &["ML_KEM"]),
    ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE", &["ML_KEM"]),
    ("RSA_2048", "ENCRYPT_DECRYPT", RSAES),
    ("RSA_2048", "SIGN_VERIFY", RSASSA),
    ("RSA_3072", "ENCRYPT_DECRYPT", RSAES),
    ("RSA_3072", "SIGN_VERIFY", RSASSA),
    ("RSA_4096", "ENCRYPT_DECRYPT", RSAES),
    ("RSA_4096", "SIGN_VERIFY", RSASSA),
    ("SM2", "ENCRYPT_DECRYPT", &["SM2PKE"]),
    ("SM2", "KEY_AGREEMENT", &["ECDH"]),
    ("SM2", "SIGN_VERIFY", &["SM2DSA"]),
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", &["SYMMETRIC_DEFAULT"]),
];

const RSAES: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSASSA: &[&str] = &[
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
];

/// Specs that the token of the tests, SoftHSM, has no mechanism for: refused by name.
const NOT_ON_THE_TOKEN: &[&str] = &[
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "ML_KEM_1024",
    "ML_KEM_512",
    "ML_KEM_768",
    "SM2",
];

/// Algorithms that it has not, though it has the keys.
const NOT_BY_THE_TOKEN: &[&str] = &["ED25519_PH_SHA_512"];

type Asked = (
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
);

/// What a key is asked: the operation, the usage that it needs, the member that names an algorithm
/// and the enum of its values; those without a member take SYMMETRIC_DEFAULT keys alone.
#[rustfmt::skip]
const OPERATIONS: &[Asked] = &[
    ("Decapsulate", "ENCAPSULATE_DECAPSULATE", Some(("EncapsulationAlgorithm", "EncapsulationAlgorithmSpec"))),
    ("Decrypt", "ENCRYPT_DECRYPT", Some(("EncryptionAlgorithm", "EncryptionAlgorithmSpec"))),
    ("DeriveSharedSecret", "KEY_AGREEMENT", Some(("KeyAgreementAlgorithm", "KeyAgreementAlgorithmSpec"))),
    ("Encapsulate", "ENCAPSULATE_DECAPSULATE", Some(("EncapsulationAlgorithm", "EncapsulationAlgorithmSpec"))),
    ("Encrypt", "ENCRYPT_DECRYPT", Some(("EncryptionAlgorithm", "EncryptionAlgorithmSpec"))),
    ("GenerateDataKey", "ENCRYPT_DECRYPT", None),
    ("GenerateDataKeyPair", "ENCRYPT_DECRYPT", None),
    ("GenerateDataKeyPairWithoutPlaintext", "ENCRYPT_DECRYPT", None),
    ("GenerateDataKeyWithoutPlaintext", "ENCRYPT_DECRYPT", None),
    ("GenerateMac", "GENERATE_VERIFY_MAC", Some(("MacAlgorithm", "MacAlgorithmSpec"))),
    ("ReEncrypt", "ENCRYPT_DECRYPT", Some(("SourceEncryptionAlgorithm", "EncryptionAlgorithmSpec"))),
    ("ReEncrypt to", "ENCRYPT_DECRYPT", Some(("DestinationEncryptionAlgorithm", "EncryptionAlgorithmSpec"))),
    ("Sign", "SIGN_VERIFY", Some(("SigningAlgorithm", "SigningAlgorithmSpec"))),
    ("Verify", "SIGN_VERIFY", Some(("SigningAlgorithm", "SigningAlgorithmSpec"))),
    ("VerifyMac", "GENERATE_VERIFY_MAC", Some(("MacAlgorithm", "MacAlgorithmSpec"))),
];

fn enum_of(shape: &str) -> Vec<&'static str> {
    botocore::values(botocore::shape(shape)).unwrap()
}

fn algorithms(spec: &str, usage: &str) -> Option<&'static [&'static str]> {
    let mut rows = TABLE.iter();
    rows.find(|row| (row.0, row.1) == (spec, usage))
        .map(|row| row.2)
}

#[test]
fn every_spec_for_every_usage() {
    let mut wrong = Vec::new();
    for spec in enum_of("KeySpec") {
        for usage in enum_of("KeyUsageType") {
            let cell = format!("{spec} for {usage}");
            let parameters = json!({"KeySpec": spec, "KeyUsage": usage});
            let lacking = NOT_ON_THE_TOKEN.contains(&spec);
            let expected = match algorithms(spec, usage) {
                None => format!(
                    "ValidationException: KeyUsage {usage} is not compatible with KeySpec {spec}"
                ),
                Some(_) if lacking => "UnsupportedOperation".into(),
                Some(algorithms) => {
                    let made = call("CreateKey", &parameters);
                    match made.status {
                        200 => operations(&made.ok()["KeyMetadata"], algorithms, &mut wrong),
                        _ => wrong.push(format!("{cell}: {}", made.verdict())),
                    }
                    continue;
                }
            };
            let answer = call("CreateKey", &parameters).verdict();
            if !answer.starts_with(&expected) {
                wrong.push(format!("{cell}: {expected}\n  got: {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every operation with every algorithm on one key.
fn operations(metadata: &Value, right: &[&str], wrong: &mut Vec<String>) {
    let text = |name: &str| metadata[name].as_str().unwrap();
    let (spec, usage, arn) = (text("KeySpec"), text("KeyUsage"), text("Arn"));
    let key = Key {
        id: text("KeyId").to_owned(),
        arn: arn.to_owned(),
    };
    let listed: BTreeSet<&str> = [
        "EncryptionAlgorithms",
        "SigningAlgorithms",
        "MacAlgorithms",
        "KeyAgreementAlgorithms",
        "EncapsulationAlgorithms",
    ]
    .iter()
    .filter_map(|list| metadata[*list].as_array())
    .flatten()
    .map(|algorithm| algorithm.as_str().unwrap())
    .collect();
    if listed != right.iter().copied().collect() {
        wrong.push(format!("{spec} for {usage}: described with {listed:?}"));
    }
    for (row, needs, member) in OPERATIONS {
        let algorithms = match member {
            Some((_, shape)) => enum_of(shape),
            None => vec!["SYMMETRIC_DEFAULT"],
        };
        for algorithm in algorithms {
            let expected = if *needs != usage {
                let operation = name(row);
                format!(
                    "InvalidKeyUsageException: {arn} key usage is {usage} which is not valid for \
                     {operation}."
                )
            } else if !right.contains(&algorithm) {
                format!(
                    "InvalidKeyUsageException: Algorithm {algorithm} is incompatible with key spec \
                     {spec}."
                )
            } else if NOT_BY_THE_TOKEN.contains(&algorithm) {
                "UnsupportedOperationException: The token does not support this: ".into()
            } else {
                "OK".into()
            };
            let request = request(row, &key, algorithm, expected == "OK");
            let answer = call(name(row), &request).verdict();
            if !answer.starts_with(&expected) {
                wrong.push(format!(
                    "{row} with {algorithm} by {spec} for {usage}: {expected}\n  got: {answer}"
                ));
            }
        }
    }
    let asymmetric = !spec.starts_with("HMAC") && spec != "SYMMETRIC_DEFAULT";
    let public = call("GetPublicKey", &key.alone());
    let expected = if asymmetric {
        ""
    } else {
        "UnsupportedOperationException"
    };
    if public.code() != expected {
        wrong.push(format!("GetPublicKey of {spec}: {}", public.verdict()));
    }
}

/// A request with this algorithm; where it is to succeed, all that it needs is really made.
fn request(row: &str, key: &Key, algorithm: &str, real: bool) -> Value {
    let made = |operation: &str, member: &str| match real {
        true => {
            let request = request(operation, key, algorithm, true);
            call(operation, &request).ok()[member].clone()
        }
        false => MESSAGE.into(),
    };
    // ED25519_PH_SHA_512 signs a digest that the caller makes, and no message.
    let (message, message_type) = match algorithm {
        "ED25519_PH_SHA_512" => (
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [7; 64]),
            "DIGEST",
        ),
        _ => (MESSAGE.to_owned(), "RAW"),
    };
    let mut input = match row {
        "Decapsulate" => json!({
            "SharedSecretCiphertextBlob": made("Encapsulate", "SharedSecretCiphertextBlob"),
        }),
        "Decrypt" => json!({"CiphertextBlob": made("Encrypt", "CiphertextBlob")}),
        "DeriveSharedSecret" => json!({
            "PublicKey": match real {
                true => call("GetPublicKey", &key.alone()).ok()["PublicKey"].clone(),
                false => MESSAGE.into(),
            },
        }),
        "ReEncrypt" => json!({
            "CiphertextBlob": made("Encrypt", "CiphertextBlob"),
            "SourceKeyId": key.id,
            "DestinationKeyId": Key::with(&json!({})).id,
        }),
        "ReEncrypt to" => {
            let other = Key::with(&json!({}));
            let ciphertext = call("Encrypt", &other.request("Encrypt")).ok();
            json!({
                "CiphertextBlob": ciphertext["CiphertextBlob"],
                "DestinationKeyId": key.id,
            })
        }
        "Sign" => json!({"Message": message, "MessageType": message_type}),
        "Verify" => json!({
            "Message": message,
            "MessageType": message_type,
            "Signature": made("Sign", "Signature"),
        }),
        "VerifyMac" => json!({"Message": MESSAGE, "Mac": made("GenerateMac", "Mac")}),
        "GenerateMac" => json!({"Message": MESSAGE}),
        _ => key.request(row),
    };
    let row = OPERATIONS.iter().find(|known| known.0 == row).unwrap();
    if let Some((member, _)) = row.2 {
        input[member] = algorithm.into();
    }
    if !row.0.starts_with("ReEncrypt") {
        input["KeyId"] = key.id.clone().into();
    }
    input
}

#[test]
fn the_table_is_whole() {
    let specs: BTreeSet<&str> = TABLE.iter().map(|row| row.0).collect();
    assert_eq!(specs, enum_of("KeySpec").into_iter().collect());
    let usages: BTreeSet<&str> = TABLE.iter().map(|row| row.1).collect();
    assert_eq!(usages, enum_of("KeyUsageType").into_iter().collect());
    for shape in [
        "EncryptionAlgorithmSpec",
        "SigningAlgorithmSpec",
        "MacAlgorithmSpec",
        "KeyAgreementAlgorithmSpec",
        "EncapsulationAlgorithmSpec",
    ] {
        for algorithm in enum_of(shape) {
            assert!(TABLE.iter().any(|row| row.2.contains(&algorithm)));
        }
    }
}

/// What SM2's, ML-DSA's and ML-KEM's algorithms are answered on keys that cannot have them is
/// above; here, that the deprecated name of KeySpec means the same.
#[test]
fn customer_master_key_spec_is_key_spec() {
    let made = call(
        "CreateKey",
        &json!({"CustomerMasterKeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
    );
    assert_eq!(made.ok()["KeyMetadata"]["KeySpec"], "HMAC_256");
    let both = json!({"CustomerMasterKeySpec": "HMAC_256", "KeySpec": "HMAC_256"});
    assert_eq!(call("CreateKey", &both).code(), "ValidationException");
}
