//! GetUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>.

use super::UserDetail;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::UserName;
use crate::operation::identities::access_keys::{access_of_owner, owner};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetUser;

input! {
    required {}
    optional {
        user_name: UserName,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub user: UserDetail,
}

impl Operation for GetUser {
    const NAME: OperationName = OperationName::GetUser;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(access_of_owner(input.user_name.as_ref()))
    }
}

impl Use for GetUser {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let user = owner(input.user_name.as_ref(), call)?;
        Ok(Output {
            user: UserDetail::from(user),
        })
    }
}
