//! PutUserPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{InlinePolicyName, Policy, UserName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct PutUserPolicy;

input! {
    required {
        user_name: UserName,
        policy_name: InlinePolicyName,
        policy_document: Policy,
    }
    optional {}
}

impl Operation for PutUserPolicy {
    const NAME: OperationName = OperationName::PutUserPolicy;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        inline_policies::check_document(&input.policy_document)?;
        Ok(Entity::User(&input.user_name).access())
    }
}

impl Change for PutUserPolicy {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let policy = (&input.policy_name, &input.policy_document);
        inline_policies::put(Entity::User(&input.user_name), policy, call, tx).await
    }
}
