//! What key objects the token has, and whether one is still what its birth certificate says: for
//! `strongroom reconcile`. Nothing is changed.

use super::Token;
use super::attributes::Class;
use super::compare::{self, Wanted};
use super::deviation::in_words;
use super::error::TokenError;
use super::key::Birth;
use super::pool::Lane;
use super::session::TokenSession;
use super::verbs::GENERATION_DEADLINE;
use crate::model::{KeySpec, KeyUsage};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use std::num::NonZeroUsize;
use std::sync::Arc;

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

    /// What is otherwise than expected, of each in turn, in words.
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
    let mut deviations = Vec::new();
    for class in compare::classes(expected.spec) {
        let of_class = |object: &&TokenObject| object.class == *class;
        let Some(object) = expected.objects.iter().find(of_class) else {
            return Ok(Some(format!("there is no {class:?} key object")));
        };
        let wanted = Wanted {
            id: &object.object_id,
            spec: expected.spec,
            usage: expected.usage,
            birth: expected.birth.as_ref(),
        };
        match compare::deviations(session, object.handle, *class, wanted) {
            Ok(found) => deviations.extend(found),
            // Destroyed by another process since: that is for whoever looks again.
            Err(error) if error.is_stale_handle() => return Ok(Some("it has just gone".into())),
            Err(error) => return Err(error),
        }
    }
    Ok(in_words(&deviations))
}
