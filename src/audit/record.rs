//! One record, shaped as CloudTrail's so that existing tools read it.
//!
//! Sources: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html>.

use super::user_identity::UserIdentity;
use crate::Error;
use crate::authz::Principal;
use crate::model::{AccountId, TraceParent};
use openssl::sha::Sha256;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::net::IpAddr;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::{NoContext, Timestamp, Uuid};

/// The `eventSource` of what AWS KMS would record, and of the gateway's own.
pub const KMS: &str = "kms.amazonaws.com";
/// Of what AWS STS would.
pub const STS: &str = "sts.amazonaws.com";

/// The `eventName` of what a gateway records where the log goes on after a restore, and has lost its end.
pub const RESUMED: &str = "ResumeAuditLog";

/// What is recorded of a request. Plaintexts, ciphertexts and secrets are in none of it.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Record<'a> {
    pub time: OffsetDateTime,
    pub request_id: Uuid,
    /// [`KMS`] or [`STS`].
    pub event_source: &'a str,
    pub event_name: &'a str,
    pub region: &'a str,
    pub actor: Actor<'a>,
    pub source_ip: Option<IpAddr>,
    pub user_agent: Option<&'a str>,
    /// The trace that the caller says it is part of.
    pub trace: Option<TraceParent>,
    pub read_only: bool,
    pub parameters: Option<&'a Map<String, Value>>,
    /// ARNs of the keys that the request came to or made, of an alias, of the role.
    pub resources: Vec<String>,
    pub outcome: Outcome<'a>,
    /// The approval request that it waited for.
    pub approval: Option<Approval>,
}

impl<'a> Record<'a> {
    /// What no request has asked for: a change that succeeded, with an id of its own.
    pub fn unasked(
        time: OffsetDateTime,
        event_name: &'a str,
        region: &'a str,
        actor: Actor<'a>,
    ) -> Self {
        Self {
            time,
            request_id: request_id(time),
            event_source: KMS,
            event_name,
            region,
            actor,
            source_ip: None,
            user_agent: None,
            trace: None,
            read_only: false,
            parameters: None,
            resources: Vec::new(),
            outcome: Outcome::Success { response: None },
            approval: None,
        }
    }
}

/// As a request's is: it begins with the time (RFC 9562 section 5.7).
fn request_id(time: OffsetDateTime) -> Uuid {
    let seconds = u64::try_from(time.unix_timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, time.nanosecond()))
}

/// Who acted.
#[derive(Debug, Clone, Copy)]
pub enum Actor<'a> {
    /// A caller.
    Caller(Caller<'a>),
    /// The gateway itself, in an account: what the worker does when it is due.
    Worker(&'a AccountId),
    /// Whoever ran `strongroom reconcile`, for an account. They had the token's PIN and the
    /// database's password; nobody else vouches for who they are.
    Operator(&'a AccountId),
    /// Likewise whoever ran `strongroom audit`, and had the database's password.
    Auditor(&'a AccountId),
    /// Whoever ran `strongroom init --ceremony`, for the account that it made.
    Ceremony(&'a AccountId),
}

/// A caller, and by what they were recognised.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// The access key that signed, where one did.
    pub access_key_id: Option<&'a str>,
    /// When the session began, where it is one.
    pub issued: Option<OffsetDateTime>,
    /// The name that an OIDC issuer has for them.
    pub subject: Option<&'a str>,
    /// The SHA-256 fingerprint of their client certificate, where that alone said who they are.
    pub certificate: Option<&'a str>,
}

/// Dual control: the approval request for a call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Its id.
    pub approval_id: String,
    /// Whose approvals the call was executed on; none where it waits for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
}

/// How the request ended.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Outcome<'a> {
    Success { response: Option<Value> },
    Failure(&'a Error),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    event_version: &'a str,
    event_time: String,
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: String,
    user_agent: Option<&'a str>,
    user_identity: UserIdentity<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Option<&'a Map<String, Value>>,
    response_elements: Option<Cow<'a, Value>>,
    #[serde(rename = "requestID")]
    request_id: Uuid,
    #[serde(rename = "eventID")]
    event_id: Uuid,
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_event_data: Option<AdditionalEventData<'a>>,
    resources: Vec<Resource<'a>>,
    event_type: &'a str,
    management_event: bool,
    event_category: &'a str,
    recipient_account_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalEventData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_parent: Option<String>,
    #[serde(flatten)]
    approval: Option<&'a Approval>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    account_id: &'a str,
    r#type: &'a str,
    #[serde(rename = "ARN")]
    arn: &'a str,
}

const KEY: &str = "AWS::KMS::Key";
/// Most records have no more.
const EXPECTED_BYTES: usize = 1024;

impl<'a> Resource<'a> {
    fn of(arn: &'a str) -> Self {
        // arn:aws:SERVICE:REGION:ACCOUNT:WHAT
        let mut parts = arn.splitn(6, ':').skip(2);
        let (service, account_id) = (parts.next(), parts.nth(1));
        let alias = parts.next().is_some_and(|what| what.starts_with("alias/"));
        Self {
            account_id: account_id.unwrap_or_default(),
            r#type: match service {
                Some("iam") => "AWS::IAM::Role",
                _ if alias => "AWS::KMS::Alias",
                _ => KEY,
            },
            arn,
        }
    }
}

/// The id of the record of what happened in a request. It follows from the rest, so that whoever
/// knows the request and the event finds the record, and nobody has to remember its id.
pub fn event_id(request_id: Uuid, event_name: &str, error_code: Option<&str>) -> Uuid {
    let mut digest = Sha256::new();
    digest.update(b"strongroom event ");
    digest.update(request_id.as_bytes());
    for part in [event_name, " ", error_code.unwrap_or_default()] {
        digest.update(part.as_bytes());
    }
    let mut id = [0; 16];
    id.copy_from_slice(&digest.finish()[..16]);
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

/// The only key among them. Of a change of one key that is answered with nothing, CloudTrail's
/// `responseElements` has its ARN.
fn the_key<'a>(resources: &[Resource<'a>]) -> Option<&'a str> {
    let mut keys = resources.iter().filter(|resource| resource.r#type == KEY);
    let first = keys.next()?;
    keys.next().is_none().then_some(first.arn)
}

