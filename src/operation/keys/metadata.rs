//! `KeyMetadata`: what AWS shows of a key.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>.

use crate::model::arn::key_arn;
use crate::model::key_material_id;
use crate::model::shapes::{ExpirationModel, MultiRegionKeyType, Timestamp};
use crate::model::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeySpec, KeyState,
    KeyUsage, MacAlgorithm, Origin, Region, SigningAlgorithm,
};
use crate::operation::authorized::arn_of;
use crate::operation::key_stores::state_of;
use crate::store::{Key, KeyStore, KeyVersion};
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
    pub custom_key_store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_hsm_cluster_id: Option<String>,
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
    pub key_agreement_algorithms: &'static [KeyAgreementAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encapsulation_algorithms: &'static [EncapsulationAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub mac_algorithms: &'static [MacAlgorithm],
    pub multi_region: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region_configuration: Option<MultiRegionConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_deletion_window_in_days: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_key_material_id: Option<String>,
    /// Not AWS's: the current version is an object that was on the token before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strongroom_adopted: bool,
}

/// `MultiRegionConfiguration`: the primary and the replicas, the key itself among them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct MultiRegionConfiguration {
    pub multi_region_key_type: MultiRegionKeyType,
    pub primary_key: MultiRegionKey,
    pub replica_keys: Vec<MultiRegionKey>,
}

/// `MultiRegionKey`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct MultiRegionKey {
    pub arn: String,
    pub region: String,
}

impl MultiRegionConfiguration {
    /// `None` for a single-Region key.
    fn of(key: &Key, regions: &[Region]) -> Option<Self> {
        let primary = key.primary_region.as_ref()?;
        let in_region = |region: &Region| MultiRegionKey {
            arn: key_arn(&key.account, region, &key.key_id),
            region: region.to_string(),
        };
        let replicas = regions.iter().filter(|region| *region != primary);
        Some(Self {
            multi_region_key_type: match key.is_primary() {
                true => MultiRegionKeyType::Primary,
                false => MultiRegionKeyType::Replica,
            },
            primary_key: in_region(primary),
            replica_keys: replicas.map(in_region).collect(),
        })
    }
}

/// A key that is in its own Region alone, as it is when it was just made.
impl From<&Key> for KeyMetadata {
    fn from(key: &Key) -> Self {
        Self::of(key, std::slice::from_ref(&key.region))
    }
}

impl KeyMetadata {
    /// With the Regions that have the key.
    pub fn of(key: &Key, regions: &[Region]) -> Self {
        let current = key.version(key.current_version);
        // Material that was never imported has no name yet, and that of a custom key store never one.
        let named = key.spec == KeySpec::SymmetricDefault
            && match key.origin {
                Origin::External => current.is_some_and(KeyVersion::is_settled),
                origin => origin == Origin::AwsKms,
            };
        let valid_to = key
            .in_service()
            .filter_map(|version| version.valid_to)
            .min();
        let imported = key.origin == Origin::External && !key.awaits_import();
        Self {
            aws_account_id: key.account.to_string(),
            key_id: key.key_id.to_string(),
            arn: arn_of(key),
            creation_date: Timestamp(key.created.time()),
            enabled: key.state == KeyState::Enabled,
            description: key.description.clone(),
            key_usage: key.usage,
            key_state: key.state,
            deletion_date: key.deletion.map(Timestamp),
            valid_to: valid_to.map(Timestamp),
            origin: key.origin,
            custom_key_store_id: None,
            cloud_hsm_cluster_id: None,
            expiration_model: imported.then_some(match valid_to {
                Some(_) => ExpirationModel::KeyMaterialExpires,
                None => ExpirationModel::KeyMaterialDoesNotExpire,
            }),
            key_manager: "CUSTOMER",
            customer_master_key_spec: key.spec,
            key_spec: key.spec,
            encryption_algorithms: key.spec.encryption_algorithms(key.usage),
            signing_algorithms: key.spec.signing_algorithms(key.usage),
            key_agreement_algorithms: key.spec.key_agreement_algorithms(key.usage),
            encapsulation_algorithms: key.spec.encapsulation_algorithms(key.usage),
            mac_algorithms: key.spec.mac_algorithms(),
            multi_region: key.multi_region,
            multi_region_configuration: MultiRegionConfiguration::of(key, regions),
            pending_deletion_window_in_days: key.pending_days,
            current_key_material_id: named.then(|| key_material_id(key.current_version)),
            strongroom_adopted: current.is_some_and(KeyVersion::is_adopted),
        }
    }

    /// With the custom key store that has the key, where one has.
    #[must_use]
    pub fn in_store(self, key: &Key, store: Option<&KeyStore>) -> Self {
        let state = state_of(key, store);
        Self {
            enabled: state == KeyState::Enabled,
            key_state: state,
            custom_key_store_id: store.map(|store| store.id.clone()),
            cloud_hsm_cluster_id: store.map(|store| store.cluster.clone()),
            ..self
        }
    }
}
