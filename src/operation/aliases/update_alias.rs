//! UpdateAlias: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>.

use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{AliasName, KeyId};
use crate::operation::access::{Access, By, Purpose, Subject};
use crate::operation::{Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Alias, Transaction};
use crate::{Error, ErrorCode};

/// See the module.
pub struct UpdateAlias;

input! {
    required {
        alias_name: AliasName,
        target_key_id: KeyId,
    }
    optional {}
}

impl Operation for UpdateAlias {
    const NAME: OperationName = OperationName::UpdateAlias;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        super::check_known(&input.alias_name)?;
        super::check_target(&input.target_key_id)?;
        let now = Access::one(
            By::Alias(&input.alias_name),
            StateRule::Any,
            Purpose::Manage,
        );
        let then = Access::managing(&input.target_key_id, StateRule::NotPendingDeletion);
        Ok(now.and(then).beside(Subject::Alias(&input.alias_name)))
    }

    fn further_resources(input: &Input, (): &(), request: &Request) -> Vec<String> {
        vec![super::arn(&input.alias_name, request)]
    }
}

impl Change for UpdateAlias {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<(), Error> {
        let (now, target) = (call.key(0), call.key(1));
        if now.usage != target.usage || now.spec.is_asymmetric() != target.spec.is_asymmetric() {
            let message = format!(
                "Alias cannot be moved from a {} {} key to a {} {} key: both must be of the same type and KeyUsage.",
                now.spec, now.usage, target.spec, target.usage
            );
            return Err(Error::new(ErrorCode::Validation, message));
        }
        let alias = call
            .alias(0)
            .ok_or_else(|| Error::internal("an alias without its row"))?;
        let moved = Alias {
            key_id: target.key_id.to_string(),
            updated: cx.clock.now(),
            ..(**alias).clone()
        };
        tx.update_alias(&moved, now, target).await
    }
}
