//! UpdateAssumeRolePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Policy, RoleName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct UpdateAssumeRolePolicy;

input! {
    required {
        role_name: RoleName,
        policy_document: Policy,
    }
    optional {}
}

impl Operation for UpdateAssumeRolePolicy {
    const NAME: OperationName = OperationName::UpdateAssumeRolePolicy;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        inline_policies::check_trust(&input.policy_document)?;
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Change for UpdateAssumeRolePolicy {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut role = Entity::Role(&input.role_name).of(call)?.clone();
        role.trust = Some(input.policy_document.to_string());
        tx.update_identity(&role).await
    }
}
