//! UpdateKeyDescription: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html>.

use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{Description, KeyId};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};

/// See the module.
pub struct UpdateKeyDescription;

input! {
    required {
        key_id: KeyId,
        description: Description,
    }
    optional {}
}

impl Operation for UpdateKeyDescription {
    const NAME: OperationName = OperationName::UpdateKeyDescription;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(
            &input.key_id,
            StateRule::NotPendingDeletion,
        ))
    }
}

impl Change for UpdateKeyDescription {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut key = Key::clone(call.key(0));
        key.description = input.description.to_string();
        tx.update_key(&key).await
    }
}
