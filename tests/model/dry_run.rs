//! DryRun: `DryRunOperationException` where the request would have succeeded, the real error where
//! it would not, and nothing done either way.

use crate::api::call;
use crate::botocore;
use crate::fixtures::{Key, Kind, MESSAGE, has_no_key};
use serde_json::{Value, json};

const WOULD_HAVE: &str =
    "DryRunOperationException: The request would have succeeded, but the DryRun option is set.";

fn rows() -> Vec<&'static str> {
    let has_it = |operation: &&str| {
        let members = botocore::inputs(operation);
        members.iter().any(|(member, _)| *member == "DryRun")
    };
    let rows: Vec<_> = botocore::operations().filter(has_it).collect();
    assert_eq!(rows.len(), 17);
    rows.into_iter().filter(|row| !has_no_key(row)).collect()
}

fn dry(mut request: Value) -> Value {
    request["DryRun"] = true.into();
    request
}

#[test]
fn what_would_have_succeeded() {
    for row in rows() {
        let key = Key::new(Kind::of(row));
        let request = key.request(row);
        let tried = call(row, &dry(request.clone()));
        assert_eq!(tried.verdict(), WOULD_HAVE, "{row}");
        // Nothing was done: the request itself still succeeds, also those that succeed once.
        call(row, &request).ok();
    }
}

#[test]
fn what_would_have_failed() {
    for row in rows() {
        let key = Key::new(Kind::of(row));
        let request = dry(key.request(row));
        let mut nowhere = request.clone();
        let member = match row {
            "ReEncrypt" => "DestinationKeyId",
            _ => "KeyId",
        };
        nowhere[member] =
            "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000".into();
        assert_eq!(call(row, &nowhere).code(), "NotFoundException", "{row}");
        let disabled = call("DisableKey", &key.alone());
        disabled.ok();
        let expected = match row {
            "RetireGrant" | "RevokeGrant" => "DryRunOperationException",
            _ => "DisabledException",
        };
        assert_eq!(call(row, &request).code(), expected, "{row}");
    }
}

/// What only the work itself finds out.
#[test]
fn what_fails_in_the_work() {
    let key = Key::new(Kind::Symmetric);
    let mut decrypt = dry(key.request("Decrypt"));
    decrypt["EncryptionContext"] = json!({"another": "context"});
    assert_eq!(
        call("Decrypt", &decrypt).code(),
        "InvalidCiphertextException"
    );
    let mut again = dry(key.request("ReEncrypt"));
    again["SourceEncryptionContext"] = json!({"another": "context"});
    assert_eq!(
        call("ReEncrypt", &again).code(),
        "InvalidCiphertextException"
    );
    let key = Key::new(Kind::Mac);
    let mut verify = dry(key.request("VerifyMac"));
    verify["Mac"] = MESSAGE.into();
    assert_eq!(call("VerifyMac", &verify).code(), "KMSInvalidMacException");
    let key = Key::new(Kind::Signing);
    let mut verify = dry(key.request("Verify"));
    verify["Message"] = "b3RoZXI=".into();
    assert_eq!(
        call("Verify", &verify).code(),
        "KMSInvalidSignatureException"
    );
    let sign = json!({
        "KeyId": key.id, "Message": MESSAGE, "MessageType": "DIGEST",
        "SigningAlgorithm": "ECDSA_SHA_256", "DryRun": true,
    });
    assert_eq!(
        call("Sign", &sign).message(),
        "Digest is invalid length for algorithm ECDSA_SHA_256."
    );
}

/// `IGNORE_CIPHERTEXT`: whether the caller may, without a ciphertext or with any.
#[test]
fn ignoring_the_ciphertext() {
    let key = Key::new(Kind::Symmetric);
    for (operation, member) in [("Decrypt", "KeyId"), ("ReEncrypt", "SourceKeyId")] {
        let mut bare = json!({
            member: key.id, "DryRun": true, "DryRunModifiers": ["IGNORE_CIPHERTEXT"],
        });
        if operation == "ReEncrypt" {
            bare["DestinationKeyId"] = key.id.clone().into();
        }
        assert_eq!(call(operation, &bare).verdict(), WOULD_HAVE);
        let mut nonsense = bare.clone();
        nonsense["CiphertextBlob"] = MESSAGE.into();
        assert_eq!(call(operation, &nonsense).verdict(), WOULD_HAVE);
        // It needs the key's name, counts only in a dry run, and an empty list ignores nothing.
        let mut unnamed = bare.clone();
        unnamed[member] = Value::Null;
        assert_eq!(call(operation, &unnamed).code(), "ValidationException");
        let null = "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy \
                    constraint: Member must not be null";
        for (member, value) in [("DryRun", json!(false)), ("DryRunModifiers", json!([]))] {
            let mut request = bare.clone();
            request[member] = value;
            assert_eq!(call(operation, &request).message(), null);
        }
        let mut disabled = bare.clone();
        let other = Key::new(Kind::Symmetric);
        call("DisableKey", &other.alone()).ok();
        disabled[member] = other.id.into();
        assert_eq!(call(operation, &disabled).code(), "DisabledException");
    }
}
