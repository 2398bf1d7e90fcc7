//! GetKeyRotationStatus: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html>.

use super::ROTATES;
use crate::Error;
use crate::model::KeyState;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, Timestamp};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct GetKeyRotationStatus;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

/// The operation's answer. Without `OnDemandRotationStartDate`, which AWS has while a rotation on
/// demand is under way: here it is done when it is answered.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_rotation_enabled: bool,
    pub key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_period_in_days: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_rotation_date: Option<Timestamp>,
}

impl Operation for GetKeyRotationStatus {
    const NAME: OperationName = OperationName::GetKeyRotationStatus;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::material(&input.key_id, StateRule::Any, &ROTATES))
    }
}

impl Use for GetKeyRotationStatus {
    async fn execute(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        _: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        // It comes back with the key, should the deletion be cancelled.
        let going = matches!(
            key.state,
            KeyState::PendingDeletion | KeyState::PendingReplicaDeletion
        );
        let days = key.rotation_days.filter(|_| !going);
        let next = key.next_rotation.filter(|_| !going);
        Ok(Output {
            key_rotation_enabled: days.is_some(),
            key_id: key.key_id.to_string(),
            rotation_period_in_days: days,
            next_rotation_date: next.map(|next| Timestamp(next.time())),
        })
    }
}
