//! TagUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{IdentityTags, UserName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::tags;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct TagUser;

input! {
    required {
        user_name: UserName,
        tags: IdentityTags,
    }
    optional {}
}

impl Operation for TagUser {
    const NAME: OperationName = OperationName::TagUser;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        tags::by_key(Some(&input.tags))?;
        Ok(Entity::User(&input.user_name).access())
    }
}

impl Change for TagUser {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut user = Entity::User(&input.user_name).of(call)?.clone();
        tags::add(&input.tags, &mut user)?;
        tx.update_identity(&user).await
    }
}
