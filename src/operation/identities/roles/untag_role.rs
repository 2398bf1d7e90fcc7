//! UntagRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{RoleName, TagKeys};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::tags;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct UntagRole;

input! {
    required {
        role_name: RoleName,
        tag_keys: TagKeys,
    }
    optional {}
}

impl Operation for UntagRole {
    const NAME: OperationName = OperationName::UntagRole;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        tags::check_keys(&input.tag_keys)?;
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Change for UntagRole {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut role = Entity::Role(&input.role_name).of(call)?.clone();
        tags::remove_all(&input.tag_keys, &mut role);
        tx.update_identity(&role).await
    }
}
