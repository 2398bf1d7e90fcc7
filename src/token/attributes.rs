//! The attributes of the objects that are made here, every one explicit, and their read-back.
//!
//! What a template leaves out, a token fills in badly: SoftHSM makes such a key not sensitive and
//! good for every usage (PKCS#11 v3.1 leaves most defaults to the token, section 4.1).

use super::deviation::{self, Deviation};
use super::error::{TokenError, TokenErrorClass};
use super::pair::pair;
use crate::model::algorithm::Hash;
use crate::model::{KeySpec, KeyUsage};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{
    Attribute, AttributeInfo, AttributeType, KeyType, ObjectClass, ObjectHandle,
};
use cryptoki::session::Session;
use uuid::Uuid;

/// The classes of key objects (`CKA_CLASS`); cryptoki's own type cannot be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Secret,
    Private,
    Public,
}

impl Class {
    pub(super) const ALL: [Class; 3] = [Class::Secret, Class::Private, Class::Public];

    /// That of the object that is used: the private half of a pair.
    pub(super) const fn of(spec: KeySpec) -> Self {
        if spec.is_asymmetric() {
            Class::Private
        } else {
            Class::Secret
        }
    }

    pub(super) fn object_class(self) -> ObjectClass {
        match self {
            Class::Secret => ObjectClass::SECRET_KEY,
            Class::Private => ObjectClass::PRIVATE_KEY,
            Class::Public => ObjectClass::PUBLIC_KEY,
        }
    }
}

/// What a template is made from.
#[derive(Debug, Clone)]
pub(super) struct Birthright<'a> {
    pub(super) version: Uuid,
    pub(super) label: &'a str,
    pub(super) spec: KeySpec,
    pub(super) usage: KeyUsage,
    /// Whether RSAES-OAEP with SHA-256 needs the raw private-key operation on this token.
    pub(super) raw_rsa: bool,
    pub(super) role: Role,
}

/// What a key is for, beside its KeyUsage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A CMK, or a key of the gateway's own.
    Key,
    /// An RSA pair under which key material comes: C_UnwrapKey and, where the gateway's memory
    /// must help, C_Decrypt.
    Wrapping { decrypts: bool },
    /// A session object that is gone once its public half is known.
    Passing,
}

impl Birthright<'_> {
    /// The error for a spec and usage that no token is asked for.
    pub(super) fn unsupported(&self) -> TokenError {
        TokenError::new(
            TokenErrorClass::Unsupported,
            "generate",
            format!(
                "{} keys for {} are not supported",
                self.spec.as_str(),
                self.usage.as_str()
            ),
        )
    }

    /// `CKA_KEY_TYPE`, if the spec and usage are ones that can be made.
    pub(super) fn key_type(&self) -> Option<KeyType> {
        if !self.spec.usages().contains(&self.usage) {
            return None;
        }
        match self.usage {
            KeyUsage::GenerateVerifyMac => Some(KeyType::GENERIC_SECRET),
            _ if self.spec == KeySpec::SymmetricDefault => Some(KeyType::AES),
            _ => pair(self.spec).map(|pair| pair.key_type),
        }
    }

    /// `CKA_ALLOWED_MECHANISMS`: without it a token lets a CMK be used in ECB.
    pub(super) fn allowed_mechanisms(&self, class: Class) -> Vec<MechanismType> {
        use MechanismType as M;
        if let Some(hash) = hmac_hash(self.spec) {
            return vec![hmac_mechanism(hash)];
        }
        match (self.spec.rsa_bits(), self.usage) {
            (Some(_), KeyUsage::SignVerify) => vec![M::RSA_PKCS, M::RSA_PKCS_PSS],
            (Some(_), _) if class == Class::Private && self.raw_rsa => {
                vec![M::RSA_X_509, M::RSA_PKCS_OAEP]
            }
            (Some(_), _) => vec![M::RSA_PKCS_OAEP],
            (None, KeyUsage::SignVerify) => vec![match self.spec {
                KeySpec::EccNistEdwards25519 => M::EDDSA,
                KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => M::ML_DSA,
                _ => M::ECDSA,
            }],
            (None, KeyUsage::KeyAgreement) => vec![M::ECDH1_DERIVE],
            (None, KeyUsage::EncapsulateDecapsulate) => vec![M::ML_KEM],
            (None, _) => vec![M::AES_GCM],
        }
    }

    /// The attributes that are set and must read back the same, beside those that only a
    /// generation takes (length, curve). Those of the second list are left out for a token that
    /// does not know them.
    pub(super) fn attributes(&self, class: Class) -> (Vec<Attribute>, Vec<Attribute>) {
        use Attribute as A;
        let encrypts = self.usage == KeyUsage::EncryptDecrypt;
        let signs = matches!(
            self.usage,
            KeyUsage::SignVerify | KeyUsage::GenerateVerifyMac
        );
        let agrees = self.usage == KeyUsage::KeyAgreement && class == Class::Private;
        let mut required = vec![
            A::Class(class.object_class()),
            A::Id(self.version.as_bytes().to_vec()),
            A::Label(self.label.as_bytes().to_vec()),
            A::Token(self.role != Role::Passing),
            A::Modifiable(false),
            A::Derive(agrees),
            A::AllowedMechanisms(self.allowed_mechanisms(class)),
        ];
        let mut optional = vec![A::Copyable(false), A::Destroyable(true)];
        let (encrypts, decrypts, unwraps) = match self.role {
            Role::Key | Role::Passing => (encrypts, encrypts, false),
            // Whoever has material encrypts it elsewhere, under the public key.
            Role::Wrapping { decrypts } => (false, decrypts, true),
        };
        if let Some(key_type) = self.key_type() {
            required.push(A::KeyType(key_type));
        }
        match class {
            Class::Secret => required.extend([
                A::Encrypt(encrypts),
                A::Decrypt(decrypts),
                A::Sign(signs),
                A::Verify(signs),
                A::Wrap(false),
                A::Unwrap(false),
            ]),
            Class::Private => {
                required.extend([A::Decrypt(decrypts), A::Sign(signs), A::Unwrap(unwraps)]);
                optional.extend([A::SignRecover(false), A::AlwaysAuthenticate(false)]);
            }
            Class::Public => {
                required.extend([A::Encrypt(encrypts), A::Verify(signs), A::Wrap(false)]);
                optional.push(A::VerifyRecover(false));
            }
        }
        if self.usage == KeyUsage::EncapsulateDecapsulate {
            // Attributes of PKCS#11 v3.2, which a token without it does not know.
            required.push(match class {
                Class::Public => A::Encapsulate(true),
                Class::Private | Class::Secret => A::Decapsulate(true),
            });
        }
        if class == Class::Public {
            // Public, so that a reader without the PIN can check a signature.
            required.push(A::Private(false));
        } else {
            required.extend([A::Private(true), A::Sensitive(true), A::Extractable(false)]);
        }
        (required, optional)
    }
}

