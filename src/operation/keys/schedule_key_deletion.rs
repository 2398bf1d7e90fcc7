//! ScheduleKeyDeletion: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>.

use crate::Error;
use crate::model::KeyState;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, PendingWindowInDays, Timestamp};
use crate::operation::authorized::arn_of;
use crate::operation::{Access, Authorized, Change, Context, Operation, OperationName, Request};
use crate::store::{Key, Transaction};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_date: Option<Timestamp>,
    pub key_state: KeyState,
    pub pending_window_in_days: i32,
}

/// Where the caller does not say.
const DEFAULT_DAYS: i64 = 30;

impl Operation for ScheduleKeyDeletion {
    const NAME: OperationName = OperationName::ScheduleKeyDeletion;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
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
        let days = input
            .pending_window_in_days
            .map_or(DEFAULT_DAYS, |days| days.0);
        let days = i32::try_from(days).map_err(Error::internal)?;
        let mut key = Key::clone(call.key(0));
        // A primary waits for its replicas, and its window begins when the last one is gone.
        if key.is_primary() && tx.lock_related(&key).await?.len() > 1 {
            key.state = KeyState::PendingReplicaDeletion;
            key.pending_days = Some(days);
        } else {
            key.state = KeyState::PendingDeletion;
            key.deletion = Some(cx.clock.now() + Duration::days(days.into()));
        }
        tx.update_key(&key).await?;
        Ok(Output {
            key_id: arn_of(&key),
            deletion_date: key.deletion.map(Timestamp),
            key_state: key.state,
            pending_window_in_days: days,
        })
    }
}
