//! What requests are counted together, and how many of them AWS lets an account make.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>.

use super::Rate;
use crate::model::{DataKeyPairSpec, KeySpec, Region};
use crate::operation::OperationName;

/// Requests that share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Those of one operation.
    Operation(OperationName),
    /// Cryptographic operations by symmetric and HMAC keys, and GenerateRandom.
    Symmetric,
    /// By RSA keys.
    Rsa,
    /// By elliptic curve keys.
    Ecc,
    /// By ML-DSA keys.
    MlDsa,
    /// By ML-KEM keys.
    MlKem,
    /// Those that make a data key pair of this kind.
    KeyPair(DataKeyPairSpec),
    /// Cryptographic operations that use the token of one custom key store.
    KeyStore,
}

/// What depends on the key that is used.
const CRYPTOGRAPHIC: &[&str] = &[
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];
/// What depends on the data key pair that is made.
const KEY_PAIRS: &[&str] = &["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"];

/// Requests per second of each account in each Region.
const OPERATIONS: &[(&str, f64)] = &[
    ("CancelKeyDeletion", 5.0),
    ("ConnectCustomKeyStore", 5.0),
    ("CreateAlias", 5.0),
    ("CreateCustomKeyStore", 5.0),
    ("CreateGrant", 50.0),
    ("CreateKey", 5.0),
    ("DeleteAlias", 15.0),
    ("DeleteCustomKeyStore", 5.0),
    ("DeleteImportedKeyMaterial", 15.0),
    ("DescribeCustomKeyStores", 5.0),
    ("DescribeKey", 2000.0),
    ("DisableKey", 5.0),
    ("DisableKeyRotation", 5.0),
    ("DisconnectCustomKeyStore", 5.0),
    ("EnableKey", 5.0),
    ("EnableKeyRotation", 15.0),
    ("GetKeyLastUsage", 5.0),
    ("GetKeyPolicy", 1000.0),
    ("GetKeyRotationStatus", 1000.0),
    ("GetParametersForImport", 1.0),
    ("GetPublicKey", 2000.0),
    ("ImportKeyMaterial", 15.0),
    ("ListAliases", 500.0),
    ("ListGrants", 100.0),
    ("ListKeyPolicies", 100.0),
    ("ListKeyRotations", 100.0),
    ("ListKeys", 500.0),
    ("ListResourceTags", 2000.0),
    ("ListRetirableGrants", 100.0),
    ("PutKeyPolicy", 15.0),
    ("ReplicateKey", 5.0),
    ("RetireGrant", 50.0),
    ("RevokeGrant", 50.0),
    ("RotateKeyOnDemand", 5.0),
    ("ScheduleKeyDeletion", 15.0),
    ("TagResource", 10.0),
    ("UntagResource", 5.0),
    ("UpdateAlias", 5.0),
    ("UpdateCustomKeyStore", 5.0),
    ("UpdateKeyDescription", 5.0),
    ("UpdatePrimaryRegion", 5.0),
];
/// Of operations for which AWS publishes no quota: the gateway's own, and those of other services.
const ANY_OTHER: f64 = 100.0;
/// Cryptographic operations by symmetric keys, where AWS gives more than elsewhere.
const SYMMETRIC: f64 = 10_000.0;
const SYMMETRIC_IN: &[(&str, f64)] = &[
    ("us-east-2", 20_000.0),
    ("ap-southeast-1", 20_000.0),
    ("ap-southeast-2", 20_000.0),
    ("ap-northeast-1", 20_000.0),
    ("eu-central-1", 20_000.0),
    ("eu-west-2", 20_000.0),
    ("us-east-1", 100_000.0),
    ("us-west-2", 100_000.0),
    ("eu-west-1", 100_000.0),
];
const ASYMMETRIC: f64 = 1000.0;
/// For each custom key store, whoever uses it.
const KEY_STORE: f64 = 1800.0;

impl Group {
    /// Every group that an operation can be counted in.
    pub fn all() -> impl Iterator<Item = Self> {
        let operations = OperationName::ALL.iter().copied().filter_map(Self::of);
        let pairs = DataKeyPairSpec::ALL.iter().copied().map(Self::KeyPair);
        [
            Self::Symmetric,
            Self::Rsa,
            Self::Ecc,
            Self::MlDsa,
            Self::MlKem,
            Self::KeyStore,
        ]
        .into_iter()
        .chain(pairs)
        .chain(operations)
    }

    /// The group of an operation that has one of its own.
    pub fn of(operation: OperationName) -> Option<Self> {
        let name = operation.as_str();
        let other = is_cryptographic(operation) || KEY_PAIRS.contains(&name);
        (!other).then_some(Self::Operation(operation))
    }

