//! GetCallerIdentity: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.

use crate::Error;
use crate::model::member::input;
use crate::operation::access::Subject;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetCallerIdentity;

input! {
    required {}
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub arn: String,
    pub user_id: String,
    pub account: String,
}

impl Operation for GetCallerIdentity {
    const NAME: OperationName = OperationName::GetCallerIdentity;
    type Input = Input;
    type Output = Output;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::about(Subject::Open))
    }
}

impl Use for GetCallerIdentity {
    async fn execute(
        _: &Input,
        _: &Authorized<Self>,
        request: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let caller = &request.principal;
        Ok(Output {
            arn: caller.arn.clone(),
            user_id: caller.user_id.clone(),
            account: caller.account.to_string(),
        })
    }
}
