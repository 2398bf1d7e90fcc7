//! EnableKeyRotation: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>.

use super::AUTOMATIC;
use crate::Error;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, RotationPeriodInDays};
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::Transaction;
use time::Duration;

/// AWS's period where the caller names none.
const DEFAULT_DAYS: i64 = 365;

/// See the module.
pub struct EnableKeyRotation;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        rotation_period_in_days: RotationPeriodInDays,
    }
}

impl Operation for EnableKeyRotation {
    const NAME: OperationName = OperationName::EnableKeyRotation;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = ();

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(
            &input.key_id,
            StateRule::Usable,
            &AUTOMATIC,
        ))
    }
}

impl Change for EnableKeyRotation {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<(), Error> {
        let days = input.rotation_period_in_days.map_or(DEFAULT_DAYS, |n| n.0);
        let next = cx.clock.now() + Duration::days(days);
        let days = Some(i32::try_from(days).map_err(Error::internal)?);
        // Whoever says every day that it is on does not put the next rotation off.
        if call.key(0).rotation_days == days {
            return Ok(());
        }
        for mut key in tx.lock_related(call.key(0)).await? {
            key.rotation_days = days;
            key.next_rotation = Some(next.into());
            tx.update_key(&key).await?;
        }
        Ok(())
    }
}
