//! GetKeyLastUsage: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>.

use crate::Error;
use crate::audit::event_id;
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::shapes::{KeyId, KeyLastUsageTrackingOperation, Timestamp};
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use crate::store::KeyUse;
use uuid::Uuid;

/// See the module.
pub struct GetKeyLastUsage;

input! {
    required {
        key_id: KeyId,
    }
    optional {}
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub key_id: String,
    pub key_last_usage: KeyLastUsage,
    pub tracking_start_date: Timestamp,
    pub key_creation_date: Timestamp,
}

/// `KeyLastUsageData`: an empty object for a key that was not used.
#[derive(serde::Serialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum KeyLastUsage {
    Never {},
    #[serde(rename_all = "PascalCase")]
    Used {
        operation: KeyLastUsageTrackingOperation,
        timestamp: Timestamp,
        cloud_trail_event_id: Uuid,
        kms_request_id: Uuid,
    },
}

impl From<Option<KeyUse>> for KeyLastUsage {
    fn from(last: Option<KeyUse>) -> Self {
        let Some(used) = last else {
            return Self::Never {};
        };
        Self::Used {
            operation: used.operation,
            timestamp: Timestamp(used.at),
            cloud_trail_event_id: event_id(used.request_id, used.operation.as_str(), None),
            kms_request_id: used.request_id,
        }
    }
}

impl Operation for GetKeyLastUsage {
    const NAME: OperationName = OperationName::GetKeyLastUsage;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        Ok(Access::managing(&input.key_id, StateRule::Any))
    }
}

impl Use for GetKeyLastUsage {
    async fn execute(
        _: &Input,
        call: &Authorized<Self>,
        _: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let key = call.key(0);
        let (last, since) = cx.store.last_use(key).await?;
        Ok(Output {
            key_id: key.key_id.to_string(),
            key_last_usage: last.into(),
            tracking_start_date: Timestamp(since.max(key.created.time())),
            key_creation_date: Timestamp(key.created.time()),
        })
    }
}
