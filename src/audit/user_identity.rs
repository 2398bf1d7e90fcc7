//! `userIdentity` of a record, as CloudTrail has it.
//!
//! Source: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>.

use super::record::{Actor, Caller};
use crate::Error;
use crate::authz::PrincipalKind;
use crate::model::AccountId;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_id: Option<&'a str>,
    pub(super) account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<SessionContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    session_issuer: SessionIssuer<'a>,
    attributes: Attributes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer<'a> {
    r#type: &'a str,
    principal_id: &'a str,
    arn: &'a str,
    account_id: &'a str,
    user_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    creation_date: String,
    /// CloudTrail has a text here.
    mfa_authenticated: &'static str,
}

impl<'a> UserIdentity<'a> {
    /// # Errors
    /// `KMSInternalException`, should a date not be one.
    pub(super) fn of(actor: Actor<'a>) -> Result<Self, Error> {
        match actor {
            Actor::Caller(caller) => Self::caller(caller),
            Actor::Worker(account) => Ok(Self::own(account, "strongroom.internal")),
            Actor::Operator(account) => Ok(Self::own(account, "strongroom reconcile")),
            Actor::Auditor(account) => Ok(Self::own(account, "strongroom audit")),
        }
    }

    /// Strongroom itself.
    fn own(account: &'a AccountId, invoked_by: &'a str) -> Self {
        Self {
            r#type: "AWSService",
            principal_id: None,
            account_id: account.as_str(),
            arn: None,
            user_name: None,
            access_key_id: None,
            session_context: None,
            identity_provider: None,
            invoked_by: Some(invoked_by),
        }
    }

    fn caller(caller: Caller<'a>) -> Result<Self, Error> {
        let principal = caller.principal;
        let identity = Self {
            r#type: "Root",
            principal_id: Some(&principal.user_id),
            account_id: principal.account.as_str(),
            arn: Some(&principal.arn),
            user_name: None,
            access_key_id: caller.access_key_id,
            session_context: None,
            identity_provider: None,
            invoked_by: None,
        };
        Ok(match &principal.kind {
            PrincipalKind::Root => identity,
            PrincipalKind::User => Self {
                r#type: "IAMUser",
                user_name: Some(name_in(&principal.arn)),
                ..identity
            },
            PrincipalKind::AssumedRole { role } => Self {
                r#type: "AssumedRole",
                session_context: match caller.issued {
                    Some(issued) => Some(SessionContext {
                        session_issuer: SessionIssuer {
                            r#type: "Role",
                            principal_id: principal.user_id.split(':').next().unwrap_or_default(),
                            arn: role,
                            account_id: principal.account.as_str(),
                            user_name: name_in(role),
                        },
                        attributes: Attributes {
                            creation_date: text(issued)?,
                            mfa_authenticated: "false",
                        },
                    }),
                    None => None,
                },
                ..identity
            },
            PrincipalKind::WebIdentity { provider } => Self {
                r#type: "WebIdentityUser",
                arn: None,
                user_name: caller.subject,
                identity_provider: Some(provider),
                ..identity
            },
        })
    }
}

/// Whole seconds, as CloudTrail has them.
fn text(time: OffsetDateTime) -> Result<String, Error> {
    let seconds = time.replace_nanosecond(0).map_err(Error::internal)?;
    seconds.format(&Rfc3339).map_err(Error::internal)
}

/// The last part of a user's or role's ARN.
fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
