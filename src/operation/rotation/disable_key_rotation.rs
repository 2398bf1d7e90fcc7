//! DisableKeyRotation: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html>.

use super::AUTOMATIC;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::KeyId;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DisableKeyRotation;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

impl Operation for DisableKeyRotation {
    const NAME: OperationName = OperationName::DisableKeyRotation;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(
            &input.key_id,
            StateRule::Usable,
            &AUTOMATIC,
        ))
    }
}

impl Change for DisableKeyRotation {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        for mut key in tx.lock_related(call.key(0)).await? {
            key.rotation_days = None;
            key.next_rotation = None;
            tx.update_key(&key).await?;
        }
        Ok(())
    }
}
