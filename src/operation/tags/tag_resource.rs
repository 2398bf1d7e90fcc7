//! TagResource: <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>.

use super::{by_key, check_number};
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, Tags};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};

/// See the module.
pub struct TagResource;

input! {
    required {
        key_id: KeyId,
        tags: Tags,
    }
    optional {}
}

impl Operation for TagResource {
    const NAME: OperationName = OperationName::TagResource;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        by_key(Some(&input.tags))?;
        Ok(Access::managing(
            &input.key_id,
            StateRule::NotPendingDeletion,
        ))
    }
}

impl Change for TagResource {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut key = Key::clone(call.key(0));
        key.tags.extend(by_key(Some(&input.tags))?);
        check_number(&key.tags)?;
        tx.update_key(&key).await
    }
}
