//! ListUsers: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>.

use super::UserDetail;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Limit, Marker};
use crate::operation::identities::entity::list;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::store::IdentityKind;

/// See the module.
pub struct ListUsers;

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
    pub users: Vec<UserDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub truncated: bool,
}

impl Operation for ListUsers {
    const NAME: OperationName = OperationName::ListUsers;
    type Input = Input;
    type Output = Output;

    fn access(_: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::account())
    }
}

impl Use for ListUsers {
    async fn execute(
        input: &Input,
        _: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let page = (input.limit, input.marker.as_ref());
        let (users, next_marker) = list(IdentityKind::User, page, request, cx).await?;
        Ok(Output {
            users: users.iter().map(UserDetail::from).collect(),
            truncated: next_marker.is_some(),
            next_marker,
        })
    }
}
