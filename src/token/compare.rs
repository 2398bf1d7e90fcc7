//! Whether an object still is what it was made, imported or adopted as. Nothing is changed.

use super::AdoptedAttributes;
use super::adopt::{self, FLAGS};
use super::attributes::{self, Birthright, Class, Role, hmac_hash};
use super::deviation::{Deviation, in_words};
use super::error::{TokenError, TokenErrorClass};
use super::generate::birth;
use super::key::{Birth, Born, KeyRef, Place};
use super::public_key::subject_public_key_info;
use super::session::TokenSession;
use crate::model::{KeySpec, KeyUsage, hex};
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::types::Ulong;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// What the objects of a key have to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// `CKA_ID`.
    pub(super) id: &'a [u8],
    pub(super) spec: KeySpec,
    pub(super) usage: KeyUsage,
    /// What the token said of it; `None` for a key of the gateway's own, which the token has made.
    pub(super) birth: Option<&'a Birth>,
}

/// The classes of the objects that a key of this spec has.
pub(super) fn classes(spec: KeySpec) -> &'static [Class] {
    match spec.is_asymmetric() {
        true => &[Class::Private, Class::Public],
        false => &[Class::Secret],
    }
}

/// Refuses an object that is not what it was made, imported or adopted as: somebody who has the PIN
/// may have put another in its place. Asked whenever it is looked up, which is once an epoch.
pub(super) fn first_sight(
    session: &TokenSession,
    object: ObjectHandle,
    class: Class,
    key: &KeyRef,
) -> Result<(), TokenError> {
    let place = Place::from(key);
    let refused = |detail: String| {
        let id = hex::encode(place.id());
        let detail = format!("the {class:?} key object with CKA_ID {id} is refused: {detail}");
        TokenError::new(TokenErrorClass::NotAsBorn, "first sight", detail)
    };
    let birth = match &key.born {
        Born::Unasked => return Ok(()),
        Born::Here => None,
        Born::As(certificate) => {
            let read = Birth::deserialize(certificate.json());
            Some(read.map_err(|error| refused(format!("its birth certificate: {error}")))?)
        }
    };
    let wanted = Wanted {
        id: place.id(),
        spec: key.spec,
        usage: key.usage,
        birth: birth.as_ref(),
    };
    match in_words(&deviations(session, object, class, wanted)?) {
        None => Ok(()),
        Some(deviations) => Err(refused(deviations)),
    }
}

/// What is otherwise than wanted of one of its objects.
pub(super) fn deviations(
    session: &TokenSession,
    object: ObjectHandle,
    class: Class,
    wanted: Wanted<'_>,
) -> Result<Vec<Deviation>, TokenError> {
    let adopted = wanted.birth.and_then(|birth| birth.adopted.as_ref());
    let mut found = match adopted {
        Some(_) if class == Class::Public => Vec::new(),
        Some(then) => as_adopted(session, object, wanted.id, then)?,
        None => as_made(session, object, class, wanted)?,
    };
    match class {
        Class::Public => found.extend(same_public_key(session, object, wanted)),
        Class::Secret | Class::Private => found.extend(as_born(session, object, wanted.birth)?),
    }
    Ok(found)
}

