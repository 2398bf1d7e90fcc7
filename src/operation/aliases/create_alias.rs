//! CreateAlias: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>.

use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{AliasName, KeyId};
use crate::operation::access::Subject;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Alias, Transaction};
use uuid::Uuid;

/// See the module.
pub struct CreateAlias;

input! {
    required {
        alias_name: AliasName,
        target_key_id: KeyId,
    }
    optional {}
}

impl Operation for CreateAlias {
    const NAME: OperationName = OperationName::CreateAlias;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        super::check_name(&input.alias_name)?;
        super::check_target(&input.target_key_id)?;
        let key = Access::managing(&input.target_key_id, StateRule::NotPendingDeletion);
        Ok(key.beside(Subject::Alias(&input.alias_name)))
    }

    fn further_resources(input: &Input, (): &(), request: &Request) -> Vec<String> {
        vec![super::arn(&input.alias_name, request)]
    }
}

impl Change for CreateAlias {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<(), Error> {
        let (key, now) = (call.key(0), cx.clock.now());
        let alias = Alias {
            row: Uuid::new_v4(),
            row_version: 1,
            account: key.account.clone(),
            region: key.region.clone(),
            name: input.alias_name.to_string(),
            key_id: key.key_id.to_string(),
            created: now,
            updated: now,
        };
        tx.insert_alias(&alias, key).await
    }
}
