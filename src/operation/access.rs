//! What an operation says of its input before anything is looked up: which keys it comes to, by
//! which names, and what it needs of them. Data; the dispatcher acts on it.

use super::OperationName;
use crate::model::key_id::KeyForms;
use crate::model::key_state::StateRule;
use crate::model::key_store::StoreRule;
use crate::model::member::{Decode, Members};
use crate::model::shapes::GrantToken;
use crate::model::{
    EncapsulationAlgorithm, EncryptionAlgorithm, EncryptionContext, GrantOperationSet,
    KeyAgreementAlgorithm, KeyUsage, MacAlgorithm, Region, SigningAlgorithm,
};
use crate::operation::rotation::MaterialRule;
use crate::operation::sts::Assuming;
use uuid::Uuid;

/// Everything that one request comes to, in the order in which the operation will ask for it.
#[derive(Debug, Default)]
pub struct Access<'i> {
    /// The keys; none for operations on the account (CreateKey, lists, GenerateRandom).
    pub keys: Vec<KeyAccess<'i>>,
    /// What the request is about beside its keys.
    pub subject: Subject<'i>,
    /// The custom key store that is itself the subject.
    pub key_store: Option<StoreAccess<'i>>,
    /// What the caller must be allowed to do besides.
    pub further: Vec<Further<'i>>,
    /// `GrantTokens`, which name grants; the dispatcher puts them here.
    pub grant_tokens: &'i [GrantToken],
    /// All that the request says, for the conditions of policies; the dispatcher puts it here.
    pub input: Option<&'i dyn Members>,
}

/// An action that the caller must be allowed besides the operation's own, by their identity's
/// policies, on what is yet to be made.
#[derive(Debug, Clone, Copy)]
pub struct Further<'i> {
    /// As policies name it.
    pub action: &'static str,
    /// On what.
    pub on: New<'i>,
}

/// What a request is to make, in the caller's account.
#[derive(Debug, Clone, Copy)]
pub enum New<'i> {
    /// A key of a Region, if not the request's: its id is not known yet.
    Key(Option<&'i Region>),
    /// A user, by name.
    User(&'i str),
    /// A role, by name.
    Role(&'i str),
}

/// What a request is about that is neither a key nor a key store.
#[derive(Debug, Clone, Copy, Default)]
pub enum Subject<'i> {
    /// The caller's account as a whole, if there is no key either.
    #[default]
    Account,
    /// An alias of the caller's account and Region: a resource of its own, which has no policy.
    Alias(&'i str),
    /// A user of the caller's account, by name.
    User(&'i str),
    /// A role of the caller's account, by name.
    Role(&'i str),
    /// The identity that the caller is.
    Caller,
    /// A principal of the caller's account, by its ARN.
    Principal(&'i str),
    /// Nothing that a permission is needed for.
    Open,
    /// A role of any account, for a session of it: its trust policy decides.
    RoleToAssume(Assuming<'i>),
    /// What all accounts share: for principals of the management account alone.
    Deployment,
}

/// A custom key store, by its `cks-…` id in the caller's account and Region.
#[derive(Debug, Clone, Copy)]
pub struct StoreAccess<'i> {
    /// `CustomKeyStoreId`.
    pub id: &'i str,
    /// The states in which this may be done.
    pub state: StoreRule,
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
    /// What the caller must be allowed for that.
    pub permission: Permission,
    /// The encryption context, where it is not the request's `EncryptionContext`.
    pub context: Option<&'i EncryptionContext>,
}

/// What the caller must be allowed to do to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// The operation's own action, on the key.
    Own,
    /// An action of another name, on the key.
    Action(&'static str),
    /// The operation's own action, on all keys of the account: the key's policy is not asked.
    Account,
    /// To retire the grant by which the key is named: who may is for the grant to say.
    Retire,
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
    /// A `KeyId` member, and the id of one of the key's grants, which is part of the access.
    Grant(&'i str, &'i str),
    /// The key of the grant that a token names; the grant is part of the access.
    GrantToken(&'i str),
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
    /// CreateGrant: a key that can do all of this; with an encryption context, if that is asked for.
    Grant {
        operations: GrantOperationSet,
        context: bool,
    },
}

impl Purpose {
    /// The KeyUsage that the purpose needs.
    pub fn usage(self) -> Option<KeyUsage> {
        match self {
            Purpose::Manage | Purpose::Material(_) | Purpose::PublicKey | Purpose::Grant { .. } => {
                None
            }
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
            keys: vec![KeyAccess {
                by,
                state,
                purpose,
                permission: Permission::Own,
                context: None,
            }],
            ..Self::default()
        }
    }

    /// The same, with another permission on every key.
    #[must_use]
    pub fn by_permission(mut self, permission: Permission) -> Self {
        for key in &mut self.keys {
            key.permission = permission;
        }
        self
    }

    /// The same, with another encryption context for every key than `EncryptionContext`.
    #[must_use]
    pub fn with_context(mut self, context: Option<&'i EncryptionContext>) -> Self {
        for key in &mut self.keys {
            key.context = Some(context.unwrap_or(EncryptionContext::NONE));
        }
        self
    }

    /// And this action as well.
    #[must_use]
    pub fn and_further(mut self, further: Option<Further<'i>>) -> Self {
        self.further.extend(further);
        self
    }

    /// With something beside the keys.
    #[must_use]
    pub fn beside(self, subject: Subject<'i>) -> Self {
        Self { subject, ..self }
    }

    /// No key, but something else.
    pub fn about(subject: Subject<'i>) -> Self {
        Self {
            subject,
            ..Self::default()
        }
    }

    /// With all that the request says.
    #[must_use]
    pub fn of(self, input: &'i impl Decode) -> Self {
        Self {
            grant_tokens: input.grant_tokens(),
            input: Some(input),
            ..self
        }
    }

    /// A custom key store.
    pub fn store(id: &'i str, state: StoreRule) -> Self {
        Self {
            key_store: Some(StoreAccess { id, state }),
            ..Self::default()
        }
    }

    /// And another.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self.key_store = self.key_store.or(other.key_store);
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
