//! UpdateCustomKeyStore: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateCustomKeyStore.html>.
//!
//! A related cluster is another name of the same token in the configuration: a key store is for ever on
//! the token that it was first connected to, which every connection checks.

use super::{Empty, check_cluster, connection, password, refuse_external};
use crate::model::key_store::StoreRule;
use crate::model::member::input;
use crate::model::shapes::{
    Account, CloudHsmClusterId, CustomKeyStoreId, CustomKeyStoreName, KeyStorePassword,
    XksProxyAuthenticationCredential, XksProxyConnectivity, XksProxyUriEndpoint, XksProxyUriPath,
    XksProxyVpcEndpointServiceName,
};
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange,
};
use crate::store::{KeyStore, Transaction};
use crate::token::TokenSelector;
use crate::{Error, ErrorCode};

/// See the module.
pub struct UpdateCustomKeyStore;

input! {
    required {
        custom_key_store_id: CustomKeyStoreId,
    }
    optional {
        new_custom_key_store_name: CustomKeyStoreName,
        key_store_password: KeyStorePassword,
        cloud_hsm_cluster_id: CloudHsmClusterId,
        xks_proxy_uri_endpoint: XksProxyUriEndpoint,
        xks_proxy_uri_path: XksProxyUriPath,
        xks_proxy_vpc_endpoint_service_name: XksProxyVpcEndpointServiceName,
        xks_proxy_vpc_endpoint_service_owner: Account,
        xks_proxy_authentication_credential: XksProxyAuthenticationCredential,
        xks_proxy_connectivity: XksProxyConnectivity,
    }
}

impl Operation for UpdateCustomKeyStore {
    const NAME: OperationName = OperationName::UpdateCustomKeyStore;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Empty;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_external!(input);
        let name_alone = input.key_store_password.is_none() && input.cloud_hsm_cluster_id.is_none();
        let state = if name_alone {
            StoreRule::Settled
        } else {
            StoreRule::Disconnected
        };
        Ok(Access::store(&input.custom_key_store_id, state))
    }
}

impl TokenChange for UpdateCustomKeyStore {
    /// The new password, wrapped.
    type Prepared = Option<Vec<u8>>;

    async fn prepare(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Option<Vec<u8>>, Error> {
        let store = call.one_store()?;
        if let Some(cluster) = &input.cloud_hsm_cluster_id {
            check_cluster(cx, &cluster.0, &store.account)?;
            check_related(cx, store, &cluster.0)?;
        }
        let Some(password) = &input.key_store_password else {
            return Ok(None);
        };
        let of = (&store.account, store.id.as_str());
        password::seal(cx, of, &password.0).await.map(Some)
    }

    async fn apply(
        input: &Input,
        password: &Option<Vec<u8>>,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Empty, Error> {
        let mut store = call.one_store()?.clone();
        if let Some(name) = &input.new_custom_key_store_name {
            store.name = name.to_string();
        }
        if let Some(cluster) = &input.cloud_hsm_cluster_id {
            store.cluster.clone_from(&cluster.0);
        }
        if let Some(password) = password {
            store.wrapped_password.clone_from(password);
            store.password_tried = false;
        }
        tx.update_key_store(&store, connection::PATIENCE).await?;
        Ok(Empty {})
    }
}

/// # Errors
/// `CloudHsmClusterNotRelatedException` if the cluster is known to be another token.
fn check_related(cx: &Context, store: &KeyStore, cluster: &str) -> Result<(), Error> {
    let select = cx.tokens.cluster(cluster, &store.account);
    let select = select.map(|config| &config.select);
    match (select, &store.token_serial) {
        (Some(TokenSelector::Serial(other)), Some(serial)) if other != serial => {
            let message = format!("{cluster} is another token than that of {}.", store.id);
            Err(Error::new(ErrorCode::CloudHsmClusterNotRelated, message))
        }
        _ => Ok(()),
    }
}
