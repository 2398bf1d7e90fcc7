//! AssumeRole: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use super::assuming::Assuming;
use super::temporary::{Assumed, Wanted};
use super::unsupported;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{
    DurationSeconds, ExternalId, IdentityTags, MinimumSessionTokenSize, RoleArn, RoleSessionName,
    SessionPolicy, Unsupported,
};
use crate::operation::access::Subject;
use crate::operation::identities::tags;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};

/// See the module.
pub struct AssumeRole;

input! {
    required {
        role_arn: RoleArn,
        role_session_name: RoleSessionName,
    }
    optional {
        duration_seconds: DurationSeconds,
        external_id: ExternalId,
        minimum_session_token_size: MinimumSessionTokenSize,
        policy: SessionPolicy,
        policy_arns: Unsupported,
        provided_contexts: Unsupported,
        serial_number: Unsupported,
        source_identity: Unsupported,
        tags: IdentityTags,
        token_code: Unsupported,
        transitive_tag_keys: Unsupported,
    }
}

impl Operation for AssumeRole {
    const NAME: OperationName = OperationName::AssumeRole;
    type Input = Input;
    type Output = Assumed;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        unsupported(&[
            ("PolicyArns", &input.policy_arns),
            ("ProvidedContexts", &input.provided_contexts),
            ("SerialNumber", &input.serial_number),
            ("SourceIdentity", &input.source_identity),
            ("TokenCode", &input.token_code),
            ("TransitiveTagKeys", &input.transitive_tag_keys),
        ])?;
        tags::by_key(input.tags.as_ref())?;
        Ok(Access::about(Subject::RoleToAssume(Assuming {
            role: &input.role_arn,
            session: &input.role_session_name,
            external_id: input.external_id.as_deref(),
            tags: input.tags.as_ref().map_or(&[], |tags| &tags.0),
        })))
    }
}

impl Use for AssumeRole {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Assumed, Error> {
        Wanted {
            role: call.role()?,
            name: &input.role_session_name,
            duration: input.duration_seconds,
            chained: request.proof.session().is_some(),
            policy: input.policy.as_ref(),
            tags: tags::by_key(input.tags.as_ref())?,
            by: request.hands(call.identity()),
            minimum: input.minimum_session_token_size,
        }
        .make(cx)
        .await
    }

    fn shown(output: &Assumed) -> Option<serde_json::Value> {
        Some(output.shown())
    }
}
