//! Taking over an object that already is on the token, as it is and where it is.
//!
//! Nothing of it is changed, not even its `CKA_ID`: other programs may know it by that. What is asked is
//! whether it is what the caller says, whether it is the only one of its name, and whether it works.

use super::adopted::try_out;
use super::attributes::{Birthright, Class, Role, hmac_hash};
use super::deviation::boolean;
use super::error::{TokenError, TokenErrorClass};
use super::generate::birth;
use super::key::{AdoptedAttributes, Birth, Born, KeyRef};
use super::pair::pair;
use super::public_key::subject_public_key_info;
use super::session::TokenSession;
use crate::model::{KeySpec, KeyUsage, hex};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use std::sync::Arc;
use uuid::Uuid;

/// How an object is named by whoever put it there.
#[derive(Debug, Clone)]
pub enum Locator {
    /// By its `CKA_ID`.
    Id(Vec<u8>),
    /// By its `CKA_LABEL`.
    Label(String),
}

/// What is to be adopted, and as what.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// Which object.
    pub locator: Locator,
    /// The version that it is to be.
    pub version: Uuid,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// The one thing that it will be used for.
    pub usage: KeyUsage,
    /// Take also one that can leave the token, or whose value can be read.
    pub allow_extractable: bool,
}

/// An object that can be adopted.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// Its `CKA_ID`.
    pub object_id: Vec<u8>,
    /// What the token says of it.
    pub birth: Birth,
}

/// How the labels begin of a gateway's own keys, and of those that it makes for callers.
const MADE_HERE: [&str; 2] = ["strongroom:", "strongroom "];

/// The attributes that are told of an adopted object where they are true.
pub(super) const FLAGS: [(AttributeType, &str); 10] = [
    (AttributeType::Private, "CKA_PRIVATE"),
    (AttributeType::Modifiable, "CKA_MODIFIABLE"),
    (AttributeType::Encrypt, "CKA_ENCRYPT"),
    (AttributeType::Decrypt, "CKA_DECRYPT"),
    (AttributeType::Sign, "CKA_SIGN"),
    (AttributeType::Verify, "CKA_VERIFY"),
    (AttributeType::Wrap, "CKA_WRAP"),
    (AttributeType::Unwrap, "CKA_UNWRAP"),
    (AttributeType::Derive, "CKA_DERIVE"),
    (AttributeType::AlwaysAuthenticate, "CKA_ALWAYS_AUTHENTICATE"),
];

pub(super) fn refused(detail: impl Into<String>) -> TokenError {
    TokenError::new(TokenErrorClass::CallersFault, "adopt", detail)
}

/// Finds and examines the object; `is_ours` says which `CKA_ID`s are the gateway's own keys'.
pub(super) fn adopt(
    session: &mut TokenSession,
    adoption: &Adoption,
    is_ours: impl Fn(Uuid) -> bool,
) -> Result<Adopted, TokenError> {
    let (spec, usage) = (adoption.spec, adoption.usage);
    let class = Class::of(spec);
    let named = match &adoption.locator {
        Locator::Id(id) => Attribute::Id(id.clone()),
        Locator::Label(label) => Attribute::Label(label.as_bytes().to_vec()),
    };
    let subject = only(session, named, class)?;
    let id = match session
        .raw()
        .get_attributes(subject, &[AttributeType::Id])?
        .pop()
    {
        Some(Attribute::Id(id)) if (1..=255).contains(&id.len()) => id,
        _ => {
            return Err(refused(
                "the object has no CKA_ID: give it one of its own first",
            ));
        }
    };
    if Uuid::from_slice(&id).is_ok_and(is_ours) {
        return Err(refused("the object is one of the gateway's own keys"));
    }
    let attributes = attributes(session, subject, &id)?;
    // Before it is tried out: it may be another account's key, or of another deployment that has the
    // token as well. What was made here cannot be given another label: it is not CKA_MODIFIABLE.
    if MADE_HERE
        .iter()
        .any(|made| attributes.label.starts_with(made))
    {
        return Err(refused(format!(
            "the object was made by a Strongroom, whose key it is: its label is {:?}",
            attributes.label
        )));
    }
    // It will be found by its CKA_ID, and destroyed by it: it must have it to itself.
    let mut public = None;
    for other in Class::ALL {
        let belongs = other == class || (other == Class::Public && class == Class::Private);
        let by_id = Attribute::Id(id.clone());
        if belongs {
            let object = only(session, by_id, other)?;
            public = (other == Class::Public).then_some(object).or(public);
        } else if !session.find_by(by_id, other)?.is_empty() {
            let detail = format!("another object, a {other:?} key, has the same CKA_ID");
            return Err(refused(detail));
        }
    }
    check_kind(session, adoption, subject, public)?;
    if (attributes.extractable || !attributes.sensitive) && !adoption.allow_extractable {
        return Err(refused(format!(
            "the key can leave the token (CKA_SENSITIVE {}, CKA_EXTRACTABLE {}): adopt it with \
             AllowExtractable if it is to be a key all the same",
            attributes.sensitive, attributes.extractable
        )));
    }
    let public_key = public
        .map(|object| subject_public_key_info(session.raw(), object, spec))
        .transpose()?;
    let key = KeyRef {
        version: adoption.version,
        spec,
        usage,
        public_key: public_key.as_deref().map(Arc::from),
        object_id: Some(Arc::from(&*id)),
        born: Born::Unasked,
    };
    try_out(session, &key)?;
    let birth = Birth {
        adopted: Some(attributes),
        ..birth(session, subject, public_key)?
    };
    Ok(Adopted {
        object_id: id,
        birth,
    })
}

