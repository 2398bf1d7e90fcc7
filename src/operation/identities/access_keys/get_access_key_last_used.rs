//! GetAccessKeyLastUsed: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>.

use super::missing_key;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{AccessKeyId, Timestamp};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::store::AccessKeyUse;

/// See the module.
pub struct GetAccessKeyLastUsed;

input! {
    required {
        access_key_id: AccessKeyId,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    pub access_key_last_used: AccessKeyLastUsed,
}

/// IAM's `AccessKeyLastUsed`: `N/A` for one that was not used.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AccessKeyLastUsed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_date: Option<Timestamp>,
    pub service_name: String,
    pub region: String,
}

impl From<Option<AccessKeyUse>> for AccessKeyLastUsed {
    fn from(last: Option<AccessKeyUse>) -> Self {
        const NEVER: &str = "N/A";
        let (at, service, region) = match &last {
            Some(used) => (Some(used.at), &*used.service, used.region.as_str()),
            None => (None, NEVER, NEVER),
        };
        Self {
            last_used_date: at.map(Timestamp),
            service_name: service.to_owned(),
            region: region.to_owned(),
        }
    }
}

impl Operation for GetAccessKeyLastUsed {
    const NAME: OperationName = OperationName::GetAccessKeyLastUsed;
    type Input = Input;
    type Output = Output;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::account())
    }
}

impl Use for GetAccessKeyLastUsed {
    async fn execute(
        input: &Input,
        _: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = cx.store.current_access_key(&input.access_key_id).await?;
        let key = key.filter(|key| key.account == request.principal.account);
        let key = key.ok_or_else(|| missing_key(&input.access_key_id))?;
        let owner = cx.store.current_identity(&key.principal).await?;
        let last = cx.store.last_access_key_use(&key).await?;
        Ok(Output {
            user_name: owner.and_then(|owner| owner.name),
            access_key_last_used: last.into(),
        })
    }
}
