//! DeleteUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::UserName;
use crate::operation::identities::conflict;
use crate::operation::identities::entity::Entity;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DeleteUser;

input! {
    required {
        user_name: UserName,
    }
    optional {}
}

impl Operation for DeleteUser {
    const NAME: OperationName = OperationName::DeleteUser;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::User(&input.user_name).access())
    }
}

impl Change for DeleteUser {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let user = Entity::User(&input.user_name).of(call)?;
        if !tx.access_keys_of(&user.arn).await?.is_empty() {
            return Err(conflict("access keys"));
        }
        if !user.policies.is_empty() {
            return Err(conflict("policies"));
        }
        tx.delete_identity(user).await
    }
}
