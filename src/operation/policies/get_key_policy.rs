//! GetKeyPolicy: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>.

use super::{DEFAULT, check_name};
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, PolicyName};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetKeyPolicy;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        policy_name: PolicyName,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub policy: String,
    pub policy_name: &'static str,
}

impl Operation for GetKeyPolicy {
    const NAME: OperationName = OperationName::GetKeyPolicy;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Use for GetKeyPolicy {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        check_name(input.policy_name.as_ref())?;
        Ok(Output {
            policy: call.key(0).policy.to_string(),
            policy_name: DEFAULT,
        })
    }
}
