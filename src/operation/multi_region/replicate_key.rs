//! ReplicateKey: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html>.
//!
//! Done when it is answered: nobody sees the state `Creating`.

use super::require_primary;
use crate::audit::{self, Outcome, Record};
use crate::model::key_state::StateRule;
use crate::model::member::input;
use crate::model::names;
use crate::model::shapes::{Description, Flag, KeyId, Policy, Tags};
use crate::model::{KeyState, Region};
use crate::operation::access::{Further, New};
use crate::operation::authorized::arn_of;
use crate::operation::keys::KeyMetadata;
use crate::operation::tags::{self, Tag};
use crate::operation::{
    Access, Authorized, Change, Context, Operation, OperationName, Request, policies,
};
use crate::store::{Key, KeyProfile, Transaction};
use crate::{Error, ErrorCode};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// See the module.
pub struct ReplicateKey;

input! {
    required {
        key_id: KeyId,
        replica_region: Region,
    }
    optional {
        policy: Policy,
        bypass_policy_lockout_safety_check: Flag,
        description: Description,
        tags: Tags,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    pub replica_key_metadata: KeyMetadata,
    pub replica_policy: String,
    pub replica_tags: Vec<Tag>,
}

impl Operation for ReplicateKey {
    const NAME: OperationName = OperationName::ReplicateKey;
    const READ_ONLY: bool = false;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        tags::by_key(input.tags.as_ref())?;
        policies::check(input.policy.as_ref())?;
        let region = Some(&input.replica_region);
        let create = Further {
            action: OperationName::CreateKey.action(),
            on: New::Key(region),
        };
        Ok(Access::managing(&input.key_id, StateRule::Usable)
            .and_further(Some(create))
            .and_further(tags::tagging(input.tags.as_ref(), region)))
    }
}

impl Change for ReplicateKey {
    async fn apply(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<Output, Error> {
        let primary = call.key(0);
        require_primary(primary)?;
        if !cx.serves(&input.replica_region) {
            let message = format!(
                "The Region {} is not one of those that this deployment answers for.",
                input.replica_region
            );
            return Err(Error::new(ErrorCode::UnsupportedOperation, message));
        }
        let profile = KeyProfile {
            region: input.replica_region.clone(),
            description: input.description.as_deref().unwrap_or_default().to_owned(),
            policy: policies::or_default(input.policy.as_ref(), &primary.account).into(),
            tags: tags::by_key(input.tags.as_ref())?,
            deletion: None,
            pending_days: None,
            ..KeyProfile::clone(&primary.profile)
        };
        let replica = Key {
            row: Uuid::new_v4(),
            row_version: 1,
            state: KeyState::Enabled,
            created: cx.clock.now().into(),
            profile: Arc::new(profile),
            ..Key::clone(primary)
        };
        let bypass = input.bypass_policy_lockout_safety_check;
        let (policy, caller) = (input.policy.as_ref(), &request.principal);
        policies::check_lockout(policy, bypass, caller, call.policies(), &arn_of(&replica))?;
        let related = tx.lock_related(primary).await?;
        if related.iter().any(|key| key.region == replica.region) {
            let message = format!("{} already exists.", arn_of(&replica));
            return Err(Error::new(ErrorCode::AlreadyExists, message));
        }
        for key in &related {
            // Nothing of it changes but that it is in one more Region.
            tx.update_key(key).await?;
        }
        tx.insert_replica(&replica).await?;
        let mut regions: Vec<Region> = related.into_iter().map(|key| key.region.clone()).collect();
        regions.push(replica.region.clone());
        regions.sort();
        let metadata = KeyMetadata::of(&replica, &regions);
        record(tx, &metadata, &replica, request, cx).await?;
        Ok(Output {
            replica_key_metadata: metadata,
            replica_tags: replica.tags.iter().map(Tag::from).collect(),
            replica_policy: replica.policy.to_string(),
        })
    }
}

/// The record of a CreateKey in the replica's Region, beside that of the request, as AWS's log
/// has it.
async fn record(
    tx: &Transaction<'_>,
    metadata: &KeyMetadata,
    replica: &Key,
    request: &Request,
    cx: &Context,
) -> Result<(), Error> {
    let response = json!({"keyMetadata": names::recorded(metadata)?});
    let record = Record {
        time: cx.clock.now(),
        request_id: request.request_id,
        event_source: audit::KMS,
        event_name: OperationName::CreateKey.as_str(),
        region: replica.region.as_str(),
        actor: request.actor(),
        source_ip: Some(request.source_ip),
        user_agent: request.user_agent.as_deref(),
        trace: request.trace,
        read_only: false,
        parameters: None,
        resources: vec![metadata.arn.clone()],
        outcome: Outcome::Success {
            response: Some(response),
        },
        approval: None,
    };
    tx.record(request.request_id, &record.to_bytes()?).await
}
