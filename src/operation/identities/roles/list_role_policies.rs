//! ListRolePolicies: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html>.

use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{Limit, Marker, RoleName};
use crate::operation::identities::entity::Entity;
use crate::operation::identities::inline_policies::{self, PolicyNames};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListRolePolicies;

input! {
    required {
        role_name: RoleName,
    }
    optional {
        limit: Limit,
        marker: Marker,
    }
}

impl Operation for ListRolePolicies {
    const NAME: OperationName = OperationName::ListRolePolicies;
    type Input = Input;
    type Output = PolicyNames;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Entity::Role(&input.role_name).access())
    }
}

impl Use for ListRolePolicies {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<PolicyNames, Error> {
        let page = (input.limit, input.marker.as_ref());
        inline_policies::list(Entity::Role(&input.role_name), page, call)
    }
}
