//! What an operation says of its input before anything is looked up: which keys it comes to, by
//! which names, and what it needs of them. Data; the dispatcher acts on it.

use super::OperationName;
use crate::model::key_id::KeyForms;
use crate::model::key_state::StateRule;
use crate::model::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeyUsage, MacAlgorithm,
    Region, SigningAlgorithm,
};
use crate::operation::rotation::MaterialRule;
use uuid::Uuid;

/// Everything that one request comes to, in the order in which the operation will ask for it.
#[derive(Debug, Default)]
pub struct Access<'i> {
    /// The keys; none for operations on the account (CreateKey, lists, GenerateRandom).
    pub keys: Vec<KeyAccess<'i>>,
}

/// One key, and what is needed of it.
#[derive(Debug)]
pub struct KeyAccess<'i> {
    /// How it is named.
    pub by: By<'i>,
    /// The states in which this may be done.
    pub state: StateRule,
    /// What it is to be used for.
    pub purpose: Purpose,
}

/// How a request names a key.
#[derive(Debug, Clone, Copy)]
pub enum By<'i> {
    /// A `KeyId` member.
    Name(&'i str, KeyForms),
    /// The key version inside a ciphertext.
    Version(Uuid),
    /// The key that an alias points at; the alias itself is part of the access.
    Alias(&'i str),
    /// The replica, in another Region, of the multi-Region primary key that stands before it.
    Replica(&'i Region),
}

/// What a key is used for: spec × usage × algorithm are checked against it.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Purpose {
    /// Management: any spec.
    Manage,
    /// Management of its material.
    Material(&'static MaterialRule),
    /// A cryptographic operation with a given algorithm.
    Encryption(EncryptionAlgorithm),
    Signing(SigningAlgorithm),
    Mac(MacAlgorithm),
    Agreement(KeyAgreementAlgorithm),
    Encapsulation(EncapsulationAlgorithm),
    /// GetPublicKey: any asymmetric key.
    PublicKey,
}

impl Purpose {
    /// The KeyUsage that the purpose needs.
    pub fn usage(self) -> Option<KeyUsage> {
        match self {
            Purpose::Manage | Purpose::Material(_) | Purpose::PublicKey => None,
            Purpose::Encryption(_) => Some(KeyUsage::EncryptDecrypt),
            Purpose::Signing(_) => Some(KeyUsage::SignVerify),
            Purpose::Mac(_) => Some(KeyUsage::GenerateVerifyMac),
            Purpose::Agreement(_) => Some(KeyUsage::KeyAgreement),
            Purpose::Encapsulation(_) => Some(KeyUsage::EncapsulateDecapsulate),
        }
    }
}

impl<'i> Access<'i> {
    /// One key by its `KeyId`, in any of the four forms, to be used.
    pub fn using(key_id: &'i str, purpose: Purpose) -> Self {
        Self::one(By::Name(key_id, KeyForms::Any), StateRule::Usable, purpose)
    }

    /// One key by id or ARN, to be managed.
    pub fn managing(key_id: &'i str, state: StateRule) -> Self {
        Self::one(By::Name(key_id, KeyForms::KeyOnly), state, Purpose::Manage)
    }

    /// One key by id or ARN, whose material is to be managed.
    pub fn material(key_id: &'i str, state: StateRule, rule: &'static MaterialRule) -> Self {
        let by = By::Name(key_id, KeyForms::KeyOnly);
        Self::one(by, state, Purpose::Material(rule))
    }

    /// No key.
    pub fn account() -> Self {
        Self::default()
    }

    /// One key.
    pub fn one(by: By<'i>, state: StateRule, purpose: Purpose) -> Self {
        Self {
            keys: vec![KeyAccess { by, state, purpose }],
        }
    }

    /// And another.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }
}

/// The operations that AWS lets a caller direct at another account's key, where policies allow it.
const ACROSS_ACCOUNTS: &[&str] = &[
    "CreateGrant",
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetKeyRotationStatus",
    "GetPublicKey",
    "ListGrants",
    "ReEncrypt",
    "RetireGrant",
    "RevokeGrant",
    "Sign",
    "Verify",
    "VerifyMac",
];

impl OperationName {
    /// Whether it may come to another account's key at all: the "Cross-account use" of its page.
    pub fn across_accounts(self) -> bool {
        ACROSS_ACCOUNTS.contains(&self.as_str())
    }
}