    /// The group of cryptographic operations by a key.
    pub fn of_key(spec: KeySpec) -> Self {
        match spec {
            KeySpec::SymmetricDefault
            | KeySpec::Hmac224
            | KeySpec::Hmac256
            | KeySpec::Hmac384
            | KeySpec::Hmac512 => Self::Symmetric,
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Self::Rsa,
            KeySpec::EccNistP256
            | KeySpec::EccNistP384
            | KeySpec::EccNistP521
            | KeySpec::EccSecgP256k1
            | KeySpec::EccNistEdwards25519
            | KeySpec::Sm2 => Self::Ecc,
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => Self::MlDsa,
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => Self::MlKem,
        }
    }

    /// Its name in the configuration and the metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.as_str(),
            Self::Symmetric => "Symmetric",
            Self::Rsa => "RSA",
            Self::Ecc => "ECC",
            Self::MlDsa => "ML-DSA",
            Self::MlKem => "ML-KEM",
            Self::KeyStore => "CustomKeyStore",
            Self::KeyPair(spec) => match spec {
                DataKeyPairSpec::Rsa2048 => "GenerateDataKeyPair_RSA_2048",
                DataKeyPairSpec::Rsa3072 => "GenerateDataKeyPair_RSA_3072",
                DataKeyPairSpec::Rsa4096 => "GenerateDataKeyPair_RSA_4096",
                DataKeyPairSpec::EccNistP256 => "GenerateDataKeyPair_ECC_NIST_P256",
                DataKeyPairSpec::EccNistP384 => "GenerateDataKeyPair_ECC_NIST_P384",
                DataKeyPairSpec::EccNistP521 => "GenerateDataKeyPair_ECC_NIST_P521",
                DataKeyPairSpec::EccSecgP256k1 => "GenerateDataKeyPair_ECC_SECG_P256K1",
                DataKeyPairSpec::EccNistEdwards25519 => "GenerateDataKeyPair_ECC_NIST_EDWARDS25519",
                DataKeyPairSpec::Sm2 => "GenerateDataKeyPair_SM2",
                DataKeyPairSpec::MlKem512 => "GenerateDataKeyPair_ML_KEM_512",
                DataKeyPairSpec::MlKem768 => "GenerateDataKeyPair_ML_KEM_768",
                DataKeyPairSpec::MlKem1024 => "GenerateDataKeyPair_ML_KEM_1024",
            },
        }
    }

    /// The group of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|group| group.name() == name)
    }

    /// AWS's default.
    pub fn aws(self, region: &Region) -> Option<Rate> {
        let find = |table: &[(&str, f64)], name: &str| {
            let mut table = table.iter();
            table
                .find(|(known, _)| *known == name)
                .map(|(_, rate)| *rate)
        };
        Rate::per_second(match self {
            Self::Operation(name) => find(OPERATIONS, name.as_str()).unwrap_or(ANY_OTHER),
            Self::Symmetric => find(SYMMETRIC_IN, region.as_str()).unwrap_or(SYMMETRIC),
            Self::Rsa | Self::Ecc | Self::MlDsa | Self::MlKem => ASYMMETRIC,
            Self::KeyStore => KEY_STORE,
            Self::KeyPair(spec) => match spec {
                DataKeyPairSpec::Rsa2048 => 20.0,
                DataKeyPairSpec::Rsa3072 => 4.0,
                DataKeyPairSpec::Rsa4096 => 1.0,
                DataKeyPairSpec::Sm2 => 25.0,
                _ => 100.0,
            },
        })
    }
}

/// Whether an operation is counted by the keys that it uses.
pub(super) fn is_cryptographic(operation: OperationName) -> bool {
    CRYPTOGRAPHIC.contains(&operation.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_operation_of_aws_is_in_one_table() {
        for operation in OperationName::ALL.iter().filter(|name| name.is_aws()) {
            let name = operation.as_str();
            let own = OPERATIONS.iter().any(|(known, _)| *known == name);
            let tables = [own, is_cryptographic(*operation), KEY_PAIRS.contains(&name)];
            let found = tables.iter().filter(|found| **found).count();
            assert_eq!(found, 1, "{name}");
        }
    }

    #[test]
    fn every_group_has_a_name_and_a_rate() {
        let region = Region::parse("eu-north-1").unwrap();
        let mut names = HashSet::new();
        for group in Group::all() {
            assert!(names.insert(group.name()), "{group:?} twice");
            assert_eq!(Group::named(group.name()), Some(group));
            assert!(group.aws(&region).is_some(), "{group:?}");
        }
        let symmetric = |region| Group::Symmetric.aws(&Region::parse(region).unwrap());
        assert_eq!(symmetric("eu-north-1"), Rate::per_second(10_000.0));
        assert_eq!(symmetric("us-east-1"), Rate::per_second(100_000.0));
    }
}
