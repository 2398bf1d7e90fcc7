//! DisableKey: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html>.

use crate::Error;
use crate::model::KeyState;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::KeyId;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};

/// See the module.
pub struct DisableKey;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

impl Operation for DisableKey {
    const NAME: OperationName = OperationName::DisableKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Manageable))
    }
}

impl Change for DisableKey {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let key = Key {
            state: KeyState::Disabled,
            ..(**call.key(0)).clone()
        };
        tx.update_key(&key).await
    }
}
