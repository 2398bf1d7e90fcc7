//! TagRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{IdentityTags, RoleName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::tags;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct TagRole;

input! {
    required {
        role_name: RoleName,
        tags: IdentityTags,
    }
    optional {}
}

impl Operation for TagRole {
    const NAME: OperationName = OperationName::TagRole;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        tags::by_key(Some(&input.tags))?;
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Change for TagRole {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut role = Entity::Role(&input.role_name).of(call)?.clone();
        tags::add(&input.tags, &mut role)?;
        tx.update_identity(&role).await
    }
}