/// An object that was made here, or imported, has every attribute that it was made with.
fn as_made(
    session: &TokenSession,
    object: ObjectHandle,
    class: Class,
    wanted: Wanted<'_>,
) -> Result<Vec<Deviation>, TokenError> {
    let (spec, usage) = (wanted.spec, wanted.usage);
    let Ok(version) = Uuid::from_slice(wanted.id) else {
        let id = hex::encode(wanted.id);
        return Ok(vec![Deviation::new("CKA_ID", "a key version's", id)]);
    };
    let mut right = Birthright {
        version,
        label: "",
        spec,
        usage,
        raw_rsa: false,
        role: Role::Key,
    };
    let generated = wanted.birth.is_none_or(|birth| birth.local);
    let mut read_back = |raw_rsa: bool| {
        right.raw_rsa = raw_rsa;
        let mut expected = right.attributes(class).0;
        // It is for people.
        expected.retain(|attribute| !matches!(attribute, Attribute::Label(_)));
        // SoftHSM does not say it of a key that was unwrapped.
        if class == Class::Secret && generated {
            let len = hmac_hash(spec).map_or(32, |hash| hash.len_bytes());
            expected.push(Attribute::ValueLen(Ulong::try_from(len)?));
        }
        attributes::read_back(session.raw(), object, class, &expected)
    };
    let found = read_back(false)?;
    let raw_rsa = spec.rsa_bits().is_some() && usage == KeyUsage::EncryptDecrypt;
    // What the token's firmware could do was another when the key was made.
    if raw_rsa && !found.is_empty() && read_back(true)?.is_empty() {
        return Ok(Vec::new());
    }
    Ok(found)
}

/// An adopted object keeps what it had when it was adopted, whatever that was.
fn as_adopted(
    session: &TokenSession,
    object: ObjectHandle,
    id: &[u8],
    then: &AdoptedAttributes,
) -> Result<Vec<Deviation>, TokenError> {
    let now = adopt::attributes(session, object, id)?;
    let mut found = differing([
        ("CKA_SENSITIVE", then.sensitive, now.sensitive),
        ("CKA_EXTRACTABLE", then.extractable, now.extractable),
    ]);
    found.extend(differing(FLAGS.map(|(_, name)| {
        let has = |said: &AdoptedAttributes| said.flags.iter().any(|flag| flag == name);
        (name, has(then), has(&now))
    })));
    Ok(found)
}

/// What a token says of a key only once it has it.
fn as_born(
    session: &TokenSession,
    object: ObjectHandle,
    then: Option<&Birth>,
) -> Result<Vec<Deviation>, TokenError> {
    let now = birth(session, object, None)?;
    // A key of the gateway's own was made here.
    let was = |of: fn(&Birth) -> bool| then.is_none_or(of);
    let mut found = differing([
        (
            "CKA_ALWAYS_SENSITIVE",
            was(|birth| birth.always_sensitive),
            now.always_sensitive,
        ),
        (
            "CKA_NEVER_EXTRACTABLE",
            was(|birth| birth.never_extractable),
            now.never_extractable,
        ),
        ("CKA_LOCAL", was(|birth| birth.local), now.local),
    ]);
    // What the token did not say then is not known to differ.
    if let Some(then) = then {
        let hex = |value: &Option<Vec<u8>>| value.as_deref().map(hex::encode);
        let texts = [
            (
                "CKA_CHECK_VALUE",
                hex(&then.check_value),
                hex(&now.check_value),
            ),
            (
                "CKA_KEY_GEN_MECHANISM",
                then.key_gen_mechanism.clone(),
                now.key_gen_mechanism,
            ),
        ];
        let texts = texts.into_iter();
        let differ = texts.filter(|(_, then, now)| then.is_some() && then != now);
        found.extend(differ.map(|(name, then, now)| Deviation::new(name, then, now)));
    }
    Ok(found)
}

/// Those flags that are not what they were.
fn differing(flags: impl IntoIterator<Item = (&'static str, bool, bool)>) -> Vec<Deviation> {
    let differ = flags.into_iter().filter(|(_, then, now)| then != now);
    differ
        .map(|(name, then, now)| Deviation::new(name, then, now))
        .collect()
}

fn same_public_key(
    session: &TokenSession,
    object: ObjectHandle,
    wanted: Wanted<'_>,
) -> Option<Deviation> {
    let then = wanted.birth.and_then(|birth| birth.public_key.as_ref())?;
    // What cannot be read is not the same either.
    let now = subject_public_key_info(session.raw(), object, wanted.spec).ok();
    let told = |der: &Vec<u8>| Value::from(hex::encode(der));
    (now.as_ref() != Some(then))
        .then(|| Deviation::new("public key", told(then), now.as_ref().map(told)))
}
