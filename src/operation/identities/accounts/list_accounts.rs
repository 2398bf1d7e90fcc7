//! Strongroom.ListAccounts: `docs/access.md`.

use super::AccountDetail;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Limit, Marker};
use crate::operation::access::Subject;
use crate::operation::identities::DEFAULT_LIMIT;
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListAccounts;

input! {
    required {}
    optional {
        limit: Limit,
        marker: Marker,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub accounts: Vec<AccountDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

impl Operation for ListAccounts {
    const NAME: OperationName = OperationName::ListAccounts;
    type Input = Input;
    type Output = Output;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::about(Subject::Deployment))
    }
}

impl Use for ListAccounts {
    async fn execute(
        input: &Input,
        _: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let after = page.after.as_deref();
        let mut roots = cx.store.list_roots(after, page.limit + 1).await?;
        let next_marker = page.cut(&mut roots, |root| root.account.as_str());
        Ok(Output {
            accounts: roots.iter().map(AccountDetail::from).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
