//! DeleteImportedKeyMaterial: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html>.

use super::delete_material;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, KeyMaterialId};
use crate::model::{KeySpec, key_material_id};
use crate::operation::authorized::arn_of;
use crate::operation::rotation::IMPORTED;
use crate::operation::{
    Access, Authorized, Change, Context, Operation, OperationName, Request, multi_region,
};
use crate::store::{Key, Transaction};
use crate::{Error, ErrorCode};
use uuid::Uuid;

/// See the module.
pub struct DeleteImportedKeyMaterial;

input! {
    required {
        key_id: KeyId,
    }
    optional {
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

/// The version whose material is to go: the named one, or the current one.
fn version(input: &Input, key: &Key) -> Result<Uuid, Error> {
    let Some(wanted) = input.key_material_id.as_deref() else {
        return Ok(key.current_version);
    };
    if key.spec != KeySpec::SymmetricDefault {
        let message = "KeyMaterialId is only supported for symmetric encryption KMS keys.";
        return Err(Error::new(ErrorCode::UnsupportedOperation, message));
    }
    let mut versions = key.versions.iter();
    let found = versions.find(|version| key_material_id(version.id) == wanted);
    found.map(|version| version.id).ok_or_else(|| {
        let message = format!(
            "Key material {wanted} is not associated with {}.",
            arn_of(key)
        );
        Error::new(ErrorCode::NotFound, message)
    })
}

impl Operation for DeleteImportedKeyMaterial {
    const NAME: OperationName = OperationName::DeleteImportedKeyMaterial;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(
            &input.key_id,
            StateRule::Deletable,
            &IMPORTED,
        ))
    }
}

impl Change for DeleteImportedKeyMaterial {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        // The Regions share it: a replica's owner is not to take it from the others.
        multi_region::refuse_replica(key)?;
        let doomed = version(input, key)?;
        delete_material(tx, key, |version| version.id == doomed).await?;
        let symmetric = key.spec == KeySpec::SymmetricDefault;
        Ok(Output {
            key_id: arn_of(key),
            key_material_id: symmetric.then(|| key_material_id(doomed)),
        })
    }
}
