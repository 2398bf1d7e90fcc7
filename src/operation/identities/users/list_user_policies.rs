//! ListUserPolicies: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Limit, Marker, UserName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies::{self, PolicyNames};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListUserPolicies;

input! {
    required {
        user_name: UserName,
    }
    optional {
        limit: Limit,
        marker: Marker,
    }
}

impl Operation for ListUserPolicies {
    const NAME: OperationName = OperationName::ListUserPolicies;
    type Input = Input;
    type Output = PolicyNames;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::User(&input.user_name).access())
    }
}

impl Use for ListUserPolicies {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<PolicyNames, Error> {
        let page = (input.limit, input.marker.as_ref());
        inline_policies::list(Entity::User(&input.user_name), page, call)
    }
}
