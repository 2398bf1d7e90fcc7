//! GetUserPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{InlinePolicyName, UserName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetUserPolicy;

input! {
    required {
        user_name: UserName,
        policy_name: InlinePolicyName,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub user_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

impl Operation for GetUserPolicy {
    const NAME: OperationName = OperationName::GetUserPolicy;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::User(&input.user_name).access())
    }
}

impl Use for GetUserPolicy {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let user = Entity::User(&input.user_name);
        let policy_document = inline_policies::get(user, &input.policy_name, call)?;
        Ok(Output {
            user_name: input.user_name.to_string(),
            policy_name: input.policy_name.to_string(),
            policy_document,
        })
    }
}
