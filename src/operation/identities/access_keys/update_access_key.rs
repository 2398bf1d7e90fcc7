//! UpdateAccessKey: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html>.

use super::{access_of_owner, lock_key, owner};
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{AccessKeyId, AccessKeyStatus, UserName};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct UpdateAccessKey;

input! {
    required {
        access_key_id: AccessKeyId,
        status: AccessKeyStatus,
    }
    optional {
        user_name: UserName,
    }
}

impl Operation for UpdateAccessKey {
    const NAME: OperationName = OperationName::UpdateAccessKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(access_of_owner(input.user_name.as_ref()))
    }
}

impl Change for UpdateAccessKey {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let owner = owner(input.user_name.as_ref(), call)?;
        let mut key = lock_key(&input.access_key_id, owner, tx).await?;
        key.enabled = match input.status {
            AccessKeyStatus::Active => true,
            AccessKeyStatus::Inactive => false,
        };
        tx.update_access_key(&key).await
    }
}
