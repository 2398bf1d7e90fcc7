//! Whether a token keeps its keys to itself, found out by trying every known way to get one out:
//! at every opening, and for `strongroom doctor`.

use super::error::TokenError;
use super::handed_out::readable;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::misc::KeyDerivationStringData;
use cryptoki::object::{
    Attribute, AttributeInfo, AttributeType, KeyType, ObjectClass, ObjectHandle,
};
use cryptoki::session::Session;
use cryptoki::types::Ulong;

/// One property that a token must have to be a home for CMKs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeCheck {
    /// The property.
    pub what: &'static str,
    /// Whether the token has it.
    pub holds: bool,
    /// What the token answered.
    pub detail: String,
}

impl AttributeCheck {
    /// Why a token for which this does not hold is no home for CMKs.
    pub(super) fn refusal(&self) -> String {
        format!(
            "this token lets a non-extractable key out, or does not say that it keeps it: \
             not so: {} ({})",
            self.what, self.detail
        )
    }
}

/// A session key that nothing is kept under, and what was tried with it.
pub(super) struct Hardened {
    pub(super) key: ObjectHandle,
    pub(super) leaks: Vec<AttributeCheck>,
}

fn aes_template(wrapping: bool) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(Ulong::from(32)),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(!wrapping),
        Attribute::Decrypt(!wrapping),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(wrapping),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
    ]
}

/// Makes a non-extractable session key and tries every known way to get it out
/// (PKCS#11 v3.1 sections 4.9, 5.7.2 and 5.18.3).
pub(super) fn harden(session: &Session) -> Result<Hardened, TokenError> {
    let key = session.generate_key(&Mechanism::AesKeyGen, &aes_template(false))?;
    let wrapping = session.generate_key(&Mechanism::AesKeyGen, &aes_template(true))?;
    let mut leaks = Vec::new();

    let value = session.get_attribute_info(key, &[AttributeType::Value])?;
    leaks.push(AttributeCheck {
        what: "CKA_VALUE of a sensitive key cannot be read",
        holds: !matches!(value.first(), Some(AttributeInfo::Available(_))),
        detail: format!("{value:?}"),
    });
    for (what, mechanism) in [
        (
            "CKM_AES_KEY_WRAP of a non-extractable key is refused",
            Mechanism::AesKeyWrap,
        ),
        (
            "CKM_AES_KEY_WRAP_PAD of a non-extractable key is refused",
            Mechanism::AesKeyWrapPad,
        ),
        (
            "CKM_AES_CBC_PAD wrapping of a non-extractable key is refused",
            Mechanism::AesCbcPad([0; 16]),
        ),
    ] {
        leaks.push(match session.wrap_key(&mechanism, wrapping, key) {
            Ok(_) => AttributeCheck {
                what,
                holds: false,
                detail: "C_WrapKey gave it out".into(),
            },
            Err(error) => AttributeCheck {
                what,
                holds: true,
                detail: TokenError::from(error).to_string(),
            },
        });
    }
    for (what, changed) in [
        (
            "a copy cannot be made extractable",
            Attribute::Extractable(true),
        ),
        (
            "a copy cannot be made not sensitive",
            Attribute::Sensitive(false),
        ),
    ] {
        leaks.push(
            match session.copy_object(key, &[Attribute::Token(false), changed]) {
                Ok(copy) => {
                    forget(session, copy);
                    AttributeCheck {
                        what,
                        holds: false,
                        detail: "C_CopyObject made one".into(),
                    }
                }
                Err(error) => AttributeCheck {
                    what,
                    holds: true,
                    detail: TokenError::from(error).to_string(),
                },
            },
        );
    }
    leaks.push(underivable(session, key));
    forget(session, wrapping);
    for (what, kind) in [
        (
            "a generated key has CKA_ALWAYS_SENSITIVE",
            AttributeType::AlwaysSensitive,
        ),
        (
            "a generated key has CKA_NEVER_EXTRACTABLE",
            AttributeType::NeverExtractable,
        ),
        ("a generated key has CKA_LOCAL", AttributeType::Local),
    ] {
        let holds = super::attributes::flag(session, key, kind)?;
        leaks.push(AttributeCheck {
            what,
            holds,
            detail: holds.to_string(),
        });
    }
    Ok(Hardened { key, leaks })
}

/// Tries to put the key's value, with a byte behind it, into a key that can be read
/// (PKCS#11 v3.1 section 6.43.4).
fn underivable(session: &Session, key: ObjectHandle) -> AttributeCheck {
    let data = KeyDerivationStringData::new(&[0]);
    let template = readable(ObjectClass::SECRET_KEY, KeyType::GENERIC_SECRET);
    let derived = session.derive_key(&Mechanism::ConcatenateBaseAndData(data), key, &template);
    let what = "C_DeriveKey from a key without CKA_DERIVE is refused";
    match derived {
        Ok(derived) => {
            forget(session, derived);
            AttributeCheck {
                what,
                holds: false,
                detail: "C_DeriveKey made one that can be read".into(),
            }
        }
        Err(error) => AttributeCheck {
            what,
            holds: true,
            detail: TokenError::from(error).to_string(),
        },
    }
}

/// Destroys a session object; it would go with its session anyway.
pub(super) fn forget(session: &Session, object: ObjectHandle) {
    if let Err(error) = session.destroy_object(object) {
        log::warn!("a session object stays until its session closes: {error}");
    }
}
