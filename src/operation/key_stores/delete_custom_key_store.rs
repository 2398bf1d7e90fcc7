//! DeleteCustomKeyStore: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteCustomKeyStore.html>.

use super::Empty;
use crate::Error;
use crate::model::key_store::StoreRule;
use crate::model::member::input;
use crate::model::shapes::CustomKeyStoreId;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DeleteCustomKeyStore;

input! {
    required {
        custom_key_store_id: CustomKeyStoreId,
    }
    optional {}
}

impl Operation for DeleteCustomKeyStore {
    const NAME: OperationName = OperationName::DeleteCustomKeyStore;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Empty;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::store(
            &input.custom_key_store_id,
            StoreRule::Disconnected,
        ))
    }
}

impl Change for DeleteCustomKeyStore {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Empty, Error> {
        tx.delete_key_store(call.one_store()?).await?;
        Ok(Empty {})
    }
}
