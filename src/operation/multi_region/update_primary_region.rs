//! UpdatePrimaryRegion: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html>.
//!
//! Done when it is answered: nobody sees the state `Updating`.

use crate::Error;
use crate::model::Region;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::KeyId;
use crate::operation::access::{By, Purpose};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;

/// See the module.
pub struct UpdatePrimaryRegion;

input! {
    required {
        key_id: KeyId,
        primary_region: Region,
    }
    optional {}
}

impl Operation for UpdatePrimaryRegion {
    const NAME: OperationName = OperationName::UpdatePrimaryRegion;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        // Both have to be enabled.
        let replica = By::Replica(&input.primary_region);
        Ok(
            Access::managing(&input.key_id, StateRule::Usable).and(Access::one(
                replica,
                StateRule::Usable,
                Purpose::Manage,
            )),
        )
    }
}

impl Change for UpdatePrimaryRegion {
    async fn apply(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        _: &Context,
    ) -> Result<(), Error> {
        let region = &call.key(1).region;
        for mut key in tx.lock_related(call.key(0)).await? {
            key.primary_region = Some(region.clone());
            tx.update_key(&key).await?;
        }
        Ok(())
    }
}
