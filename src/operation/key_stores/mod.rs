//! Custom key stores: other tokens of the configuration, each with the PIN that a caller gave for it.
//!
//! A store's row says whether it is to be used. Every gateway follows it: `worker::key_stores` opens
//! and closes the tokens, [`connection`] is what follows ConnectCustomKeyStore.

pub mod connect_custom_key_store;
pub mod connection;
pub mod create_custom_key_store;
pub mod delete_custom_key_store;
pub mod describe_custom_key_stores;
pub mod disconnect_custom_key_store;
pub(super) mod password;
pub mod update_custom_key_store;

use crate::model::{AccountId, ConnectionState, CustomKeyStoreType, KeyState};
use crate::operation::Context;
use crate::store::{Key, KeyStore};
use crate::{Error, ErrorCode};

/// AWS's answer of these operations: an object with nothing in it.
#[derive(serde::Serialize)]
pub struct Empty {}

/// A key's state as callers see it: that of its record, but `Unavailable` while the custom key store
/// that has it is not connected. One that is pending deletion stays so.
pub fn state_of(key: &Key, store: Option<&KeyStore>) -> KeyState {
    match (key.state, store) {
        (KeyState::Enabled | KeyState::Disabled, Some(store))
            if store.state != ConnectionState::Connected =>
        {
            KeyState::Unavailable
        }
        (state, _) => state,
    }
}

/// Refuses the members that only an external key store has: an early return of
/// `UnsupportedOperationException`.
macro_rules! refuse_external {
    ($input:expr) => {
        for (present, name) in [
            (
                $input.xks_proxy_uri_endpoint.is_some(),
                "XksProxyUriEndpoint",
            ),
            ($input.xks_proxy_uri_path.is_some(), "XksProxyUriPath"),
            (
                $input.xks_proxy_vpc_endpoint_service_name.is_some(),
                "XksProxyVpcEndpointServiceName",
            ),
            (
                $input.xks_proxy_vpc_endpoint_service_owner.is_some(),
                "XksProxyVpcEndpointServiceOwner",
            ),
            (
                $input.xks_proxy_authentication_credential.is_some(),
                "XksProxyAuthenticationCredential",
            ),
            (
                $input.xks_proxy_connectivity.is_some(),
                "XksProxyConnectivity",
            ),
        ] {
            if present {
                return Err($crate::operation::key_stores::unsupported(name));
            }
        }
    };
}
use refuse_external;

/// Refuses the other type of custom key store.
///
/// # Errors
/// `UnsupportedOperationException`.
fn refuse_type(kind: Option<CustomKeyStoreType>) -> Result<(), Error> {
    match kind {
        None | Some(CustomKeyStoreType::AwsCloudHsm) => Ok(()),
        Some(CustomKeyStoreType::ExternalKeyStore) => Err(unsupported("EXTERNAL_KEY_STORE")),
    }
}

fn unsupported(what: &str) -> Error {
    let message =
        format!("{what} is not supported: a custom key store of this gateway is a PKCS#11 token.");
    Error::new(ErrorCode::UnsupportedOperation, message)
}

/// # Errors
/// `CloudHsmClusterNotFoundException` if the configuration has no token of this name for the account.
fn check_cluster(cx: &Context, id: &str, account: &AccountId) -> Result<(), Error> {
    if cx.tokens.cluster(id, account).is_some() {
        return Ok(());
    }
    let message = format!(
        "Cannot find the cluster {id}: the gateway's configuration has none for the account."
    );
    Err(Error::new(ErrorCode::CloudHsmClusterNotFound, message))
}
