//! A record of the audit log, as far as a report reads it.

use crate::audit::MadeKeys;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// A record. Texts are borrowed from its bytes where they can be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'r> {
    #[serde(borrow)]
    pub(super) event_name: Cow<'r, str>,
    #[serde(borrow, rename = "sourceIPAddress")]
    pub(super) source_ip_address: Cow<'r, str>,
    #[serde(borrow)]
    user_identity: UserIdentity<'r>,
    #[serde(borrow, default)]
    pub(super) error_code: Option<Cow<'r, str>>,
    #[serde(borrow, rename = "requestID")]
    pub(super) request_id: Cow<'r, str>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'r>>,
    #[serde(borrow, default)]
    response_elements: Option<MadeKeys<'r>>,
    #[serde(borrow, default)]
    pub(super) additional_event_data: Option<Additional<'r>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserIdentity<'r> {
    #[serde(borrow, default)]
    arn: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    session_context: Option<SessionContext<'r>>,
    #[serde(borrow, default)]
    identity_provider: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    invoked_by: Option<Cow<'r, str>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'r> {
    #[serde(borrow)]
    session_issuer: SessionIssuer<'r>,
}

#[derive(Debug, Deserialize)]
struct SessionIssuer<'r> {
    #[serde(borrow)]
    arn: Cow<'r, str>,
}

#[derive(Debug, Deserialize)]
struct Resource<'r> {
    #[serde(borrow, rename = "ARN")]
    arn: Cow<'r, str>,
}

/// Dual control.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Additional<'r> {
    #[serde(borrow, default)]
    pub(super) approval_id: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    pub(super) approvers: Vec<Cow<'r, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    request_parameters: Option<Value>,
}

impl<'r> Event<'r> {
    /// `None` for what is no record.
    pub(super) fn parse(record: &'r [u8]) -> Option<Self> {
        serde_json::from_slice(record).ok()
    }

    /// The identity: a user's or a root's ARN, of a session the role's, the issuer of whoever came with
    /// a token, or what Strongroom calls itself.
    pub(super) fn identity(&self) -> &str {
        let who = &self.user_identity;
        let session = who.session_context.as_ref();
        session
            .map(|session| &session.session_issuer.arn)
            .or(who.arn.as_ref())
            .or(who.identity_provider.as_ref())
            .or(who.invoked_by.as_ref())
            .map_or("", |who| who)
    }

    /// The principal: of a session, its own ARN.
    pub(super) fn principal(&self) -> &str {
        self.user_identity.arn.as_deref().unwrap_or(self.identity())
    }

    /// The ARNs of what it came to, and of what it made.
    pub(super) fn resources(&self) -> impl Iterator<Item = &str> {
        let named = || self.resources.iter().map(|resource| &*resource.arn);
        let made = self.response_elements.iter().flat_map(MadeKeys::arns);
        named().chain(made.filter(move |made| named().all(|arn| arn != *made)))
    }

    /// The approval request that it is about.
    pub(super) fn approval(&self) -> Option<&str> {
        self.additional_event_data.as_ref()?.approval_id.as_deref()
    }
}

/// The parameters of a record, as JSON.
pub(super) fn parameters(record: &[u8]) -> Option<Value> {
    let parameters: Parameters = serde_json::from_slice(record).ok()?;
    parameters.request_parameters
}
