//! RevokeGrant: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html>.

use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{Flag, GrantId, KeyId};
use crate::operation::access::{Access, By, Purpose};
use crate::operation::{Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct RevokeGrant;

input! {
    required {
        key_id: KeyId,
        grant_id: GrantId,
    }
    optional {
        dry_run: Flag,
    }
}

impl Operation for RevokeGrant {
    const NAME: OperationName = OperationName::RevokeGrant;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let by = By::Grant(&input.key_id, &input.grant_id);
        Ok(Access::one(by, StateRule::Any, Purpose::Manage))
    }
}

impl Change for RevokeGrant {
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
