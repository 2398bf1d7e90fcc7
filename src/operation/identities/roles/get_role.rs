//! GetRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>.

use super::RoleDetail;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::RoleName;
use crate::operation::identities::entity::Entity;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetRole;

input! {
    required {
        role_name: RoleName,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub role: RoleDetail,
}

impl Operation for GetRole {
    const NAME: OperationName = OperationName::GetRole;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Use for GetRole {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let role = Entity::Role(&input.role_name).of(call)?;
        Ok(Output {
            role: RoleDetail::from(role),
        })
    }
}
