//! Making and destroying keys, on the read-write lane alone: SoftHSM's generation and destruction
//! are not thread-safe.

use super::attributes::{self, Birthright, Class, Role};
use super::deviation::in_words;
use super::error::{TokenError, TokenErrorClass};
use super::key::Birth;
use super::pair::pair;
use super::public_key::subject_public_key_info;
use super::rsa::has_oaep_sha256;
use super::session::TokenSession;
use crate::model::{KeySpec, KeyUsage};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::types::Ulong;
use uuid::Uuid;

/// The step in which a new object is looked at.
pub(super) const READ_BACK: &str = "read-back";
/// How often a generation is tried: SoftHSM fails 3 % of them when another process generates.
pub(super) const TRIES: usize = 3;

/// Makes a key (pair) under `CKA_ID` = `version`; nothing may be there under it yet.
pub(super) fn generate(
    session: &mut TokenSession,
    version: Uuid,
    label: &str,
    spec: KeySpec,
    usage: KeyUsage,
) -> Result<Birth, TokenError> {
    let right = birthright(session, version, label, spec, usage)?;
    generate_as(session, &right)
}

/// What a CMK must be, on this token.
pub(super) fn birthright<'a>(
    session: &TokenSession,
    version: Uuid,
    label: &'a str,
    spec: KeySpec,
    usage: KeyUsage,
) -> Result<Birthright<'a>, TokenError> {
    let decrypts = spec.rsa_bits().is_some() && usage == KeyUsage::EncryptDecrypt;
    Ok(Birthright {
        version,
        label,
        spec,
        usage,
        raw_rsa: decrypts && !has_oaep_sha256(session)?,
        role: Role::Key,
    })
}

/// Makes the key (pair) that `right` describes.
pub(super) fn generate_as(
    session: &mut TokenSession,
    right: &Birthright<'_>,
) -> Result<Birth, TokenError> {
    let version = right.version;
    if right.key_type().is_none() {
        return Err(right.unsupported());
    }
    nothing_under(session, version)?;

    let mut with_optional = true;
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match attempt(session, right, with_optional) {
            Ok(birth) => return Ok(birth),
            Err(error) => error,
        };
        // Nothing may stay behind under this CKA_ID, whether we try again or give up.
        let cleaned = destroy(session, version);
        let again = match error.code {
            Some(RvError::AttributeTypeInvalid | RvError::AttributeValueInvalid)
                if with_optional =>
            {
                with_optional = false;
                true
            }
            Some(RvError::GeneralError) => tries < TRIES,
            Some(RvError::TemplateInconsistent) => {
                with_optional = tries < TRIES - 1;
                tries < TRIES
            }
            _ => false,
        };
        match cleaned {
            Ok(_) if again => log::warn!("generating {version} failed, trying again: {error}"),
            Ok(_) => return Err(error),
            Err(cleaning) => {
                log::error!("objects may be left under CKA_ID {version}: {cleaning}");
                return Err(error);
            }
        }
    }
}

/// Fails if there is an object under `version`.
pub(super) fn nothing_under(session: &TokenSession, version: Uuid) -> Result<(), TokenError> {
    match session.has_any(version)? {
        false => Ok(()),
        true => Err(TokenError::new(
            TokenErrorClass::Bug,
            "generate",
            format!("the token already has an object with CKA_ID {version}"),
        )),
    }
}

