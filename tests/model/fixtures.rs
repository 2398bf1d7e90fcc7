//! A right request for every operation that comes to a key, on a key of a kind that it can use.

use crate::api::{call, call_in};
use crate::stores::KeyStore;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::encrypt::Encrypter;
use openssl::pkey::PKey;
use openssl::rsa::Padding;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The key store of the keys in one, connected when first asked for.
pub static STORE: LazyLock<KeyStore> = LazyLock::new(|| {
    let store = KeyStore::new("of the model's tests", 'a');
    store.connect();
    store
});

/// Another Region than the home Region.
pub const ELSEWHERE: &str = "ap-southeast-2";

/// What a key is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Symmetric,
    /// Symmetric, with imported material.
    External,
    /// Symmetric, the primary of several Regions.
    MultiRegion,
    Signing,
    Mac,
    Agreement,
    /// Symmetric, in a key store, which the state tests disconnect.
    Stored,
    /// As `Signing` and `Mac`, and still without material.
    SigningToCome,
    MacToCome,
}

/// Operations on keys that the token of the tests, SoftHSM, cannot have. They are directed at a
/// symmetric key, whose usage is not right.
pub fn has_no_key(operation: &str) -> bool {
    ["Decapsulate", "Encapsulate"].contains(&operation)
}

impl Kind {
    /// The kind that suits an operation.
    pub fn of(operation: &str) -> Self {
        match operation {
            "Sign" | "Verify" | "GetPublicKey" => Kind::Signing,
            "GenerateMac" | "VerifyMac" => Kind::Mac,
            "DeriveSharedSecret" => Kind::Agreement,
            "GetParametersForImport" | "ImportKeyMaterial" | "DeleteImportedKeyMaterial" => {
                Kind::External
            }
            "ReplicateKey" | "UpdatePrimaryRegion" => Kind::MultiRegion,
            _ => Kind::Symmetric,
        }
    }

    pub fn parameters(self) -> Value {
        match self {
            Kind::Symmetric => json!({}),
            Kind::External => json!({"Origin": "EXTERNAL"}),
            Kind::MultiRegion => json!({"MultiRegion": true}),
            Kind::Stored => json!({
                "Origin": "AWS_CLOUDHSM",
                "CustomKeyStoreId": STORE.id,
            }),
            Kind::SigningToCome => json!({
                "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL",
            }),
            Kind::MacToCome => json!({
                "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC", "Origin": "EXTERNAL",
            }),
            Kind::Signing => json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}),
            Kind::Mac => json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
            Kind::Agreement => json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}),
        }
    }
}

/// A key, usable.
pub struct Key {
    pub id: String,
    pub arn: String,
}

impl Key {
    pub fn new(kind: Kind) -> Self {
        let key = Self::with(&kind.parameters());
        if kind == Kind::External {
            key.import();
        }
        key
    }

    /// A key as CreateKey makes it of these parameters.
    pub fn with(parameters: &Value) -> Self {
        let made = call("CreateKey", parameters).ok();
        let text = |name: &str| made["KeyMetadata"][name].as_str().unwrap().to_owned();
        Self {
            id: text("KeyId"),
            arn: text("Arn"),
        }
    }

    /// The request that has only the key's id.
    pub fn alone(&self) -> Value {
        json!({"KeyId": self.id})
    }

    /// An alias that points at it.
    pub fn alias(&self) -> String {
        let name = fresh_alias();
        call(
            "CreateAlias",
            &json!({"AliasName": name, "TargetKeyId": self.id}),
        )
        .ok();
        name
    }

    /// Imports the material that every import here is of.
    pub fn import(&self) {
        call("ImportKeyMaterial", &self.import_request()).ok();
    }

    fn import_request(&self) -> Value {
        let parameters = json!({
            "KeyId": self.id,
            "WrappingAlgorithm": "RSAES_OAEP_SHA_1",
            "WrappingKeySpec": "RSA_2048",
        });
        let parameters = call("GetParametersForImport", &parameters).ok();
        let public = decoded(&parameters["PublicKey"]);
        let public = PKey::public_key_from_der(&public).unwrap();
        let mut wrapping = Encrypter::new(&public).unwrap();
        wrapping.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        let mut wrapped = vec![0; 512];
        let n = wrapping.encrypt(&[7; 32], &mut wrapped).unwrap();
        json!({
            "KeyId": self.id,
            "ImportToken": parameters["ImportToken"],
            "EncryptedKeyMaterial": STANDARD.encode(&wrapped[..n]),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        })
    }

    fn ciphertext(&self) -> Value {
        let encrypted = call("Encrypt", &json!({"KeyId": self.id, "Plaintext": MESSAGE}));
        encrypted.ok()["CiphertextBlob"].clone()
    }

    fn grant(&self) -> Value {
        call("CreateGrant", &self.request("CreateGrant")).ok()
    }

