//! CancelKeyDeletion: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html>.

use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::KeyId;
use crate::operation::authorized::arn_of;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct CancelKeyDeletion;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
}

impl Operation for CancelKeyDeletion {
    const NAME: OperationName = OperationName::CancelKeyDeletion;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::PendingDeletion))
    }
}

impl Change for CancelKeyDeletion {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let key = key.deletion_cancelled();
        tx.update_key(&key).await?;
        Ok(Output {
            key_id: arn_of(&key),
        })
    }
}
