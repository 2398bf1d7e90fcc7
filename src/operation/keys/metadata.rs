//! `KeyMetadata`: what AWS shows of a key.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>.

use crate::model::key_material_id;
use crate::model::shapes::{ExpirationModel, Timestamp};
use crate::model::{
    EncryptionAlgorithm, KeySpec, KeyState, KeyUsage, MacAlgorithm, Origin, SigningAlgorithm,
};
use crate::operation::authorized::arn_of;
use crate::store::{Key, KeyVersion};
use serde::Serialize;

/// See the module.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    pub aws_account_id: String,
    pub key_id: String,
    pub arn: String,
    pub creation_date: Timestamp,
    pub enabled: bool,
    pub description: String,
    pub key_usage: KeyUsage,
    pub key_state: KeyState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Timestamp>,
    pub origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_model: Option<ExpirationModel>,
    pub key_manager: &'static str,
    pub customer_master_key_spec: KeySpec,
    pub key_spec: KeySpec,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encryption_algorithms: &'static [EncryptionAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub signing_algorithms: &'static [SigningAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub mac_algorithms: &'static [MacAlgorithm],
    pub multi_region: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_key_material_id: Option<String>,
}

impl From<&Key> for KeyMetadata {
    fn from(key: &Key) -> Self {
        let current = key.version(key.current_version);
        // Material that was never imported has no name yet.
        let named = key.spec == KeySpec::SymmetricDefault
            && (key.origin != Origin::External || current.is_some_and(KeyVersion::is_settled));
        let valid_to = key
            .in_service()
            .filter_map(|version| version.valid_to)
            .min();
        let imported = key.origin == Origin::External && !key.awaits_import();
        Self {
            aws_account_id: key.account.to_string(),
            key_id: key.key_id.clone(),
            arn: arn_of(key),
            creation_date: Timestamp(key.created),
            enabled: key.state == KeyState::Enabled,
            description: key.description.clone(),
            key_usage: key.usage,
            key_state: key.state,
            deletion_date: key.deletion.map(Timestamp),
            valid_to: valid_to.map(Timestamp),
            origin: key.origin,
            expiration_model: imported.then_some(match valid_to {
                Some(_) => ExpirationModel::KeyMaterialExpires,
                None => ExpirationModel::KeyMaterialDoesNotExpire,
            }),
            key_manager: "CUSTOMER",
            customer_master_key_spec: key.spec,
            key_spec: key.spec,
            encryption_algorithms: key.spec.encryption_algorithms(key.usage),
            signing_algorithms: key.spec.signing_algorithms(key.usage),
            mac_algorithms: key.spec.mac_algorithms(),
            multi_region: key.multi_region,
            current_key_material_id: named.then(|| key_material_id(key.current_version)),
        }
    }
}
