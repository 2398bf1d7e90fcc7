//! AssumeRoleWithWebIdentity:
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.
//!
//! The caller is whom an OIDC issuer's token names: it was checked before the request came here,
//! where others have their signatures checked.

use super::Assuming;
use super::temporary::{Assumed, Wanted};
use super::unsupported;
use crate::Error;
use crate::model::member::input;
use crate::model::shapes::{
    DurationSeconds, MinimumSessionTokenSize, RoleArn, RoleSessionName, SessionPolicy, Unsupported,
    WebIdentityToken,
};
use crate::operation::access::Subject;
use crate::operation::{Access, Authorized, Context, Operation, OperationName, Request, Use};
use std::collections::BTreeMap;

/// See the module.
pub struct AssumeRoleWithWebIdentity;

input! {
    required {
        role_arn: RoleArn,
        role_session_name: RoleSessionName,
        web_identity_token: WebIdentityToken,
    }
    optional {
        duration_seconds: DurationSeconds,
        minimum_session_token_size: MinimumSessionTokenSize,
        policy: SessionPolicy,
        policy_arns: Unsupported,
        provider_id: Unsupported,
    }
}

/// The operation's answer.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Output {
    #[serde(flatten)]
    pub assumed: Assumed,
    pub subject_from_web_identity_token: String,
    pub audience: String,
    pub provider: String,
}

impl Operation for AssumeRoleWithWebIdentity {
    const NAME: OperationName = OperationName::AssumeRoleWithWebIdentity;
    type Input = Input;
    type Output = Output;

    fn access(input: &Input) -> Result<Access<'_>, Error> {
        unsupported(&[
            ("PolicyArns", &input.policy_arns),
            ("ProviderId", &input.provider_id),
        ])?;
        Ok(Access::about(Subject::RoleToAssume(Assuming {
            role: &input.role_arn,
            session: &input.role_session_name,
            external_id: None,
            tags: &[],
        })))
    }
}

impl Use for AssumeRoleWithWebIdentity {
    async fn execute(
        input: &Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> Result<Output, Error> {
        let identity = request.proof.web_identity();
        let identity =
            identity.ok_or_else(|| Error::internal("no issuer speaks for the caller"))?;
        let wanted = Wanted {
            role: call.role()?,
            name: &input.role_session_name,
            duration: input.duration_seconds,
            chained: false,
            policy: input.policy.as_ref(),
            tags: BTreeMap::new(),
            by: vec![format!("{} {}", identity.issuer, identity.subject)],
            minimum: input.minimum_session_token_size,
        };
        Ok(Output {
            assumed: wanted.make(cx).await?,
            subject_from_web_identity_token: identity.subject.clone(),
            audience: identity.audience.clone(),
            provider: identity.issuer.clone(),
        })
    }

    fn shown(output: &Output) -> Option<serde_json::Value> {
        let mut shown = output.assumed.shown();
        shown["subjectFromWebIdentityToken"] =
            output.subject_from_web_identity_token.clone().into();
        shown["audience"] = output.audience.clone().into();
        shown["provider"] = output.provider.clone().into();
        Some(shown)
    }
}