/// One try. On failure objects may be left.
fn attempt(
    session: &mut TokenSession,
    right: &Birthright<'_>,
    with_optional: bool,
) -> Result<Birth, TokenError> {
    let template = |class: Class, more: &[Attribute]| {
        let (mut all, optional) = right.attributes(class);
        if with_optional {
            all.extend(optional);
        }
        let expected = all.clone();
        all.extend_from_slice(more);
        (all, expected)
    };
    let raw = session.raw();
    let (subject, public_key) = if let Some(pair) = pair(right.spec) {
        let (public, public_expected) = template(Class::Public, &pair.parameters);
        let (private, private_expected) = template(Class::Private, &[]);
        let (public, private) = generate_pair(session, &pair.mechanism, &public, &private)?;
        verify(session, public, Class::Public, &public_expected)?;
        verify(session, private, Class::Private, &private_expected)?;
        let der = subject_public_key_info(raw, public, right.spec)?;
        (private, Some(der))
    } else {
        let (mechanism, len) = match attributes::hmac_hash(right.spec) {
            Some(hash) => (Mechanism::GenericSecretKeyGen, hash.len_bytes()),
            None => (Mechanism::AesKeyGen, 32),
        };
        let len = Attribute::ValueLen(Ulong::try_from(len)?);
        let (secret, mut expected) = template(Class::Secret, std::slice::from_ref(&len));
        expected.push(len);
        let key = raw.generate_key(&mechanism, &secret)?;
        verify(session, key, Class::Secret, &expected)?;
        (key, None)
    };
    let birth = birth(session, subject, public_key)?;
    if !(birth.always_sensitive && birth.never_extractable && birth.local) {
        return Err(otherwise(&format!(
            "CKA_ALWAYS_SENSITIVE {}, CKA_NEVER_EXTRACTABLE {}, CKA_LOCAL {}",
            birth.always_sensitive, birth.never_extractable, birth.local
        )));
    }
    Ok(birth)
}

/// C_GenerateKeyPair; a mechanism that the token has not is named.
pub(super) fn generate_pair(
    session: &TokenSession,
    mechanism: &Mechanism<'_>,
    public: &[Attribute],
    private: &[Attribute],
) -> Result<(ObjectHandle, ObjectHandle), TokenError> {
    let made = session.raw().generate_key_pair(mechanism, public, private);
    made.map_err(TokenError::from).map_err(|error| {
        if error.code == Some(RvError::MechanismInvalid) {
            let kind = mechanism.mechanism_type();
            return TokenError {
                detail: format!("it has no {kind}"),
                ..error
            };
        }
        error
    })
}

/// Fails, class Unsupported, if an object does not read back as `expected`.
pub(super) fn verify(
    session: &TokenSession,
    object: ObjectHandle,
    class: Class,
    expected: &[Attribute],
) -> Result<(), TokenError> {
    let deviations = attributes::read_back(session.raw(), object, class, expected)?;
    match in_words(&deviations) {
        None => Ok(()),
        Some(deviations) => Err(otherwise(&deviations)),
    }
}

/// The error for an object that is not what it was asked to be.
pub(super) fn otherwise(difference: &str) -> TokenError {
    TokenError::new(
        TokenErrorClass::Unsupported,
        READ_BACK,
        format!("a new key does not read back as it was asked for: {difference}"),
    )
}

/// What the token says of a key it made.
pub(super) fn birth(
    session: &TokenSession,
    object: ObjectHandle,
    public_key: Option<Vec<u8>>,
) -> Result<Birth, TokenError> {
    let raw = session.raw();
    // Read alone: a value that the binding does not know makes the whole call fail, and a missing
    // one must not hide the others.
    let alone = |kind| {
        raw.get_attributes(object, &[kind])
            .ok()
            .and_then(|mut found| found.pop())
    };
    let local = attributes::flag(raw, object, AttributeType::Local)?;
    Ok(Birth {
        token_serial: session.epoch().serial.clone(),
        public_key,
        check_value: match alone(AttributeType::CheckValue) {
            Some(Attribute::CheckValue(value)) if !value.is_empty() => Some(value),
            _ => None,
        },
        always_sensitive: attributes::flag(raw, object, AttributeType::AlwaysSensitive)?,
        never_extractable: attributes::flag(raw, object, AttributeType::NeverExtractable)?,
        local,
        // There is one where the token has generated it.
        key_gen_mechanism: match local.then(|| alone(AttributeType::KeyGenMechanism)) {
            Some(Some(Attribute::KeyGenMechanism(kind))) => Some(kind.to_string()),
            _ => None,
        },
        adopted: None,
    })
}

/// Destroys every key object under `version`. `Ok(0)` only if the token is there and has none.
pub(super) fn destroy(session: &mut TokenSession, version: Uuid) -> Result<usize, TokenError> {
    let mut destroyed = 0;
    // Private material first: a public half left behind is harmless, and finds the rest again.
    for class in Class::ALL {
        loop {
            let found = session.find(version, class)?;
            if found.is_empty() {
                break;
            }
            for object in found {
                session.raw().destroy_object(object)?;
                destroyed += 1;
            }
        }
        session.forget(version, class);
    }
    session.check_present()?;
    Ok(destroyed)
}
