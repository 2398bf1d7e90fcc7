//! PutKeyPolicy: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>.

use super::{check, check_lockout, check_name};
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{Flag, KeyId, Policy, PolicyName};
use crate::operation::authorized::arn_of;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};
use crate::{Error, ErrorCode};

/// See the module.
pub struct PutKeyPolicy;

input! {
    required {
        key_id: KeyId,
        policy: Policy,
    }
    optional {
        policy_name: PolicyName,
        bypass_policy_lockout_safety_check: Flag,
    }
}

impl Operation for PutKeyPolicy {
    const NAME: OperationName = OperationName::PutKeyPolicy;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        if input.policy_name.as_deref() == Some("AWS_RAM") {
            let message = "The AWS_RAM policy can only be managed by the RAM service";
            return Err(Error::new(ErrorCode::Validation, message));
        }
        check_name(input.policy_name.as_ref())?;
        check(Some(&input.policy))?;
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Change for PutKeyPolicy {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let (key, caller) = (call.key(0), &request.principal);
        let bypass = input.bypass_policy_lockout_safety_check;
        check_lockout(
            Some(&input.policy),
            bypass,
            caller,
            call.policies(),
            &arn_of(key),
        )?;
        let mut key = Key::clone(key);
        key.policy = (*input.policy).into();
        tx.update_key(&key).await
    }
}
