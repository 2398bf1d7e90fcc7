//! DisconnectCustomKeyStore: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisconnectCustomKeyStore.html>.
//!
//! From here on its keys are `Unavailable`, also for what is under way; each gateway closes the token
//! as soon as it sees it.

use super::{Empty, connection};
use crate::Error;
use crate::model::ConnectionState;
use crate::model::key_store::StoreRule;
use crate::model::member::input;
use crate::model::shapes::CustomKeyStoreId;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{KeyStore, Transaction};

/// See the module.
pub struct DisconnectCustomKeyStore;

input! {
    required {
        custom_key_store_id: CustomKeyStoreId,
    }
    optional {}
}

impl Operation for DisconnectCustomKeyStore {
    const NAME: OperationName = OperationName::DisconnectCustomKeyStore;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Empty;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::store(
            &input.custom_key_store_id,
            StoreRule::Disconnectable,
        ))
    }
}

impl Change for DisconnectCustomKeyStore {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Empty, Error> {
        let disconnected = KeyStore {
            state: ConnectionState::Disconnected,
            error: None,
            ..call.one_store()?.clone()
        };
        tx.update_key_store(&disconnected, connection::PATIENCE)
            .await?;
        Ok(Empty {})
    }
}
