//! ImportKeyMaterial: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html>.
//!
//! The token unwraps into an object of the import's own, under an intent, and the object shows
//! whether it is the right material; then one transaction makes it the version's.

use super::import_token::ImportToken;
use super::make::{Made, make, target};
use super::write_keys;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{
    Ciphertext, ExpirationModel, ImportType, KeyId, KeyMaterialDescription, KeyMaterialId,
    Timestamp,
};
use crate::model::{KeySpec, key_material_id};
use crate::operation::authorized::arn_of;
use crate::operation::rotation::IMPORTED;
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange, leftover,
};
use crate::store::{Intent, IntentKind, KeyVersion, Transaction};
use crate::{Error, ErrorCode};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The longest that key material may be good for.
const LONGEST: Duration = Duration::days(365);

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

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Validation, message)
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

    async fn prepare(input: &Input, call: &Authorized<Self>, cx: &Context) -> Result<Made, Error> {
        let key = call.key(0);
        refuse_symmetric_only(input, key.spec)?;
        let import_token = ImportToken::open(&input.import_token, key, cx).await?;
        let valid_to = valid_to(input, cx.clock.now())?;
        let target = target(input, key)?;

        let intent = Intent {
            version: Uuid::new_v4(),
            token_serial: Some(cx.tokens.of(key)?.require_serial()?),
            adopted: None,
            kind: IntentKind::Create,
            owner: cx.gateway,
            lease: cx.lease,
        };
        cx.store.begin_intent(&intent).await?;
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
        let mut versions = locked.versions.clone();
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

/// # Errors
/// `UnsupportedOperationException` for members that only keys with several materials have.
fn refuse_symmetric_only(input: &Input, spec: KeySpec) -> Result<(), Error> {
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
fn valid_to(input: &Input, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, Error> {
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