/// The one object of a class with this attribute.
fn only(
    session: &TokenSession,
    attribute: Attribute,
    class: Class,
) -> Result<ObjectHandle, TokenError> {
    match session.find_by(attribute, class)?.as_slice() {
        [object] => Ok(*object),
        [] => {
            // An empty search proves nothing by itself.
            session.check_present()?;
            Err(refused(format!("the token has no such {}", kind(class))))
        }
        _ => Err(refused(format!(
            "the token has more than one such {}: name it by a CKA_ID of its own",
            kind(class)
        ))),
    }
}

fn kind(class: Class) -> &'static str {
    match class {
        Class::Public => "public key",
        Class::Private => "private key",
        Class::Secret => "secret key",
    }
}

/// Whether the object is of the spec that the caller says.
fn check_kind(
    session: &TokenSession,
    adoption: &Adoption,
    subject: ObjectHandle,
    public: Option<ObjectHandle>,
) -> Result<(), TokenError> {
    let (spec, usage) = (adoption.spec, adoption.usage);
    let right = Birthright {
        version: adoption.version,
        label: "",
        spec,
        usage,
        raw_rsa: false,
        role: Role::Key,
    };
    let provable = matches!(
        usage,
        KeyUsage::EncryptDecrypt | KeyUsage::SignVerify | KeyUsage::GenerateVerifyMac
    );
    let key_type = right.key_type().filter(|_| provable);
    let mut expected = vec![(
        subject,
        Attribute::KeyType(key_type.ok_or_else(|| right.unsupported())?),
    )];
    match (public, pair(spec)) {
        (Some(public), Some(pair)) => {
            // The public exponent is the key's own affair.
            let parameters = pair.parameters.into_iter();
            let told = parameters.filter(|a| !matches!(a, Attribute::PublicExponent(_)));
            expected.extend(told.map(|attribute| (public, attribute)));
        }
        _ => {
            let len = hmac_hash(spec).map_or(32, |hash| hash.len_bytes());
            expected.push((subject, Attribute::ValueLen(len.try_into()?)));
        }
    }
    for (object, want) in expected {
        let have = session
            .raw()
            .get_attributes(object, &[want.attribute_type()])?;
        if have.first() != Some(&want) {
            return Err(refused(format!(
                "the object is no {} key: {want:?} reads {:?}",
                spec.as_str(),
                have.first()
            )));
        }
    }
    Ok(())
}

/// What the token says of the object.
pub(super) fn attributes(
    session: &TokenSession,
    object: ObjectHandle,
    id: &[u8],
) -> Result<AdoptedAttributes, TokenError> {
    use AttributeType as T;
    let raw = session.raw();
    // One by one: a token need not know them all.
    let is = |kind: AttributeType| {
        let found = raw.get_attributes(object, &[kind]).ok();
        let found = found.and_then(|mut found| found.pop());
        found.as_ref().and_then(boolean).unwrap_or(false)
    };
    let label = match raw.get_attributes(object, &[T::Label])?.pop() {
        Some(Attribute::Label(label)) => String::from_utf8_lossy(&label).into_owned(),
        _ => String::new(),
    };
    let flags = FLAGS.into_iter().filter(|(kind, _)| is(*kind));
    Ok(AdoptedAttributes {
        id: hex::encode(id),
        label,
        // What is not known to be so is taken for the worse.
        sensitive: is(T::Sensitive),
        extractable: !matches!(
            raw.get_attributes(object, &[T::Extractable])?.first(),
            Some(Attribute::Extractable(false))
        ),
        flags: flags.map(|(_, name)| name.to_owned()).collect(),
    })
}
