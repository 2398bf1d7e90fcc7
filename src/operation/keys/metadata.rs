//! `KeyMetadata`: what AWS shows of a key.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>.

use crate::model::key_material_id;
use crate::model::shapes::Timestamp;
use crate::model::{
    EncryptionAlgorithm, KeySpec, KeyState, KeyUsage, MacAlgorithm, Origin, SigningAlgorithm,
};
use crate::operation::authorized::arn_of;
use crate::operation::key_stores::state_of;
use crate::store::{Key, KeyStore};
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
    pub origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_key_store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_hsm_cluster_id: Option<String>,
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

impl KeyMetadata {
    /// Of a key, with the custom key store that has it, where one has.
    pub fn of(key: &Key, store: Option<&KeyStore>) -> Self {
        let state = state_of(key, store);
        let symmetric = key.spec == KeySpec::SymmetricDefault;
        Self {
            aws_account_id: key.account.to_string(),
            key_id: key.key_id.clone(),
            arn: arn_of(key),
            creation_date: Timestamp(key.created),
            enabled: state == KeyState::Enabled,
            description: key.description.clone(),
            key_usage: key.usage,
            key_state: state,
            deletion_date: key.deletion.map(Timestamp),
            origin: key.origin,
            custom_key_store_id: store.map(|store| store.id.clone()),
            cloud_hsm_cluster_id: store.map(|store| store.cluster.clone()),
            key_manager: "CUSTOMER",
            customer_master_key_spec: key.spec,
            key_spec: key.spec,
            encryption_algorithms: key.spec.encryption_algorithms(key.usage),
            signing_algorithms: key.spec.signing_algorithms(key.usage),
            mac_algorithms: key.spec.mac_algorithms(),
            multi_region: key.multi_region,
            current_key_material_id: symmetric.then(|| key_material_id(key.current_version)),
        }
    }
}
