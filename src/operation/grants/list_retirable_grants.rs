//! ListRetirableGrants: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html>.

use super::{DEFAULT_LIMIT, GrantList, check_principal, invalid, refuse_service_filter};
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{GrantLimit, Marker, PrincipalId, ServicePrincipal};
use crate::operation::access::Subject;
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListRetirableGrants;

input! {
    required {}
    optional {
        limit: GrantLimit,
        marker: Marker,
        retiring_principal: PrincipalId,
        retiring_service_principal: ServicePrincipal,
    }
}

fn retiring(input: &Input) -> Result<&str, Error> {
    input.retiring_principal.as_deref().ok_or_else(|| {
        invalid(
            "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.",
        )
    })
}

impl Operation for ListRetirableGrants {
    const NAME: OperationName = OperationName::ListRetirableGrants;
    type Input = Input;
    type Output = GrantList;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_service_filter(
            input.retiring_service_principal.as_ref(),
            "RetiringServicePrincipal",
        )?;
        let principal = retiring(input)?;
        check_principal(principal)?;
        Ok(Access::about(Subject::Principal(principal)))
    }
}

impl Use for ListRetirableGrants {
    async fn execute(
        input: &Input,
        _: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<GrantList, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let after = page.after.as_deref();
        let grants = cx
            .store
            .list_retirable_grants(&request.region, retiring(input)?, after, page.limit + 1)
            .await?;
        Ok(GrantList::new(grants, &page))
    }
}
