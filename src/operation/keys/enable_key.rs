//! EnableKey: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html>.

use crate::Error;
use crate::model::KeyState;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::KeyId;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};

/// See the module.
pub struct EnableKey;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

impl Operation for EnableKey {
    const NAME: OperationName = OperationName::EnableKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Manageable))
    }
}

impl Change for EnableKey {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let key = Key {
            state: KeyState::Enabled,
            ..(**call.key(0)).clone()
        };
        tx.update_key(&key).await
    }
}
