//! What an import asks for: which version of the key the material is to be, and until when.

use super::import_key_material::Input;
use crate::model::shapes::{ImportType, Timestamp};
use crate::model::{KeySpec, key_material_id};
use crate::operation::authorized::arn_of;
use crate::operation::multi_region;
use crate::store::{Key, KeyVersion};
use crate::{Error, ErrorCode};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The longest that key material may be good for.
const LONGEST: Duration = Duration::days(365);

/// Which version the material is to be.
pub(super) enum Target<'k> {
    /// The first, which has never had any.
    First(&'k KeyVersion),
    /// One of those that have had some.
    Again(Vec<&'k KeyVersion>),
    /// A further one.
    Next,
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
}

pub(super) fn incorrect(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::IncorrectKeyMaterial, message)
}

/// # Errors
/// `UnsupportedOperationException` for members that only keys with several materials have.
pub(super) fn refuse_symmetric_only(input: &Input, spec: KeySpec) -> Result<(), Error> {
    let given = [
        ("ImportType", input.import_type.is_some()),
        (
            "KeyMaterialDescription",
            input.key_material_description.is_some(),
        ),
        ("KeyMaterialId", input.key_material_id.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) if spec != KeySpec::SymmetricDefault => {
            let message = format!("{name} is only supported for symmetric encryption KMS keys.");
            Err(Error::new(ErrorCode::UnsupportedOperation, message))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// `ValidationException` for a date that is past, or too far away.
pub(super) fn valid_to(
    input: &Input,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, Error> {
    let Some(Timestamp(at)) = input.valid_to else {
        return Ok(None);
    };
    if at <= now {
        return Err(invalid("The validTo date must be in the future."));
    }
    if at > now + LONGEST {
        return Err(invalid(
            "The validTo date must be at most 365 days from the request date.",
        ));
    }
    Ok(Some(at))
}

/// # Errors
/// `IncorrectKeyMaterialException`, `KMSInvalidStateException`: there is no such version.
pub(super) fn target<'k>(input: &Input, key: &'k Key) -> Result<Target<'k>, Error> {
    let settled: Vec<&KeyVersion> = key.versions.iter().filter(|v| v.is_settled()).collect();
    let first = key.versions.first().filter(|_| settled.is_empty());
    let new = match input.import_type {
        Some(import_type) => import_type == ImportType::NewKeyMaterial,
        None => first.is_some() && input.key_material_id.is_none(),
    };
    if let (true, Some(first)) = (new, first) {
        return Ok(Target::First(first));
    }
    if new {
        // AWS takes it there and hands it on.
        multi_region::refuse_replica(key)?;
        let Some(pending) = key.pending_rotation() else {
            return Ok(Target::Next);
        };
        let message = format!(
            "New key material (id: {}) cannot be imported into KMS key {}, because another key \
             material (id: {}) is pending rotation.",
            key_material_id(Uuid::new_v4()),
            key.key_id,
            key_material_id(pending.id)
        );
        return Err(Error::new(ErrorCode::KmsInvalidState, message));
    }
    let wanted = input.key_material_id.as_deref();
    let named = |version: &&KeyVersion| wanted.is_none_or(|id| key_material_id(version.id) == id);
    let among: Vec<&KeyVersion> = settled.into_iter().filter(named).collect();
    match among.is_empty() {
        true => Err(incorrect(format!(
            "{} has no such key material to be imported again.",
            arn_of(key)
        ))),
        false => Ok(Target::Again(among)),
    }
}
