//! DeleteRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::RoleName;
use crate::operation::identities::conflict;
use crate::operation::identities::entity::Entity;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DeleteRole;

input! {
    required {
        role_name: RoleName,
    }
    optional {}
}

impl Operation for DeleteRole {
    const NAME: OperationName = OperationName::DeleteRole;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Change for DeleteRole {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let role = Entity::Role(&input.role_name).of(call)?;
        if !role.policies.is_empty() {
            return Err(conflict("policies"));
        }
        tx.delete_identity(role).await
    }
}
