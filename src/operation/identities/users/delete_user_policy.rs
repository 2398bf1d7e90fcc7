//! DeleteUserPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{InlinePolicyName, UserName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DeleteUserPolicy;

input! {
    required {
        user_name: UserName,
        policy_name: InlinePolicyName,
    }
    optional {}
}

impl Operation for DeleteUserPolicy {
    const NAME: OperationName = OperationName::DeleteUserPolicy;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::User(&input.user_name).access())
    }
}

impl Change for DeleteUserPolicy {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        inline_policies::delete(Entity::User(&input.user_name), &input.policy_name, call, tx).await
    }
}
