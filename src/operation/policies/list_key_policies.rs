//! ListKeyPolicies: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html>.

use super::DEFAULT;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, Limit, Marker};
use crate::operation::page::{DEFAULT_LIMIT, Page};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct ListKeyPolicies;

input! {
    required {
        key_id: KeyId,
    }
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
    pub policy_names: Vec<&'static str>,
    pub truncated: bool,
}

impl Operation for ListKeyPolicies {
    const NAME: OperationName = OperationName::ListKeyPolicies;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Use for ListKeyPolicies {
    async fn execute(
        input: &Input,
        _: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        // One name fits every page, so no page ends with a marker; a marker must still be one.
        let page = Page::new(input.limit, input.marker.as_ref(), DEFAULT_LIMIT)?;
        let after = page.after.as_deref();
        let mut policy_names = vec![DEFAULT];
        policy_names.retain(|name| after.is_none_or(|after| after < *name));
        Ok(Output {
            policy_names,
            truncated: false,
        })
    }
}
