//! UntagResource: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html>.

use super::check_key;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, TagKeys};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};

/// See the module.
pub struct UntagResource;

input! {
    required {
        key_id: KeyId,
        tag_keys: TagKeys,
    }
    optional {}
}

impl Operation for UntagResource {
    const NAME: OperationName = OperationName::UntagResource;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        for key in &input.tag_keys.0 {
            check_key(key)?;
        }
        Ok(Access::managing(
            &input.key_id,
            StateRule::NotPendingDeletion,
        ))
    }
}

impl Change for UntagResource {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let mut key = Key::clone(call.key(0));
        // A tag that is not there is no error.
        for name in &input.tag_keys.0 {
            key.tags.remove(&**name);
        }
        tx.update_key(&key).await
    }
}
