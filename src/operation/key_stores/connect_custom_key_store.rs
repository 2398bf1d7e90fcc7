//! ConnectCustomKeyStore: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ConnectCustomKeyStore.html>.
//!
//! Answers once the row says `CONNECTING`; this gateway then opens the token and says in the row what
//! came of it. One that is connected or being connected already stays as it is.

use super::{Empty, connection};
use crate::Error;
use crate::model::ConnectionState;
use crate::model::key_store::StoreRule;
use crate::model::member::input;
use crate::model::shapes::CustomKeyStoreId;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{KeyStore, Transaction};
use uuid::Uuid;

/// See the module.
pub struct ConnectCustomKeyStore;

input! {
    required {
        custom_key_store_id: CustomKeyStoreId,
    }
    optional {}
}

impl Operation for ConnectCustomKeyStore {
    const NAME: OperationName = OperationName::ConnectCustomKeyStore;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Empty;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::store(
            &input.custom_key_store_id,
            StoreRule::Connectable,
        ))
    }
}

impl Change for ConnectCustomKeyStore {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Empty, Error> {
        let store = call.one_store()?;
        if store.state == ConnectionState::Disconnected {
            if !store.password_tried {
                tx.count_password_try(&store.account).await?;
            }
            let connecting = KeyStore {
                state: ConnectionState::Connecting,
                error: None,
                connection: Uuid::new_v4(),
                connector: cx.gateway,
                ..store.clone()
            };
            tx.update_key_store(&connecting, connection::PATIENCE)
                .await?;
        }
        Ok(Empty {})
    }
}
