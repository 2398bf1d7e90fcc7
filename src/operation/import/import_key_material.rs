//! ImportKeyMaterial: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html>.
//!
//! The token unwraps into an object of the import's own, under an intent, and the object shows
//! whether it is the right material; then one transaction makes it the version's.

use super::import_token::ImportToken;
use super::target::{Target, incorrect, invalid, refuse_symmetric_only, target, valid_to};
use super::{verifier, write_keys};
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{
    Ciphertext, ExpirationModel, ImportType, KeyId, KeyMaterialDescription, KeyMaterialId,
    Timestamp,
};
use crate::model::{KeySpec, VersionState, key_material_id};
use crate::operation::authorized::arn_of;
use crate::operation::made::intend;
use crate::operation::rotation::IMPORTED;
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange, leftover,
};
use crate::store::{KeyVersion, Transaction};
use crate::token::{Import, Imported, TokenError, TokenErrorClass};
use crate::{Error, ErrorCode};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// See the module.
pub struct ImportKeyMaterial;

input! {
    required {
        key_id: KeyId,
        import_token: Ciphertext,
        encrypted_key_material: Ciphertext,
    }
    optional {
        valid_to: Timestamp,
        expiration_model: ExpirationModel,
        import_type: ImportType,
        key_material_description: KeyMaterialDescription,
        key_material_id: KeyMaterialId,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// The material on the token, and the version that it will make of the one it replaces, if any.
#[allow(missing_docs)]
pub struct Made {
    replaces: Option<KeyVersion>,
    version: KeyVersion,
}

impl Operation for ImportKeyMaterial {
    const NAME: OperationName = OperationName::ImportKeyMaterial;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        match (input.expiration_model, input.valid_to) {
            (Some(ExpirationModel::KeyMaterialDoesNotExpire), None) => {}
            (Some(ExpirationModel::KeyMaterialDoesNotExpire), Some(_)) => {
                return Err(invalid(
                    "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
                ));
            }
            (_, Some(_)) => {}
            (_, None) => {
                return Err(invalid(
                    "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
                ));
            }
        }
        if input.import_type == Some(ImportType::NewKeyMaterial) && input.key_material_id.is_some()
        {
            return Err(invalid(
                "KeyMaterialId cannot be specified with ImportType NEW_KEY_MATERIAL.",
            ));
        }
        Ok(Access::material(
            &input.key_id,
            StateRule::Importable,
            &IMPORTED,
        ))
    }
}

impl TokenChange for ImportKeyMaterial {
    type Prepared = Made;

    async fn prepare(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Made, Error> {
        let key = call.key(0);
        refuse_symmetric_only(input, key.spec)?;
        let import_token = ImportToken::open(&input.import_token, key, cx).await?;
        let valid_to = valid_to(input, cx.clock.now())?;
        let target = target(input, key)?;

        let intent = intend(&cx.tokens.of(key)?, cx).await?;
        let made = make(input, call, &import_token, target, intent.version, cx).await;
        match made {
            Ok(mut made) => {
                made.version.valid_to = valid_to;
                Ok(made)
            }
            Err(error) => {
                leftover::destroy_all(&[intent], cx).await;
                Err(error)
            }
        }
    }

    async fn apply(
        _: &Input,
        made: &Made,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let related = tx.lock_related(key).await?;
        let locked = related.iter().find(|other| other.row == key.row);
        let locked = locked.ok_or_else(meanwhile)?;
        let mut versions = locked.versions.to_vec();
        match &made.replaces {
            Some(before) => {
                let same = |version: &&mut KeyVersion| {
                    version.id == before.id && version.row_version == before.row_version
                };
                let place = versions.iter_mut().find(same).ok_or_else(meanwhile)?;
                tx.replace_material(locked, before, &made.version).await?;
                *place = made.version.clone();
            }
            None => {
                let last = versions.last().map_or(0, |version| version.number);
                if last + 1 != made.version.number || locked.pending_rotation().is_some() {
                    return Err(meanwhile());
                }
                tx.add_version(locked, &made.version).await?;
                versions.push(made.version.clone());
            }
        }
        let symmetric = locked.spec == KeySpec::SymmetricDefault;
        let output = Output {
            key_id: arn_of(locked),
            key_material_id: symmetric.then(|| key_material_id(made.version.id)),
        };
        write_keys(tx, related, &versions).await?;
        Ok(output)
    }
}

/// The material is on the token as another request found the key; it is no longer so.
fn meanwhile() -> Error {
    let message =
        "Another request changed the key's material meanwhile. The request can be retried.";
    Error::new(ErrorCode::KmsInvalidState, message)
}

/// Unwraps the material into `object`, and sees which version it is.
async fn make(
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
    let mut version = match replaced {
        Some(version) => version.clone(),
        None => {
            let number = key.versions.last().map_or(0, |version| version.number) + 1;
            KeyVersion::awaiting_import(Uuid::new_v4(), number, now)
        }
    };
    if version.verifier.is_none() {
        version.verifier = verifier::make(key, version.id, &material, cx).await?;
    }
    if let Some(description) = input.key_material_description.as_deref() {
        version.description = Some(description.to_owned());
    }
    if version.state == VersionState::PendingImport {
        version.state = VersionState::Enabled;
    }
    version.token_serial = birth.token_serial;
    version.public_key = birth.public_key.map(Into::into);
    version.birth = birth_certificate.into();
    version.object_id = Some(Arc::from(object.as_bytes().as_slice()));
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
