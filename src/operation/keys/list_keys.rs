//! ListKeys: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>.

use crate::Error;
use crate::model::arn::key_arn;
use crate::model::member::input;
use crate::model::shapes::{Limit, Marker, ResourceOwner, ResourceOwners};
use crate::operation::page::{DEFAULT_LIMIT, Page};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListKeys;

input! {
    required {}
    optional {
        limit: Limit,
        marker: Marker,
        resource_owners: ResourceOwners,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub keys: Vec<KeyListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

/// One key.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct KeyListEntry {
    pub key_id: String,
    pub key_arn: String,
}

impl Operation for ListKeys {
    const NAME: OperationName = OperationName::ListKeys;
    type Input = Input;
    type Output = Output;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::account())
    }
}

impl Use for ListKeys {
    async fn execute(
        input: &Input,
        _: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        if input
            .resource_owners
            .as_ref()
            .is_some_and(|owners| !owners.0.contains(&ResourceOwner::SelfOwned))
        {
            // No account shares keys here.
            return Ok(Output {
                keys: Vec::new(),
                next_marker: None,
                truncated: false,
            });
        }
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let (account, region) = (&request.principal.account, &request.region);
        let after = page.after.as_deref();
        let mut ids = cx
            .store
            .list_keys(account, region, after, page.limit + 1)
            .await?;
        let next_marker = page.cut(&mut ids, |id| id);
        let entry = |id: String| KeyListEntry {
            key_arn: key_arn(account, region, &id),
            key_id: id,
        };
        Ok(Output {
            keys: ids.into_iter().map(entry).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
