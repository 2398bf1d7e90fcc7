//! ListKeyRotations: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html>.

use super::ROTATES;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{
    ExpirationModel, ImportState, IncludeKeyMaterial, KeyId, KeyMaterialState, Limit, Marker,
    Timestamp,
};
use crate::model::{Origin, RotationType, VersionState, key_material_id};
use crate::operation::page::{DEFAULT_LIMIT, Page};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::store::{Key, KeyVersion};

/// See the module.
pub struct ListKeyRotations;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        include_key_material: IncludeKeyMaterial,
        limit: Limit,
        marker: Marker,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub rotations: Vec<RotationsListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

/// One key material.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct RotationsListEntry {
    pub key_id: String,
    pub key_material_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_state: Option<ImportState>,
    pub key_material_state: KeyMaterialState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_model: Option<ExpirationModel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_type: Option<RotationType>,
}

impl RotationsListEntry {
    fn new(key: &Key, version: &KeyVersion) -> Self {
        let external = key.origin == Origin::External;
        let (rotation_type, rotation_date) = version.rotation.unzip();
        let state = if version.id == key.current_version {
            KeyMaterialState::Current
        } else if key
            .pending_rotation()
            .is_some_and(|pending| pending.id == version.id)
        {
            KeyMaterialState::PendingRotation
        } else {
            KeyMaterialState::NonCurrent
        };
        Self {
            key_id: key.key_id.to_string(),
            key_material_id: key_material_id(version.id),
            key_material_description: version.description.clone(),
            import_state: external.then_some(match version.state {
                VersionState::PendingImport => ImportState::PendingImport,
                VersionState::Enabled | VersionState::Disabled => ImportState::Imported,
            }),
            key_material_state: state,
            expiration_model: external.then_some(match version.valid_to {
                Some(_) => ExpirationModel::KeyMaterialExpires,
                None => ExpirationModel::KeyMaterialDoesNotExpire,
            }),
            valid_to: version.valid_to.map(Timestamp),
            rotation_date: rotation_date.map(Timestamp),
            rotation_type,
        }
    }
}

impl Operation for ListKeyRotations {
    const NAME: OperationName = OperationName::ListKeyRotations;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(&input.key_id, StateRule::Any, &ROTATES))
    }
}

impl Use for ListKeyRotations {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let all = input.include_key_material == Some(IncludeKeyMaterial::AllKeyMaterial);
        let key = call.key(0);
        let listed = |version: &&KeyVersion| all || version.rotation.is_some();
        let versions = key.versions.iter().filter(listed);
        let entries = versions.map(|version| RotationsListEntry::new(key, version));
        let (rotations, next_marker) =
            page.of(entries.collect(), |entry| &entry.key_material_id)?;
        Ok(Output {
            rotations,
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
