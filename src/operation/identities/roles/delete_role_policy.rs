//! DeleteRolePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePolicy.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{InlinePolicyName, RoleName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DeleteRolePolicy;

input! {
    required {
        role_name: RoleName,
        policy_name: InlinePolicyName,
    }
    optional {}
}

impl Operation for DeleteRolePolicy {
    const NAME: OperationName = OperationName::DeleteRolePolicy;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Change for DeleteRolePolicy {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        inline_policies::delete(Entity::Role(&input.role_name), &input.policy_name, call, tx).await
    }
}