/// The hash of an HMAC spec; the key is as long as it.
pub(super) fn hmac_hash(spec: KeySpec) -> Option<Hash> {
    spec.mac_algorithms().first().map(|mac| mac.hash())
}

/// `CKM_SHAxxx_HMAC`.
pub(super) fn hmac_mechanism(hash: Hash) -> MechanismType {
    match hash {
        Hash::Sha1 => MechanismType::SHA1_HMAC,
        Hash::Sha224 => MechanismType::SHA224_HMAC,
        Hash::Sha256 => MechanismType::SHA256_HMAC,
        Hash::Sha384 => MechanismType::SHA384_HMAC,
        Hash::Sha512 => MechanismType::SHA512_HMAC,
    }
}

/// Reads `expected` back and says what differs. A private or secret object must also refuse to show
/// its value.
pub(super) fn read_back(
    session: &Session,
    object: ObjectHandle,
    class: Class,
    expected: &[Attribute],
) -> Result<Vec<Deviation>, TokenError> {
    let types: Vec<AttributeType> = expected.iter().map(Attribute::attribute_type).collect();
    let found = session.get_attributes(object, &types)?;
    let mut deviations = Vec::new();
    for want in expected {
        let have = found
            .iter()
            .find(|have| have.attribute_type() == want.attribute_type());
        if !have.is_some_and(|have| same(want, have)) {
            deviations.push(Deviation::of(want, have));
        }
    }
    let mut value = match class {
        Class::Secret => vec![AttributeType::Value],
        // CKA_VALUE is an EC key's private scalar, CKA_PRIVATE_EXPONENT an RSA key's.
        Class::Private => vec![AttributeType::Value, AttributeType::PrivateExponent],
        Class::Public => Vec::new(),
    };
    let seeded = |have: &Attribute| {
        matches!(have, Attribute::KeyType(kind)
            if [KeyType::ML_DSA, KeyType::ML_KEM].contains(kind))
    };
    if class == Class::Private && found.iter().any(seeded) {
        value.push(AttributeType::Seed);
    }
    // get_attributes hides CKR_ATTRIBUTE_SENSITIVE, get_attribute_info does not.
    for (kind, info) in value
        .iter()
        .zip(session.get_attribute_info(object, &value)?)
    {
        if matches!(info, AttributeInfo::Available(_)) {
            deviations.push(deviation::readable(*kind));
        }
    }
    Ok(deviations)
}

/// Equality, but that the order of `CKA_ALLOWED_MECHANISMS` is the token's.
fn same(want: &Attribute, have: &Attribute) -> bool {
    match (want, have) {
        (Attribute::AllowedMechanisms(want), Attribute::AllowedMechanisms(have)) => {
            let sorted = |list: &[MechanismType]| {
                let mut numbers: Vec<_> = list.iter().map(|kind| **kind).collect();
                numbers.sort_unstable();
                numbers
            };
            sorted(want) == sorted(have)
        }
        _ => want == have,
    }
}

/// One boolean attribute; `false` where the token does not say.
pub(super) fn flag(
    session: &Session,
    object: ObjectHandle,
    kind: AttributeType,
) -> Result<bool, TokenError> {
    let found = session.get_attributes(object, &[kind])?;
    Ok(found.first().and_then(deviation::boolean).unwrap_or(false))
}