    /// A right request of `operation` on this key, with all that it needs beforehand.
    pub fn request(&self, operation: &str) -> Value {
        let mut input = match operation {
            "CreateAlias" => json!({"AliasName": fresh_alias(), "TargetKeyId": self.id}),
            "CreateGrant" => json!({
                "GranteePrincipal": "arn:aws:iam::000000000000:role/grantee",
                "Operations": ["DescribeKey"],
            }),
            "Decapsulate" => json!({
                "SharedSecretCiphertextBlob": MESSAGE,
                "EncapsulationAlgorithm": "ML_KEM",
            }),
            "Decrypt" => json!({"CiphertextBlob": self.ciphertext()}),
            "DeleteAlias" => return json!({"AliasName": self.alias()}),
            "DeriveSharedSecret" => {
                let other = Key::new(Kind::Agreement);
                let public = call("GetPublicKey", &other.alone()).ok();
                json!({"KeyAgreementAlgorithm": "ECDH", "PublicKey": public["PublicKey"]})
            }
            "Encapsulate" => json!({"EncapsulationAlgorithm": "ML_KEM"}),
            "Encrypt" => json!({"Plaintext": MESSAGE}),
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => json!({"KeySpec": "AES_256"}),
            "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
                json!({"KeyPairSpec": "ECC_NIST_P256"})
            }
            "GenerateMac" => json!({"Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}),
            "GetParametersForImport" => {
                json!({"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})
            }
            "ImportKeyMaterial" => self.import_request(),
            "PutKeyPolicy" => {
                let policy = call("GetKeyPolicy", &self.alone()).ok();
                json!({"Policy": policy["Policy"]})
            }
            "ReEncrypt" => json!({
                "CiphertextBlob": self.ciphertext(),
                "SourceKeyId": self.id,
                "DestinationKeyId": Key::new(Kind::Symmetric).id,
            }),
            "ReEncrypt to" => json!({
                "CiphertextBlob": Key::new(Kind::Symmetric).ciphertext(),
                "DestinationKeyId": self.id,
            }),
            "ReplicateKey" => json!({"ReplicaRegion": ELSEWHERE}),
            "RetireGrant" | "RevokeGrant" => json!({"GrantId": self.grant()["GrantId"]}),
            "ScheduleKeyDeletion" => json!({"PendingWindowInDays": 7}),
            "Sign" => json!({"Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}),
            "TagResource" => json!({"Tags": [{"TagKey": "team", "TagValue": "billing"}]}),
            "UntagResource" => json!({"TagKeys": ["team"]}),
            "UpdateAlias" => {
                let other = Key::new(Kind::Symmetric);
                json!({"AliasName": other.alias(), "TargetKeyId": self.id})
            }
            "UpdateAlias from" => {
                json!({"AliasName": self.alias(), "TargetKeyId": Key::new(Kind::Symmetric).id})
            }
            "UpdateKeyDescription" => json!({"Description": "described"}),
            "UpdatePrimaryRegion" => {
                self.replicate();
                json!({"PrimaryRegion": ELSEWHERE})
            }
            "Verify" => {
                let signed = call("Sign", &self.request("Sign")).ok();
                json!({
                    "Message": MESSAGE,
                    "SigningAlgorithm": "ECDSA_SHA_256",
                    "Signature": signed["Signature"],
                })
            }
            "VerifyMac" => {
                let made = call("GenerateMac", &self.request("GenerateMac")).ok();
                json!({"Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256", "Mac": made["Mac"]})
            }
            _ => json!({}),
        };
        let has_key = ["ReEncrypt", "ReEncrypt to", "CreateAlias"].contains(&operation)
            || operation.starts_with("UpdateAlias");
        if !has_key {
            input["KeyId"] = match operation {
                "RetireGrant" => self.arn.clone().into(), // which takes no id
                _ => self.id.clone().into(),
            };
        }
        input
    }

    /// Makes a replica, if there is none.
    pub fn replicate(&self) {
        if !self.is_replicated() {
            call("ReplicateKey", &self.request("ReplicateKey")).ok();
        }
    }

    /// Whether a replica is elsewhere.
    pub fn is_replicated(&self) -> bool {
        call_in(ELSEWHERE, "DescribeKey", &self.alone()).status == 200
    }
}

/// Base64 of what is encrypted and signed here.
pub const MESSAGE: &str = "aGVsbG8=";

/// An alias that no key has.
pub fn fresh_alias() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("alias/model-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The bytes of a blob.
pub fn decoded(blob: &Value) -> Vec<u8> {
    STANDARD.decode(blob.as_str().unwrap()).unwrap()
}

/// Operations after which a key is not as it was: they need one of their own.
pub fn leaves_a_mark(operation: &str) -> bool {
    [
        "CancelKeyDeletion",
        "DeleteImportedKeyMaterial",
        "DisableKey",
        "EnableKey",
        "ImportKeyMaterial",
        "ReplicateKey",
        "ScheduleKeyDeletion",
        "UpdatePrimaryRegion",
    ]
    .contains(&operation)
}

/// The operation's name without what says which of its keys is meant.
pub fn name(row: &str) -> &str {
    row.split(' ').next().unwrap()
}
