//! DeleteAlias: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html>.

use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::AliasName;
use crate::operation::access::{Access, By, Purpose, Subject};
use crate::operation::{Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct DeleteAlias;

input! {
    required {
        alias_name: AliasName,
    }
    optional {}
}

impl Operation for DeleteAlias {
    const NAME: OperationName = OperationName::DeleteAlias;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        super::check_known(&input.alias_name)?;
        let alias = By::Alias(&input.alias_name);
        let key = Access::one(alias, StateRule::Any, Purpose::Manage);
        Ok(key.beside(Subject::Alias(&input.alias_name)))
    }

    fn further_resources(input: &Input, (): &(), request: &Request) -> Vec<String> {
        vec![super::arn(&input.alias_name, request)]
    }
}

impl Change for DeleteAlias {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let alias = call
            .alias(0)
            .ok_or_else(|| Error::internal("an alias without its row"))?;
        tx.delete_alias(alias, call.key(0)).await
    }
}
