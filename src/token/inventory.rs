//! What key objects the token has, and whether one is still what its birth certificate says: for
//! `strongroom reconcile`. Nothing is changed.

use super::adopt;
use super::attributes::{self, Birthright, Class, Role, hmac_hash};
use super::error::TokenError;
use super::generate::birth;
use super::key::Birth;
use super::pool::Lane;
use super::public_key::subject_public_key_info;
use super::session::TokenSession;
use super::verbs::GENERATION_DEADLINE;
use super::{AdoptedAttributes, Token};
use crate::model::{KeySpec, KeyUsage};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::types::Ulong;
use std::num::NonZeroUsize;
use std::sync::Arc;
use uuid::Uuid;

/// Objects looked at in one job, so that none keeps a session for long.
const TOGETHER: usize = 64;

/// A key object on the token.
#[derive(Debug, Clone)]
pub struct TokenObject {
    /// `CKA_ID`; empty where it has none.
    pub object_id: Vec<u8>,
    /// `CKA_LABEL`.
    pub label: String,
    class: Class,
    handle: ObjectHandle,
}

impl TokenObject {
    /// `CKA_CLASS`, in words.
    pub fn kind(&self) -> &'static str {
        match self.class {
            Class::Secret => "secret key",
            Class::Private => "private key",
            Class::Public => "public key",
        }
    }
}

/// What the objects under one `CKA_ID` have to be.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The objects.
    pub objects: Vec<TokenObject>,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// Its one use.
    pub usage: KeyUsage,
    /// What the token said of it when it was made or adopted; `None` for a key of the gateway's own.
    pub birth: Option<Birth>,
}

impl Token {
    /// Every key object that a session of the user's sees, the gateway's own among them.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering; never a part of the list.
    pub async fn objects(&self) -> Result<Vec<TokenObject>, TokenError> {
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        let found = self.call(Lane::ReadWrite, deadline, true, find).await?;
        let mut objects = Vec::with_capacity(found.len());
        for some in found.chunks(TOGETHER) {
            let some = some.to_vec();
            let read = move |session: &mut TokenSession| {
                let read = |(class, handle): &_| describe(session, *class, *handle);
                some.iter().map(read).collect::<Result<Vec<_>, _>>()
            };
            objects.extend(self.crypto(read).await?.into_iter().flatten());
        }
        Ok(objects)
    }

    /// What is otherwise than expected, of each in turn: the first difference that is found.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering.
    pub async fn compare(&self, all: Vec<Expected>) -> Result<Vec<Option<String>>, TokenError> {
        let mut differences = Vec::with_capacity(all.len());
        for some in all.chunks(TOGETHER) {
            let some: Arc<[Expected]> = some.into();
            let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
            let compared = self.call(Lane::ReadOnly, deadline, true, move |session| {
                some.iter().map(|each| difference(session, each)).collect()
            });
            let compared: Vec<_> = compared.await?;
            differences.extend(compared);
        }
        Ok(differences)
    }
}

/// The handles of all key objects.
fn find(session: &mut TokenSession) -> Result<Vec<(Class, ObjectHandle)>, TokenError> {
    const MANY: NonZeroUsize = NonZeroUsize::new(512).unwrap(); // Unwrap safety: evaluated at compile time
    let mut objects = Vec::new();
    for class in Class::ALL {
        let template = [
            Attribute::Token(true),
            Attribute::Class(class.object_class()),
        ];
        let found = session
            .raw()
            .iter_objects_with_cache_size(&template, MANY)?;
        for object in found {
            objects.push((class, object?));
        }
    }
    session.check_present()?;
    Ok(objects)
}

/// `None` for an object that another process has destroyed since.
fn describe(
    session: &TokenSession,
    class: Class,
    handle: ObjectHandle,
) -> Result<Option<TokenObject>, TokenError> {
    let kinds = [AttributeType::Id, AttributeType::Label];
    let found = match session.raw().get_attributes(handle, &kinds) {
        Ok(found) => found,
        Err(error) => {
            let error = TokenError::from(error);
            return match error.is_stale_handle() {
                true => Ok(None),
                false => Err(error),
            };
        }
    };
    let (mut object_id, mut label) = (Vec::new(), String::new());
    for attribute in found {
        match attribute {
            Attribute::Id(id) => object_id = id,
            Attribute::Label(text) => label = String::from_utf8_lossy(&text).into_owned(),
            _ => {}
        }
    }
    Ok(Some(TokenObject {
        object_id,
        label,
        class,
        handle,
    }))
}

