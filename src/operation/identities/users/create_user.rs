//! CreateUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>.

use super::UserDetail;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Arn, IdentityPath, IdentityTags, UserName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::{refuse, tags, unique_id};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct CreateUser;

input! {
    required {
        user_name: UserName,
    }
    optional {
        path: IdentityPath,
        permissions_boundary: Arn,
        tags: IdentityTags,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub user: UserDetail,
}

impl Operation for CreateUser {
    const NAME: OperationName = OperationName::CreateUser;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        tags::by_key(input.tags.as_ref())?;
        refuse(
            input.path.as_ref(),
            input.permissions_boundary.as_ref(),
            None,
        )?;
        Ok(Entity::User(&input.user_name).creation(input.tags.as_ref()))
    }
}

impl Change for CreateUser {
    async fn apply(
        input: &Input,
        _: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Output, Error> {
        let tags = tags::by_key(input.tags.as_ref())?;
        let (account, created) = (&request.principal.account, tx.now().await?);
        let entity = Entity::User(&input.user_name);
        let user = entity.made(account, unique_id("AIDA"), tags, created);
        tx.insert_identity(&user).await?;
        Ok(Output {
            user: UserDetail::from(&user),
        })
    }
}
