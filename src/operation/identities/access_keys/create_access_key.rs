//! CreateAccessKey: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>.

use super::{AccessKeyMetadata, CreatedAccessKey, Made, access_of_owner, owner};
use crate::Error;
use crate::model::member::input;
use crate::model::names;
use crate::model::shapes::UserName;
use crate::operation::identities::limit;
use crate::operation::{
    Access, Authorized, Context, Operation, OperationName, Request, TokenChange,
};
use crate::store::Transaction;

/// The most access keys of a user, or a root.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const MOST: usize = 2;

/// See the module.
pub struct CreateAccessKey;

input! {
    required {}
    optional {
        user_name: UserName,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub access_key: CreatedAccessKey,
}

impl Operation for CreateAccessKey {
    const NAME: OperationName = OperationName::CreateAccessKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(access_of_owner(input.user_name.as_ref()))
    }

    fn recorded(output: &Output) -> Result<serde_json::Value, Error> {
        // Without the secret.
        let access_key = names::recorded(&output.access_key.metadata)?;
        Ok(serde_json::json!({"accessKey": access_key}))
    }
}

fn exceeded() -> Error {
    limit(format!("Cannot exceed quota for AccessKeysPerUser: {MOST}"))
}

impl TokenChange for CreateAccessKey {
    type Prepared = Made;

    async fn prepare(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Made, Error> {
        let owner = owner(input.user_name.as_ref(), call)?;
        if cx.store.access_keys_of(&owner.arn).await?.len() >= MOST {
            return Err(exceeded());
        }
        Made::new(owner.account.clone(), owner.arn.clone(), cx).await
    }

    async fn apply(
        input: &Input,
        made: &Made,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let owner = owner(input.user_name.as_ref(), call)?;
        if tx.access_keys_of(&owner.arn).await?.len() >= MOST {
            return Err(exceeded());
        }
        let key = made.row(cx.clock.now());
        tx.insert_access_key(&key).await?;
        let metadata = AccessKeyMetadata::new(&key, owner.name.as_deref());
        Ok(Output {
            access_key: made.shown(metadata),
        })
    }
}
