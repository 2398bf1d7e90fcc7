//! The operations, and the one pipeline that every request passes.
//!
//! One file per operation, named as AWS names it: `Input`, output, `access`, and what it does.
//! [`Operation`] says what the pipeline needs to know; a [`Use`] reads or uses keys, a [`Change`]
//! changes metadata in a transaction that also holds its audit record.

pub mod access;
pub mod authorized;
mod caller;
pub mod credential;
mod dispatch;
pub mod quota;

pub mod agreement;
pub mod aliases;
pub mod approvals;
pub mod data_keys;
pub mod encryption;
pub mod evidence;
pub mod grants;
pub mod identities;
pub mod import;
pub mod key_stores;
pub mod keys;
pub mod leftover;
mod list;
pub mod mac;
pub mod made;
mod metrics;
pub mod multi_region;
mod page;
pub mod policies;
pub mod random;
pub mod rotation;
pub mod signing;
pub mod sts;
pub mod tags;
mod tokens;
pub mod usage;
pub mod versions;

pub use access::Access;
pub use authorized::{Authorized, PolicyCache};
pub use caller::{Claim, Proof, Session, WebIdentity};
pub use list::{OperationName, answer};
pub use metrics::{PipelineMetrics, Step};
pub use tokens::{Cluster, Tokens};

pub use crate::authz::Principal;

use crate::audit::Audit;
use crate::clock::Clock;
use crate::model::member::Decode;
use crate::model::names;
use crate::model::{DataKeyPairSpec, Region, TraceParent};
use crate::store::{Store, Transaction};
use crate::{Error, ErrorCode};
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a caller whose temporary credentials are over is told.
pub fn expired() -> Error {
    let message = "The security token included in the request is expired";
    Error::new(ErrorCode::ExpiredToken, message)
}

/// What the operations work with.
pub struct Context {
    /// The database.
    pub store: Store,
    /// The tokens.
    pub tokens: Tokens,
    /// The audit log.
    pub audit: Audit,
    /// What evidence is signed with.
    pub audit_key: evidence::AuditKey,
    /// Temporary credentials.
    pub sessions: Arc<sts::SessionTokens>,
    /// Whose tokens may be exchanged for temporary credentials.
    pub issuers: sts::Issuers,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Which calls wait for approvals.
    pub approvals: approvals::Rules,
    /// What is counted of requests.
    pub metrics: PipelineMetrics,
    /// Rates.
    pub quota: Arc<quota::Quota>,
    /// The policies in use.
    pub policies: PolicyCache,
    /// The Regions that the deployment answers for; `None` for any.
    pub regions: Option<Vec<Region>>,
    /// How long one execution may take.
    pub deadline: Duration,
    /// Identifies this process among the gateways of a deployment.
    pub gateway: Uuid,
    /// How long a neighbour keeps off a step on the token that this gateway has begun.
    pub lease: Duration,
}

impl Context {
    /// The Region of requests that say none, those without a signature: the first of them.
    pub fn region(&self) -> Region {
        let first = self.regions.as_ref().and_then(|regions| regions.first());
        // Unwrap safety: it is the name of a Region.
        first
            .cloned()
            .unwrap_or_else(|| Region::parse("us-east-1").unwrap())
    }

    /// Whether the deployment answers for a Region.
    pub fn serves(&self, region: &Region) -> bool {
        self.regions
            .as_ref()
            .is_none_or(|regions| regions.contains(region))
    }
}

/// An authenticated request.
pub struct Request {
    /// The `x-amzn-RequestId` of the answer.
    pub request_id: Uuid,
    /// Who asks.
    pub principal: Principal,
    /// By what they were recognised.
    pub proof: Proof,
    /// From the credential scope.
    pub region: Region,
    /// The peer's address.
    pub source_ip: IpAddr,
    /// `traceparent`.
    pub trace: Option<TraceParent>,
    /// Whether it came over TLS.
    pub secure_transport: bool,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The body; may hold plaintext.
    pub body: Zeroizing<Vec<u8>>,
}

/// What every operation says of itself.
pub trait Operation: Sized + Send + Sync + 'static {
    /// Its name.
    const NAME: OperationName;
    /// CloudTrail's `readOnly`.
    const READ_ONLY: bool = true;
    /// The request.
    type Input: Decode + Send + Sync + 'static;
    /// The answer; `()` where AWS answers with an empty body.
    type Output: serde::Serialize + Send;
    /// Which keys, by which names, in which states.
    ///
    /// # Errors
    /// What can be refused by looking at the input alone.
    fn access(input: &Self::Input) -> Result<Access<'_>, Error>;

    /// The data key pair that the request makes: it is counted by its kind.
    fn data_key_pair(_: &Self::Input) -> Option<DataKeyPairSpec> {
        None
    }

    /// `requestParameters` of the audit record: the members that may be shown, and of those that were
    /// left out the defaults that CloudTrail shows.
    fn parameters(input: &Self::Input) -> Map<String, Value> {
        input.parameters()
    }

    /// What the audit record of a change shows of the answer; all of it, unless said otherwise.
    ///
    /// # Errors
    /// `KMSInternalException`, should it not serialize.
    fn recorded(output: &Self::Output) -> Result<Value, Error> {
        names::recorded(output)
    }

    /// ARNs that the record of a change names beside those of the keys that the request came to:
    /// of the key that it made, of an alias.
    fn further_resources(_: &Self::Input, _: &Self::Output, _: &Request) -> Vec<String> {
        Vec::new()
    }
}

/// An operation that reads metadata or uses keys. It may run more than once for one request.
pub trait Use: Operation {
    /// Does it.
    fn execute(
        input: &Self::Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;

    /// What the audit record shows of the answer; nothing, unless said otherwise.
    fn shown(_: &Self::Output) -> Option<Value> {
        None
    }
}

/// An operation that changes metadata.
pub trait Change: Operation {
    /// The change, on locked rows; runs again if the transaction must be retried.
    fn apply(
        input: &Self::Input,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// A change that begins on the token: every [`Change`] is one, with nothing to do there.
pub trait TokenChange: Operation {
    /// What was done on the token beforehand.
    type Prepared: Send + Sync + 'static;

    /// What must happen on the token before the transaction; recorded by an intent first.
    fn prepare(
        input: &Self::Input,
        call: &Authorized<Self>,
        request: &Request,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Prepared, Error>> + Send;

    /// As [`Change::apply`].
    fn apply(
        input: &Self::Input,
        prepared: &Self::Prepared,
        call: &Authorized<Self>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

impl<O: Change> TokenChange for O {
    type Prepared = ();

    async fn prepare(
        _: &O::Input,
        _: &Authorized<O>,
        _: &Request,
        _: &Context,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(
        input: &O::Input,
        (): &(),
        call: &Authorized<O>,
        request: &Request,
        tx: &Transaction<'_>,
        cx: &Context,
    ) -> Result<O::Output, Error> {
        <O as Change>::apply(input, call, request, tx, cx).await
    }
}
