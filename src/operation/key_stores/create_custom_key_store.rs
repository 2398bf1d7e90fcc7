//! CreateCustomKeyStore: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateCustomKeyStore.html>.
//!
//! `CloudHsmClusterId` is the name of a token in the gateway's configuration, and `KeyStorePassword` its
//! user PIN. The `TrustAnchorCertificate` is kept and shown, and has no meaning: what connects to a
//! token is its vendor's module, which has its own idea of trust.

use super::{check_cluster, password, refuse_external, refuse_type};
use crate::model::member::input;
use crate::model::shapes::{
    Account, CloudHsmClusterId, CustomKeyStoreName, CustomKeyStoreType, KeyStorePassword,
    TrustAnchorCertificate, XksProxyAuthenticationCredential, XksProxyConnectivity,
    XksProxyUriEndpoint, XksProxyUriPath, XksProxyVpcEndpointServiceName,
};
use crate::model::{ConnectionState, hex};
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange,
};
use crate::store::{KeyStore, Transaction};
use crate::{Error, ErrorCode};
use uuid::Uuid;

/// See the module.
pub struct CreateCustomKeyStore;

input! {
    required {
        custom_key_store_name: CustomKeyStoreName,
    }
    optional {
        cloud_hsm_cluster_id: CloudHsmClusterId,
        trust_anchor_certificate: TrustAnchorCertificate,
        key_store_password: KeyStorePassword,
        custom_key_store_type: CustomKeyStoreType,
        xks_proxy_uri_endpoint: XksProxyUriEndpoint,
        xks_proxy_uri_path: XksProxyUriPath,
        xks_proxy_vpc_endpoint_service_name: XksProxyVpcEndpointServiceName,
        xks_proxy_vpc_endpoint_service_owner: Account,
        xks_proxy_authentication_credential: XksProxyAuthenticationCredential,
        xks_proxy_connectivity: XksProxyConnectivity,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub custom_key_store_id: String,
}

/// The id, and the password wrapped for it.
#[allow(missing_docs)]
pub struct Wrapped {
    pub id: String,
    pub password: Vec<u8>,
}

/// What AWS requires of this type of key store, though its model does not.
struct Required<'i> {
    cluster: &'i str,
    certificate: &'i str,
    password: &'i KeyStorePassword,
}

fn required(input: &Input) -> Result<Required<'_>, Error> {
    let missing = |name: &str| {
        let message = format!("{name} is required for a custom key store of type AWS_CLOUDHSM.");
        Error::new(ErrorCode::Validation, message)
    };
    let cluster = input.cloud_hsm_cluster_id.as_ref();
    let certificate = input.trust_anchor_certificate.as_ref();
    let password = input.key_store_password.as_ref();
    Ok(Required {
        cluster: &cluster.ok_or_else(|| missing("CloudHsmClusterId"))?.0,
        certificate: certificate.ok_or_else(|| missing("TrustAnchorCertificate"))?,
        password: password.ok_or_else(|| missing("KeyStorePassword"))?,
    })
}

impl Operation for CreateCustomKeyStore {
    const NAME: OperationName = OperationName::CreateCustomKeyStore;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_type(input.custom_key_store_type)?;
        refuse_external!(input);
        required(input)?;
        Ok(Access::account())
    }
}

impl TokenChange for CreateCustomKeyStore {
    type Prepared = Wrapped;

    async fn prepare(
        input: &Input,
        _: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Wrapped, Error> {
        let Required {
            cluster, password, ..
        } = required(input)?;
        let account = &request.principal.account;
        check_cluster(cx, cluster, account)?;
        // As AWS's: `cks-` and 17 hexadecimal digits.
        let digits = hex::encode(Uuid::new_v4().as_bytes());
        let id = format!("cks-{}", &digits[..17]);
        let of = (account, id.as_str());
        let password = password::seal(cx, of, &password.0).await?;
        Ok(Wrapped { id, password })
    }

    async fn apply(
        input: &Input,
        wrapped: &Wrapped,
        _: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let Required {
            cluster,
            certificate,
            ..
        } = required(input)?;
        let store = KeyStore {
            row: Uuid::new_v4(),
            row_version: 1,
            account: request.principal.account.clone(),
            region: request.region.clone(),
            id: wrapped.id.clone(),
            certificate: certificate.to_owned(),
            created: cx.clock.now(),
            name: input.custom_key_store_name.to_string(),
            cluster: cluster.to_owned(),
            wrapped_password: wrapped.password.clone(),
            password_tried: false,
            state: ConnectionState::Disconnected,
            error: None,
            connection: Uuid::nil(),
            connector: Uuid::nil(),
            token_serial: None,
        };
        tx.insert_key_store(&store).await?;
        Ok(Output {
            custom_key_store_id: store.id,
        })
    }
}
