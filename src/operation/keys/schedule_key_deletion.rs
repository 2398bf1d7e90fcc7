//! ScheduleKeyDeletion: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>.

use crate::model::KeyState;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, PendingWindowInDays, Timestamp};
use crate::operation::authorized::arn_of;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};
use crate::{Error, ErrorCode};
use time::Duration;

/// See the module.
pub struct ScheduleKeyDeletion;

input! {
    required {
        key_id: KeyId,
    }
    optional {
        pending_window_in_days: PendingWindowInDays,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub deletion_date: Timestamp,
    pub key_state: KeyState,
    pub pending_window_in_days: i64,
}

/// 7 to 30, and 30 where the caller does not say.
fn window_days(input: &Input) -> Result<i64, Error> {
    let days = input.pending_window_in_days.map_or(30, |days| days.0);
    if (7..=30).contains(&days) {
        return Ok(days);
    }
    let message =
        format!("PendingWindowInDays is {days}: it must be between 7 and 30 (inclusive).");
    Err(Error::new(ErrorCode::Validation, message))
}

impl Operation for ScheduleKeyDeletion {
    const NAME: OperationName = OperationName::ScheduleKeyDeletion;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        window_days(input)?;
        Ok(Access::managing(
            &input.key_id,
            StateRule::NotPendingDeletion,
        ))
    }
}

impl Change for ScheduleKeyDeletion {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        _: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let days = window_days(input)?;
        let deletion = cx.clock.now() + Duration::days(days);
        let key = Key {
            state: KeyState::PendingDeletion,
            deletion: Some(deletion),
            ..(**call.key(0)).clone()
        };
        tx.update_key(&key).await?;
        Ok(Output {
            key_id: arn_of(&key),
            deletion_date: Timestamp(deletion),
            key_state: key.state,
            pending_window_in_days: days,
        })
    }
}
