//! ListGrants: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html>.

use super::{DEFAULT_LIMIT, GrantList, check_id, check_principal, refuse_service_filter};
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{GrantId, GrantLimit, KeyId, Marker, PrincipalId, ServicePrincipal};
use crate::operation::page::Page;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListGrants;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        limit: GrantLimit,
        marker: Marker,
        grant_id: GrantId,
        grantee_principal: PrincipalId,
        grantee_service_principal: ServicePrincipal,
    }
}

impl Operation for ListGrants {
    const NAME: OperationName = OperationName::ListGrants;
    type Input = Input;
    type Output = GrantList;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        refuse_service_filter(
            input.grantee_service_principal.as_ref(),
            "GranteeServicePrincipal",
        )?;
        if let Some(grant_id) = &input.grant_id {
            check_id(grant_id)?;
        }
        if let Some(principal) = &input.grantee_principal {
            check_principal(principal)?;
        }
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Use for ListGrants {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<GrantList, Error> {
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let (key, after) = (call.key(0), page.after.as_deref());
        let grantee = input.grantee_principal.as_deref();
        let grants = match &input.grant_id {
            None => {
                cx.store
                    .list_grants(key, grantee, after, page.limit + 1)
                    .await?
            }
            Some(grant_id) => {
                let grant = cx.store.grant(key, grant_id).await?.into_iter();
                grant
                    .filter(|grant| grantee.is_none_or(|grantee| grantee == grant.grantee))
                    .filter(|grant| after.is_none_or(|after| after < grant.grant_id.as_str()))
                    .collect()
            }
        };
        Ok(GrantList::new(grants, &page))
    }
}