/// Of what is answered with nothing, or with an empty structure.
fn is_empty(response: &Value) -> bool {
    response.is_null() || response.as_object().is_some_and(Map::is_empty)
}

impl Record<'_> {
    fn additional(&self) -> Option<AdditionalEventData<'_>> {
        let client_certificate = match self.actor {
            Actor::Caller(caller) => caller.certificate,
            Actor::Worker(_) | Actor::Operator(_) | Actor::Auditor(_) | Actor::Ceremony(_) => None,
        };
        let approval = self.approval.as_ref();
        let any = client_certificate.is_some() || self.trace.is_some() || approval.is_some();
        any.then(|| AdditionalEventData {
            client_certificate,
            trace_parent: self.trace.map(|trace| trace.to_string()),
            approval,
        })
    }

    /// The record's exact bytes: the leaf of the log.
    ///
    /// # Errors
    /// `KMSInternalException`, should a part not serialize.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let (response, error) = match &self.outcome {
            Outcome::Success { response } => (response.as_ref(), None),
            Outcome::Failure(error) => (None, Some(*error)),
        };
        let resources: Vec<_> = self.resources.iter().map(|arn| Resource::of(arn)).collect();
        let changed = error.is_none() && !self.read_only;
        let response = response.filter(|response| !is_empty(response));
        let key = changed.then(|| the_key(&resources)).flatten();
        let response_elements = match (response, key) {
            (Some(response), _) => Some(Cow::Borrowed(response)),
            (None, key) => key.map(|arn| Cow::Owned(json!({"keyId": arn}))),
        };
        let error_code = error.map(|error| error.code().name());
        let user_identity = UserIdentity::of(self.actor)?;
        let recipient_account_id = user_identity.account_id;
        let event = Event {
            event_version: "1.11",
            event_time: self.time.format(&Rfc3339).map_err(Error::internal)?,
            event_source: self.event_source,
            event_name: self.event_name,
            aws_region: self.region,
            source_ip_address: self
                .source_ip
                .map_or_else(|| "strongroom.internal".to_owned(), |ip| ip.to_string()),
            user_agent: self.user_agent,
            user_identity,
            error_code,
            error_message: error.map(Error::message),
            request_parameters: self.parameters,
            response_elements,
            request_id: self.request_id,
            event_id: event_id(self.request_id, self.event_name, error_code),
            read_only: self.read_only,
            additional_event_data: self.additional(),
            resources,
            event_type: "AwsApiCall",
            management_event: true,
            event_category: "Management",
            recipient_account_id,
        };
        let mut bytes = Vec::with_capacity(EXPECTED_BYTES);
        serde_json::to_writer(&mut bytes, &event).map_err(Error::internal)?;
        Ok(bytes)
    }
}
