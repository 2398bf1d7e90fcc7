//! What the token says of its keys, and of itself, now. Every object is looked up anew, and nothing of
//! it is changed.

use super::Token;
use super::attributes::Class;
use super::compare::{self, Wanted};
use super::deviation::{Deviation, value};
use super::error::TokenError;
use super::key::{Birth, Place};
use super::pool::Lane;
use super::public_key::subject_public_key_info;
use super::session::TokenSession;
use super::verbs::GENERATION_DEADLINE;
use crate::model::{KeySpec, KeyUsage};
use cryptoki::object::{AttributeType, ObjectHandle};
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

/// Keys looked at in one job, so that none keeps a session for long.
const TOGETHER: usize = 16;

/// What is told of the object that is used: the secret key, or the private half of a pair.
const TOLD: [AttributeType; 24] = {
    use AttributeType as T;
    [
        T::Sensitive,
        T::AlwaysSensitive,
        T::Extractable,
        T::NeverExtractable,
        T::Local,
        T::KeyGenMechanism,
        T::KeyType,
        T::Private,
        T::Modifiable,
        T::Copyable,
        T::Destroyable,
        T::Encrypt,
        T::Decrypt,
        T::Sign,
        T::Verify,
        T::Wrap,
        T::Unwrap,
        T::Derive,
        T::WrapWithTrusted,
        T::AlwaysAuthenticate,
        T::AllowedMechanisms,
        T::StartDate,
        T::EndDate,
        T::CheckValue,
    ]
};

/// A key to look at.
#[derive(Debug, Clone)]
pub struct Subject {
    /// By which its handles are kept.
    pub version: Uuid,
    /// The `CKA_ID` of its objects.
    pub object_id: Vec<u8>,
    /// What kind of key it is.
    pub spec: KeySpec,
    /// Its one use.
    pub usage: KeyUsage,
    /// What the token said of it when it was made, imported or adopted; `None` for a key of the
    /// gateway's own.
    pub birth: Option<Birth>,
}

/// What was seen of a key.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The attributes of the object that is used, by their PKCS#11 names; null for what the token
    /// does not answer. `None` where there is no such object, or more than one.
    pub attributes: Option<Map<String, Value>>,
    /// The public half, as DER SubjectPublicKeyInfo.
    pub public_key: Option<Vec<u8>>,
    /// What is otherwise than it was made.
    pub deviations: Vec<Deviation>,
}

/// Which token it is, and which module speaks for it (CK_TOKEN_INFO, CK_INFO).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TokenIdentity {
    pub manufacturer: String,
    pub model: String,
    pub serial: String,
    pub label: String,
    pub hardware_version: String,
    pub firmware_version: String,
    pub library: String,
    pub library_manufacturer: String,
    pub library_version: String,
    /// Of PKCS#11.
    pub cryptoki_version: String,
}

impl Token {
    /// Looks at the objects of each key in turn. A handle that was kept of one that is otherwise is
    /// dropped, so that its next use finds it out as well.
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering.
    pub async fn look_at(&self, all: Vec<Subject>) -> Result<Vec<Sighting>, TokenError> {
        let mut sightings = Vec::with_capacity(all.len());
        let deadline = self.handle.deadline.max(GENERATION_DEADLINE);
        for some in all.chunks(TOGETHER) {
            let some: Arc<[Subject]> = some.into();
            let look = move |session: &mut TokenSession| {
                let looks = some.iter().map(|subject| look(session, subject));
                looks.collect::<Result<Vec<_>, _>>()
            };
            sightings.extend(self.call(Lane::ReadOnly, deadline, true, look).await?);
        }
        Ok(sightings)
    }

    /// What the token and its module say of themselves (C_GetTokenInfo, C_GetInfo).
    ///
    /// # Errors
    ///
    /// Whatever keeps the token from answering.
    pub async fn identity(&self) -> Result<TokenIdentity, TokenError> {
        self.crypto(|session| {
            session.check_present()?;
            let epoch = session.epoch();
            let token = epoch.pkcs11.get_token_info(epoch.slot)?;
            let library = epoch.pkcs11.get_library_info()?;
            Ok(TokenIdentity {
                manufacturer: token.manufacturer_id().into(),
                model: token.model().into(),
                serial: token.serial_number().into(),
                label: token.label().into(),
                hardware_version: token.hardware_version().to_string(),
                firmware_version: token.firmware_version().to_string(),
                library: library.library_description().into(),
                library_manufacturer: library.manufacturer_id().into(),
                library_version: library.library_version().to_string(),
                cryptoki_version: library.cryptoki_version().to_string(),
            })
        })
        .await
    }
}

fn look(session: &TokenSession, subject: &Subject) -> Result<Sighting, TokenError> {
    let place = Place {
        object_id: Some(&subject.object_id),
        ..Place::from(subject.version)
    };
    let wanted = Wanted {
        id: &subject.object_id,
        spec: subject.spec,
        usage: subject.usage,
        birth: subject.birth.as_ref(),
    };
    let mut seen = Sighting {
        attributes: None,
        public_key: None,
        deviations: Vec::new(),
    };
    for class in compare::classes(subject.spec) {
        let deviations = match session.find(place, *class)?.as_slice() {
            [object] => {
                match class {
                    Class::Public => {
                        let der = subject_public_key_info(session.raw(), *object, subject.spec);
                        seen.public_key = der.ok();
                    }
                    Class::Secret | Class::Private => {
                        seen.attributes = Some(told(session, *object))
                    }
                }
                compare::deviations(session, *object, *class, wanted)?
            }
            found => {
                // An empty search proves nothing by itself.
                session.check_present()?;
                let many = if found.is_empty() { "none" } else { "several" };
                vec![Deviation::new(format!("{class:?} key objects"), 1, many)]
            }
        };
        if !deviations.is_empty() {
            session.forget(subject.version, *class);
        }
        seen.deviations.extend(deviations);
    }
    Ok(seen)
}

/// The attributes to tell, each by itself: one that the binding does not understand would hide the
/// others.
fn told(session: &TokenSession, object: ObjectHandle) -> Map<String, Value> {
    let read = |kind: AttributeType| {
        let found = session.raw().get_attributes(object, &[kind]).ok();
        found.and_then(|found| found.first().map(value))
    };
    let told = TOLD.iter();
    told.map(|kind| (kind.to_string(), read(*kind).unwrap_or_default()))
        .collect()
}
