//! DescribeKey: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>.

use super::KeyMetadata;
use crate::Error;
use crate::model::key_id::KeyForms;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{GrantTokens, KeyId};
use crate::operation::access::{Access, By, Purpose};
use crate::operation::{Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct DescribeKey;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        grant_tokens: GrantTokens,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_metadata: KeyMetadata,
}

impl Operation for DescribeKey {
    const NAME: OperationName = OperationName::DescribeKey;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        let by = By::Name(&input.key_id, KeyForms::Any);
        Ok(Access::one(by, StateRule::Any, Purpose::Manage))
    }
}

impl Use for DescribeKey {
    async fn execute(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let regions = cx.store.regions_of(key).await?;
        Ok(Output {
            key_metadata: KeyMetadata::of(key, &regions).in_store(key, call.store_of(0)),
        })
    }
}
