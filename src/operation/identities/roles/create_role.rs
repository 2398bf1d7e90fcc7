//! CreateRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.

use super::RoleDetail;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{
    Arn, Description, IdentityPath, IdentityTags, MaxSessionDuration, Policy, RoleName,
};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::{inline_policies, refuse, tags, unique_id};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Identity, Transaction};

/// See the module.
pub struct CreateRole;

input! {
    required {
        role_name: RoleName,
        assume_role_policy_document: Policy,
    }
    optional {
        path: IdentityPath,
        description: Description,
        max_session_duration: MaxSessionDuration,
        permissions_boundary: Arn,
        tags: IdentityTags,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub role: RoleDetail,
}

impl Operation for CreateRole {
    const NAME: OperationName = OperationName::CreateRole;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        tags::by_key(input.tags.as_ref())?;
        refuse(
            input.path.as_ref(),
            input.permissions_boundary.as_ref(),
            input.description.as_ref(),
        )?;
        inline_policies::check_trust(&input.assume_role_policy_document)?;
        Ok(Entity::Role(&input.role_name).creation(input.tags.as_ref()))
    }
}

/// The longest session where the caller names none.
const HOUR: i64 = 3600;

impl Change for CreateRole {
    async fn apply(
        input: &Input,
        _: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Output, Error> {
        let tags = tags::by_key(input.tags.as_ref())?;
        let (account, created) = (&request.principal.account, tx.now().await?);
        let seconds = input.max_session_duration.map_or(HOUR, i64::from);
        let entity = Entity::Role(&input.role_name);
        let role = Identity {
            trust: Some(input.assume_role_policy_document.to_string()),
            max_session_seconds: i32::try_from(seconds).ok(),
            ..entity.made(account, unique_id("AROA"), tags, created)
        };
        tx.insert_identity(&role).await?;
        Ok(Output {
            role: RoleDetail::from(&role),
        })
    }
}
