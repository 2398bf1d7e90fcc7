//! Imported material on its way into the token: which version it is to be, and whether it is the right
//! one.

use super::import_key_material::{ImportKeyMaterial, Input};
use super::import_token::ImportToken;
use super::verifier;
use crate::model::shapes::ImportType;
use crate::model::{VersionState, key_material_id};
use crate::operation::authorized::arn_of;
use crate::operation::{Authorized, Context, multi_region};
use crate::store::{Key, KeyVersion};
use crate::token::{Import, Imported, TokenError, TokenErrorClass};
use crate::{Error, ErrorCode};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// Which version the material is to be.
pub(super) enum Target<'k> {
    /// The first, which has never had any.
    First(&'k KeyVersion),
    /// One of those that have had some.
    Again(Vec<&'k KeyVersion>),
    /// A further one.
    Next,
}

/// The material on the token, and the version that it will make of the one it replaces, if any.
#[allow(missing_docs)]
pub struct Made {
    pub(super) replaces: Option<KeyVersion>,
    pub(super) version: KeyVersion,
}

fn incorrect(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::IncorrectKeyMaterial, message)
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

/// Unwraps the material into `object`, and sees which version it is.
pub(super) async fn make(
    input: &Input,
    call: &Authorized<ImportKeyMaterial>,
    import_token: &ImportToken,
    target: Target<'_>,
    object: Uuid,
    cx: &Context,
) -> Result<Made, Error> {
    let key = call.key(0);
    let import = Import {
        object,
        label: format!("strongroom key {}", key.key_id),
        spec: key.spec,
        usage: key.usage,
        wrapping_key: import_token.wrapping_key,
        wrapping_spec: import_token.spec.key_spec().unwrap_or(key.spec),
        algorithm: import_token.algorithm,
        wrapped: input.encrypted_key_material.to_vec(),
    };
    let imported = cx.tokens.of(key)?.import(import).await;
    let (birth, through_memory) = match imported.map_err(without_wrapping_key)? {
        Imported::Made {
            birth,
            through_memory,
        } => (birth, through_memory),
        Imported::Undecipherable => {
            let message = "The encrypted key material could not be decrypted.";
            return Err(Error::new(ErrorCode::InvalidCiphertext, message));
        }
        Imported::Unfit(why) => {
            let message = format!("The key material is not {} material: {why}.", key.spec);
            return Err(incorrect(message));
        }
    };
    let public_key = birth.public_key.as_deref();
    let material = call.imported(0, object, public_key.map(Into::into));
    let mut same = None;
    for version in &key.versions {
        if verifier::matches(key, version, &material, public_key, cx).await? {
            same = Some(version);
        }
    }
    let now = cx.clock.now();
    let replaced = match (&target, same) {
        (Target::First(first), _) => Some(*first),
        (Target::Again(among), Some(same)) if among.iter().any(|one| one.id == same.id) => {
            Some(same)
        }
        (Target::Again(_), _) => {
            let message = "The key material is not the same as was imported before.";
            return Err(incorrect(message));
        }
        (Target::Next, Some(_)) => {
            let message = "The key material is already associated with the KMS key.";
            return Err(incorrect(message));
        }
        (Target::Next, None) => None,
    };
    let mut birth_certificate = serde_json::to_value(&birth).map_err(Error::internal)?;
    birth_certificate["imported"] = json!({
        "wrapping_algorithm": import_token.algorithm.as_str(),
        "through_memory": through_memory,
    });
    let before = match replaced {
        Some(version) => version.clone(),
        None => {
            let number = key.versions.last().map_or(0, |version| version.number) + 1;
            KeyVersion::awaiting_import(Uuid::new_v4(), number, now)
        }
    };
    let verifier = match before.verifier {
        Some(known) => Some(known),
        None => verifier::make(key, before.id, &material, cx).await?,
    };
    let description = input.key_material_description.as_deref();
    let version = KeyVersion {
        token_serial: birth.token_serial,
        public_key: birth.public_key.map(Into::into),
        birth: birth_certificate,
        state: match before.state {
            VersionState::PendingImport => VersionState::Enabled,
            other => other,
        },
        description: description.map(str::to_owned).or(before.description),
        verifier,
        object_id: Some(Arc::from(object.as_bytes().as_slice())),
        ..before
    };
    Ok(Made {
        replaces: replaced.cloned(),
        version,
    })
}

/// A wrapping key that the token does not have is one that it never had, or that is destroyed.
fn without_wrapping_key(error: TokenError) -> Error {
    match error.class {
        TokenErrorClass::NoSuchObject => {
            let message = "The wrapping key of the import token is gone.";
            Error::new(ErrorCode::InvalidImportToken, message).with_source(error)
        }
        _ => error.into(),
    }
}
