//! PutRolePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{InlinePolicyName, Policy, RoleName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct PutRolePolicy;

input! {
    required {
        role_name: RoleName,
        policy_name: InlinePolicyName,
        policy_document: Policy,
    }
    optional {}
}

impl Operation for PutRolePolicy {
    const NAME: OperationName = OperationName::PutRolePolicy;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        inline_policies::check_document(&input.policy_document)?;
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Change for PutRolePolicy {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let policy = (&input.policy_name, &input.policy_document);
        inline_policies::put(Entity::Role(&input.role_name), policy, call, tx).await
    }
}
