//! UntagUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{TagKeys, UserName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::tags;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct UntagUser;

input! {
    required {
        user_name: UserName,
        tag_keys: TagKeys,
    }
    optional {}
}

impl Operation for UntagUser {
    const NAME: OperationName = OperationName::UntagUser;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        tags::check_keys(&input.tag_keys)?;
        Ok(Entity::User(&input.user_name).access())
    }
}

impl Change for UntagUser {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut user = Entity::User(&input.user_name).of(call)?.clone();
        tags::remove_all(&input.tag_keys, &mut user);
        tx.update_identity(&user).await
    }
}
