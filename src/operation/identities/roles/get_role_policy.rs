//! GetRolePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{InlinePolicyName, RoleName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetRolePolicy;

input! {
    required {
        role_name: RoleName,
        policy_name: InlinePolicyName,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub role_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

impl Operation for GetRolePolicy {
    const NAME: OperationName = OperationName::GetRolePolicy;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Use for GetRolePolicy {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let role = Entity::Role(&input.role_name);
        let policy_document = inline_policies::get(role, &input.policy_name, call)?;
        Ok(Output {
            role_name: input.role_name.to_string(),
            policy_name: input.policy_name.to_string(),
            policy_document,
        })
    }
}
