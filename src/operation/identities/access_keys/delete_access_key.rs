//! DeleteAccessKey: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>.

use super::{access_of_owner, lock_key, owner};
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{AccessKeyId, UserName};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DeleteAccessKey;

input! {
    required {
        access_key_id: AccessKeyId,
    }
    optional {
        user_name: UserName,
    }
}

impl Operation for DeleteAccessKey {
    const NAME: OperationName = OperationName::DeleteAccessKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(access_of_owner(input.user_name.as_ref()))
    }
}

impl Change for DeleteAccessKey {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let owner = owner(input.user_name.as_ref(), call)?;
        let key = lock_key(&input.access_key_id, owner, tx).await?;
        tx.delete_access_key(&key).await
    }
}