fn difference(session: &TokenSession, expected: &Expected) -> Result<Option<String>, TokenError> {
    let subject_class = Class::of(expected.spec);
    let of = |class: Class| expected.objects.iter().filter(move |o| o.class == class);
    let Some(subject) = of(subject_class).next() else {
        return Ok(Some(format!("there is no {subject_class:?} key object")));
    };
    let public = of(Class::Public).next();
    let compared = match expected.birth.as_ref().and_then(|b| b.adopted.as_ref()) {
        Some(then) => as_adopted(session, subject, then),
        None => as_made(session, subject, public, expected),
    };
    let compared = compared.and_then(|difference| match (difference, &expected.birth) {
        (None, Some(then)) => as_born(session, subject, public, expected.spec, then),
        (difference, _) => Ok(difference),
    });
    match compared {
        // Destroyed by another process since: that is for whoever looks again.
        Err(error) if error.is_stale_handle() => Ok(Some("it has just gone".into())),
        other => other,
    }
}

/// An object that was made here, or imported, has every attribute that it was made with.
fn as_made(
    session: &TokenSession,
    subject: &TokenObject,
    public: Option<&TokenObject>,
    expected: &Expected,
) -> Result<Option<String>, TokenError> {
    let (spec, usage) = (expected.spec, expected.usage);
    let Ok(version) = Uuid::from_slice(&subject.object_id) else {
        return Ok(Some("its CKA_ID is no key version's".into()));
    };
    let mut right = Birthright {
        version,
        label: "",
        spec,
        usage,
        raw_rsa: false,
        role: Role::Key,
    };
    if spec.is_asymmetric() && public.is_none() {
        return Ok(Some("there is no Public key object".into()));
    }
    let generated = expected.birth.as_ref().is_none_or(|birth| birth.local);
    let mut read_back = |raw_rsa: bool| {
        right.raw_rsa = raw_rsa;
        for object in std::iter::once(subject).chain(public) {
            let mut wanted = right.attributes(object.class).0;
            // It is for people.
            wanted.retain(|attribute| !matches!(attribute, Attribute::Label(_)));
            // SoftHSM does not say it of a key that was unwrapped.
            if object.class == Class::Secret && generated {
                let len = hmac_hash(spec).map_or(32, |hash| hash.len_bytes());
                wanted.push(Attribute::ValueLen(Ulong::try_from(len)?));
            }
            let raw = session.raw();
            let found = attributes::read_back(raw, object.handle, object.class, &wanted)?;
            if let Some(difference) = found {
                return Ok(Some(format!("{}: {difference}", object.kind())));
            }
        }
        Ok(None)
    };
    let raw_rsa = spec.rsa_bits().is_some() && usage == KeyUsage::EncryptDecrypt;
    match read_back(false)? {
        // What the token's firmware could do was another when the key was made.
        Some(_) if raw_rsa => read_back(true),
        difference => Ok(difference),
    }
}

/// An adopted object keeps what it had when it was adopted, whatever that was.
fn as_adopted(
    session: &TokenSession,
    subject: &TokenObject,
    then: &AdoptedAttributes,
) -> Result<Option<String>, TokenError> {
    let now = adopt::attributes(session, subject.handle, &subject.object_id)?;
    let said = |a: &AdoptedAttributes| {
        let flags = a.flags.join(" ");
        format!(
            "CKA_SENSITIVE {}, CKA_EXTRACTABLE {}, {flags}",
            a.sensitive, a.extractable
        )
    };
    let (then, now) = (said(then), said(&now));
    Ok((then != now).then(|| format!("{then} when it was adopted, {now} now")))
}

/// What a token says of a key only once it has it.
fn as_born(
    session: &TokenSession,
    subject: &TokenObject,
    public: Option<&TokenObject>,
    spec: KeySpec,
    then: &Birth,
) -> Result<Option<String>, TokenError> {
    let public_key = match (&then.public_key, public) {
        (Some(_), Some(public)) => {
            // What cannot be read is not the same either.
            subject_public_key_info(session.raw(), public.handle, spec).ok()
        }
        _ => None,
    };
    let now = birth(session, subject.handle, public_key)?;
    let flags = [
        (
            "CKA_ALWAYS_SENSITIVE",
            then.always_sensitive,
            now.always_sensitive,
        ),
        (
            "CKA_NEVER_EXTRACTABLE",
            then.never_extractable,
            now.never_extractable,
        ),
        ("CKA_LOCAL", then.local, now.local),
    ];
    if let Some((name, then, now)) = flags.iter().find(|(_, then, now)| then != now) {
        return Ok(Some(format!("{name} was {then}, is {now}")));
    }
    // What the token did not say then is not known to differ.
    let differs = |then: &Option<Vec<u8>>, now: &Option<Vec<u8>>| then.is_some() && then != now;
    let mechanism = &then.key_gen_mechanism;
    Ok(if differs(&then.public_key, &now.public_key) {
        Some("it has another public key".into())
    } else if differs(&then.check_value, &now.check_value) {
        Some("it has another CKA_CHECK_VALUE: it is another key".into())
    } else if mechanism.is_some() && *mechanism != now.key_gen_mechanism {
        Some("it has another CKA_KEY_GEN_MECHANISM".into())
    } else {
        None
    })
}
