//! ListAccessKeys: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>.

use super::{AccessKeyMetadata, access_of_owner, owner};
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Limit, Marker, UserName};
use crate::operation::identities::DEFAULT_LIMIT;
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListAccessKeys;

input! {
    required {}
    optional {
        user_name: UserName,
        limit: Limit,
        marker: Marker,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub access_key_metadata: Vec<AccessKeyMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

impl Operation for ListAccessKeys {
    const NAME: OperationName = OperationName::ListAccessKeys;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(access_of_owner(input.user_name.as_ref()))
    }
}

impl Use for ListAccessKeys {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let owner = owner(input.user_name.as_ref(), call)?;
        let keys = cx.store.access_keys_of(&owner.arn).await?;
        let name = owner.name.as_deref();
        let (keys, next_marker) = page.of(keys, |key| &key.id)?;
        Ok(Output {
            access_key_metadata: keys
                .iter()
                .map(|key| AccessKeyMetadata::new(key, name))
                .collect(),
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
