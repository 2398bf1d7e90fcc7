//! DescribeCustomKeyStores: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeCustomKeyStores.html>.

use crate::model::key_store::StoreRule;
use crate::model::member::input;
use crate::model::shapes::{CustomKeyStoreId, CustomKeyStoreName, Limit, Marker, Timestamp};
use crate::model::{ConnectionErrorCode, ConnectionState, CustomKeyStoreType};
use crate::operation::page::{DEFAULT_LIMIT, Page};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::store::KeyStore;
use crate::{Error, ErrorCode};

/// See the module.
pub struct DescribeCustomKeyStores;

input! {
    required {}
    optional {
        custom_key_store_id: CustomKeyStoreId,
        custom_key_store_name: CustomKeyStoreName,
        limit: Limit,
        marker: Marker,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub custom_key_stores: Vec<CustomKeyStoresListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

/// One custom key store.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CustomKeyStoresListEntry {
    pub custom_key_store_id: String,
    pub custom_key_store_name: String,
    pub cloud_hsm_cluster_id: String,
    pub trust_anchor_certificate: String,
    pub connection_state: ConnectionState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_error_code: Option<ConnectionErrorCode>,
    pub creation_date: Timestamp,
    pub custom_key_store_type: CustomKeyStoreType,
}

impl From<&KeyStore> for CustomKeyStoresListEntry {
    fn from(store: &KeyStore) -> Self {
        Self {
            custom_key_store_id: store.id.clone(),
            custom_key_store_name: store.name.clone(),
            cloud_hsm_cluster_id: store.cluster.clone(),
            trust_anchor_certificate: store.certificate.clone(),
            connection_state: store.state,
            connection_error_code: store.error,
            creation_date: Timestamp(store.created),
            custom_key_store_type: CustomKeyStoreType::AwsCloudHsm,
        }
    }
}

impl Operation for DescribeCustomKeyStores {
    const NAME: OperationName = OperationName::DescribeCustomKeyStores;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        if input.custom_key_store_id.is_some() && input.custom_key_store_name.is_some() {
            let message = "Specify either CustomKeyStoreId or CustomKeyStoreName, not both.";
            return Err(Error::new(ErrorCode::Validation, message));
        }
        Ok(match &input.custom_key_store_id {
            Some(id) => Access::store(id, StoreRule::Any),
            None => Access::account(),
        })
    }
}

impl Use for DescribeCustomKeyStores {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        if let Some(store) = call.key_store() {
            return Ok(Output {
                custom_key_stores: vec![CustomKeyStoresListEntry::from(&**store)],
                next_marker: None,
                truncated: false,
            });
        }
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let (account, region) = (&request.principal.account, &request.region);
        let name = input.custom_key_store_name.as_deref();
        let after = page.after.as_deref();
        let mut stores = cx
            .store
            .list_key_stores(account, region, name, after, page.limit + 1)
            .await?;
        if let (Some(name), true) = (name, stores.is_empty()) {
            let message = format!("Custom key store {name} does not exist.");
            return Err(Error::new(ErrorCode::CustomKeyStoreNotFound, message));
        }
        let next_marker = page.cut(&mut stores, |store| &store.id);
        Ok(Output {
            custom_key_stores: stores.iter().map(Into::into).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
