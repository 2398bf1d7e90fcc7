//! Temporary credentials in the making: what AssumeRole and AssumeRoleWithWebIdentity have in common.

use super::sealing::{MAX_LENGTH, Sealed};
use crate::authz::{Policy, PolicyKind};
use crate::model::arn;
use crate::model::shapes::{
    DurationSeconds, MinimumSessionTokenSize, RoleSessionName, SessionPolicy,
};
use crate::operation::Context;
use crate::operation::credential::{TEMPORARY, generate};
use crate::store::Identity;
use crate::{Error, ErrorCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// How long a session is where nobody says, and how long one of a session may be at most.
const HOUR: i64 = 3600;

/// `Credentials`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Credentials {
    pub access_key_id: String,
    #[serde(serialize_with = "exposed")]
    pub secret_access_key: SecretString,
    #[serde(serialize_with = "exposed")]
    pub session_token: SecretString,
    pub expiration: String,
}

fn exposed<S: serde::Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// `AssumedRoleUser`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AssumedRoleUser {
    pub assumed_role_id: String,
    pub arn: String,
}

/// A session of a role that was just made.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Assumed {
    pub credentials: Credentials,
    pub assumed_role_user: AssumedRoleUser,
    /// Where there is a policy, or are tags: the size of the token, in percent of the largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packed_policy_size: Option<usize>,
    pub session_token_utilization: usize,
    pub session_token_size: usize,
}

/// What a session is to be.
pub(super) struct Wanted<'a> {
    pub role: &'a Identity,
    pub name: &'a RoleSessionName,
    pub duration: Option<DurationSeconds>,
    /// Whether the caller has temporary credentials already.
    pub chained: bool,
    pub policy: Option<&'a SessionPolicy>,
    pub tags: BTreeMap<String, String>,
    /// Who asks: whatever they do in the session, it is they who do it.
    pub by: Vec<String>,
    pub minimum: Option<MinimumSessionTokenSize>,
}

impl Wanted<'_> {
    fn duration(&self) -> Result<Duration, Error> {
        let asked = self.duration.map(|duration| i64::from(duration.0));
        let longest = i64::from(self.role.max_session_seconds.unwrap_or(HOUR as i32));
        let invalid = |message: &str| Err(Error::new(ErrorCode::Validation, message));
        match asked.unwrap_or(HOUR) {
            asked if asked > HOUR && self.chained => invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
                 role chaining",
            ),
            asked if asked > longest => invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ),
            asked => Ok(Duration::seconds(asked)),
        }
    }

    /// Makes it.
    ///
    /// # Errors
    /// `ValidationException`, `MalformedPolicyDocumentException`, `PackedPolicyTooLargeException`;
    /// the token does not answer.
    pub(super) async fn make(self, cx: &Context) -> Result<Assumed, Error> {
        let duration = self.duration()?;
        let policy = self.policy.map(|policy| packed(policy)).transpose()?;
        let large = policy.is_some() || !self.tags.is_empty();
        let role = self.role;
        let broken = || Error::internal(format!("{} is not a whole role", role.arn));
        let role_id = role.unique_id.clone().ok_or_else(broken)?;
        let role_name = role.name.as_deref().ok_or_else(broken)?;
        let issued = cx.clock.now().unix_timestamp();
        let expires = issued + duration.whole_seconds();
        let (id, secret) = generate(cx.tokens.home(), TEMPORARY).await?;
        let assumed_role_user = AssumedRoleUser {
            assumed_role_id: format!("{role_id}:{}", self.name.0),
            arn: arn::assumed_role_arn(&role.account, role_name, self.name),
        };
        let sealed = Sealed {
            id: id.clone(),
            secret: secret.clone(),
            role: role.arn.clone(),
            role_id,
            session: self.name.0.clone(),
            issued,
            expires,
            policy,
            tags: self.tags,
            by: self.by,
        };
        let minimum = self.minimum.map_or(0, |minimum| usize::from(minimum.0));
        let token = cx.sessions.seal(&sealed, minimum).await?;
        let size = token.len();
        let utilization = (100 * size).div_ceil(MAX_LENGTH);
        let expires = OffsetDateTime::from_unix_timestamp(expires).map_err(Error::internal)?;
        Ok(Assumed {
            credentials: Credentials {
                access_key_id: id,
                secret_access_key: secret,
                session_token: token.into(),
                expiration: expires.format(&Rfc3339).map_err(Error::internal)?,
            },
            assumed_role_user,
            packed_policy_size: large.then_some(utilization),
            session_token_utilization: utilization,
            session_token_size: size,
        })
    }
}

/// A session policy, without what says nothing.
fn packed(policy: &str) -> Result<String, Error> {
    Policy::parse(policy, PolicyKind::Session)
        .map_err(|error| Error::new(ErrorCode::MalformedPolicyDocument, error.to_string()))?;
    let value: serde_json::Value = serde_json::from_str(policy).map_err(Error::internal)?;
    Ok(value.to_string())
}

impl Assumed {
    /// What the audit record has of it: whose it is and under which access key id, and no secret.
    pub(super) fn shown(&self) -> serde_json::Value {
        serde_json::json!({
            "credentials": {
                "accessKeyId": self.credentials.access_key_id,
                "expiration": self.credentials.expiration,
            },
            "assumedRoleUser": {
                "assumedRoleId": self.assumed_role_user.assumed_role_id,
                "arn": self.assumed_role_user.arn,
            },
        })
    }
}
