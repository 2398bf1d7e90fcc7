//! RetireGrant: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>.

use super::invalid;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{Flag, GrantId, GrantToken, KeyId};
use crate::operation::access::{Access, By, Permission, Purpose};
use crate::operation::{Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct RetireGrant;

input! {
    required {}
    optional {
        grant_token: GrantToken,
        key_id: KeyId,
        grant_id: GrantId,
        dry_run: Flag,
    }
}

impl Operation for RetireGrant {
    const NAME: OperationName = OperationName::RetireGrant;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let by = match (&input.grant_token, &input.key_id, &input.grant_id) {
            (Some(token), None, None) => By::GrantToken(token),
            (None, Some(key_id), Some(grant_id)) => By::Grant(key_id, grant_id),
            _ => {
                return Err(invalid(
                    "You must specify either GrantToken, or both KeyId and GrantId.",
                ));
            }
        };
        let grant = Access::one(by, StateRule::Any, Purpose::Manage);
        Ok(grant.by_permission(Permission::Retire))
    }
}

impl Change for RetireGrant {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        super::remove(call, tx).await
    }
}
