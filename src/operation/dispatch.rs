//! The only pipeline: every operation is executed here and nowhere else.
//!
//! The server has admitted and authenticated (steps 1 and 2); here follow quota, decode, resolve,
//! authorize, state, approval, DryRun, execute, record. A [`Use`] hands its record to the group writers and
//! is run again if a row that it used has changed meanwhile; a [`TokenChange`] writes its record in the
//! transaction of the change.

mod waiting;

use super::authorized::{Authorized, Seen, Source};
use super::quota::Throttled;
use super::{Context, Operation, Proof, Request, Step, TokenChange, Use, approvals, leftover};
use crate::audit::{self, Outcome, Record};
use crate::model::member::{Decode, DryRun};
use crate::store::{AccessKeyUse, Committed, Entry, KeyUse};
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

/// How often a use is computed again because what it used has changed, before it is given up.
const ATTEMPTS: usize = 4;

/// Runs an operation that changes no metadata.
///
/// # Errors
/// What the caller is to be told; a record of it is durable where the log could be written.
pub(super) async fn run_use<O: Use>(request: &Request, cx: &Context) -> Result<Vec<u8>, Error> {
    let input = begin::<O>(request, cx).await?;
    let parameters = O::parameters(&input);
    let mut counted = false;
    for _ in 0..ATTEMPTS {
        let mut seen = Seen::default();
        let answer = attempt::<O>(&input, request, &mut counted, &mut seen, cx).await;
        let answer = match answer {
            Err(error) if error.cause::<Throttled>().is_some() => return Err(error),
            answer => answer,
        };
        let outcome = match &answer {
            Ok(output) => Outcome::Success {
                response: O::shown(output),
            },
            Err(error) => Outcome::Failure(error),
        };
        let keys = seen.keys();
        match conclude::<O>(request, Some(&parameters), seen, outcome, cx).await? {
            Committed::Durable => {
                let output = answer?;
                note_use::<O>(&keys, request, cx);
                return encode(&output);
            }
            Committed::Stale => {}
        }
    }
    Err(unsettled())
}

/// What GetKeyLastUsage is to say of the keys that a successful cryptographic operation used.
fn note_use<O: Use>(keys: &[Uuid], request: &Request, cx: &Context) {
    let Ok(operation) = O::NAME.as_str().parse() else {
        return;
    };
    let used = KeyUse {
        operation,
        at: cx.clock.now(),
        request_id: request.request_id,
    };
    for key in keys {
        cx.store.note_use(*key, used);
    }
}

/// What GetAccessKeyLastUsed is to say of the access key that signed, whatever comes of the request.
fn note_access_key<O: Operation>(request: &Request, cx: &Context) {
    let (Proof::AccessKey(id), Some((service, _))) =
        (&request.proof, O::NAME.action().split_once(':'))
    else {
        return;
    };
    let used = AccessKeyUse {
        at: cx.clock.now(),
        service: service.into(),
        region: request.region.clone(),
    };
    cx.store.note_access_key_use(id, used);
}

/// `counted`: whether the quotas that ask who may have counted the request. They do so once.
async fn attempt<O: Use>(
    input: &O::Input,
    request: &Request,
    counted: &mut bool,
    seen: &mut Seen,
    cx: &Context,
) -> Result<O::Output, Error> {
    let call = authorize::<O>(input, request, seen, cx).await?;
    if !*counted {
        cx.quota.count_trusted(O::NAME, request)?;
        cx.quota.count_use(&call, request)?;
        *counted = true;
    }
    let output = within_deadline(O::execute(input, &call, request, cx), cx).await?;
    kept(output, input)
}

/// Runs an operation that changes metadata: all of it and its record, or nothing.
///
/// # Errors
/// As [`run_use`].
pub(super) async fn run_change<O: TokenChange>(
    request: &Arc<Request>,
    cx: &Arc<Context>,
) -> Result<Vec<u8>, Error> {
    let input = Arc::new(begin::<O>(request, cx).await?);
    let parameters = Arc::new(O::parameters(&input));
    for _ in 0..ATTEMPTS {
        let mut seen = Seen::default();
        // On the cache first, so that nothing is prepared on the token for what is refused.
        let error = match prepare::<O>(&input, request, &mut seen, cx).await {
            Ok(Some(prepared)) => {
                match apply::<O>(&input, prepared, &parameters, request, cx).await {
                    Ok(body) => return Ok(body),
                    // Found on locked rows: it is so, whatever the cache had.
                    Err(error) => {
                        seen.uses.clear();
                        error
                    }
                }
            }
            Ok(None) => match waiting::ask::<O>(&input, &parameters, request, cx).await {
                Ok(approvals::Asked::Waits(error)) => return Err(error),
                Ok(approvals::Asked::Approved) => continue,
                Err(error) => {
                    seen.uses.clear();
                    error
                }
            },
            Err(error) => error,
        };
        let outcome = Outcome::Failure(&error);
        match conclude::<O>(request, Some(&parameters), seen, outcome, cx).await? {
            Committed::Durable => return Err(error),
            Committed::Stale => {}
        }
    }
    Err(unsettled())
}

/// `None` for what waits for approvals: nothing is prepared on the token for that either.
async fn prepare<O: TokenChange>(
    input: &O::Input,
    request: &Request,
    seen: &mut Seen,
    cx: &Context,
) -> Result<Option<O::Prepared>, Error> {
    let call = authorize::<O>(input, request, seen, cx).await?;
    if let Some(guard) = approvals::guard(input, &call, &seen.resources, request, cx).await?
        && !approvals::is_approved(&guard, cx).await?
    {
        return Ok(None);
    }
    let prepared = within_deadline(O::prepare(input, &call, request, cx), cx).await?;
    Ok(Some(prepared))
}

async fn apply<O: TokenChange>(
    input: &Arc<O::Input>,
    prepared: O::Prepared,
    parameters: &Arc<Map<String, Value>>,
    request: &Arc<Request>,
    cx: &Arc<Context>,
) -> Result<Vec<u8>, Error> {
    let shared = (
        input.clone(),
        Arc::new(prepared),
        parameters.clone(),
        request.clone(),
        cx.clone(),
    );
    let done = cx.store.transaction(O::NAME.as_str(), move |tx| {
        let (input, prepared, parameters, request, cx) = shared.clone();
        async move {
            let mut seen = Seen::default();
            let source = Source::Locked(tx);
            let call = resolve::<O>(&input, &request, source, &mut seen, &cx).await?;
            let guard = approvals::guard(&*input, &call, &seen.resources, &request, &cx).await?;
            let approval = match &guard {
                Some(guard) => Some(approvals::consume(guard, tx).await?),
                None => None,
            };
            let output = O::apply(&input, &prepared, &call, &request, tx, &cx).await?;
            let output = kept(output, &*input)?;
            let body = encode(&output)?;
            let outcome = Outcome::Success {
                response: Some(O::recorded(&output)?),
            };
            let mut named = seen.resources;
            named.extend(O::further_resources(&input, &output, &request));
            let record = record::<O>(&request, Some(&parameters), named, outcome, approval, &cx)?;
            tx.record(request.request_id, &record).await?;
            Ok((body, tx.left()))
        }
        .boxed()
    });
    let changing = cx.metrics.step(Step::Change);
    let (body, left) = done.await?;
    drop(changing);
    leftover::destroy_all(&left, cx).await;
    Ok(body)
}

fn unsettled() -> Error {
    let message = "What the request uses kept changing meanwhile. The request can be retried.";
    Error::new(ErrorCode::KmsInternal, message)
}

/// Steps 3 and 4. A request beyond a quota is counted and not recorded: recording it would cost
/// what the quota is to save.
async fn begin<O: Operation>(request: &Request, cx: &Context) -> Result<O::Input, Error> {
    let _decoding = cx.metrics.step(Step::Decode);
    cx.quota.count_request(O::NAME, request)?;
    note_access_key::<O>(request, cx);
    match O::Input::decode(&request.body) {
        Ok(input) => {
            if let Some(spec) = O::data_key_pair(&input) {
                cx.quota.count_pair(spec, request)?;
            }
            Ok(input)
        }
        Err(error) => {
            let outcome = Outcome::Failure(&error);
            conclude::<O>(request, None, Seen::default(), outcome, cx).await?;
            Err(error)
        }
    }
}

/// Steps 5 to 7, on the cache or on locked rows.
async fn resolve<O: Operation>(
    input: &O::Input,
    request: &Request,
    source: Source<'_>,
    seen: &mut Seen,
    cx: &Context,
) -> Result<Authorized<O>, Error> {
    let access = O::access(input)?.of(input);
    Authorized::resolve(&access, request, cx.clock.now(), source, seen, &cx.policies).await
}

/// Steps 5 to 8, on the cache.
async fn authorize<O: Operation>(
    input: &O::Input,
    request: &Request,
    seen: &mut Seen,
    cx: &Context,
) -> Result<Authorized<O>, Error> {
    let authorizing = cx.metrics.step(Step::Authorize);
    let call = resolve::<O>(input, request, Source::Cache(&cx.store), seen, cx).await?;
    drop(authorizing);
    if let Some(DryRun::Authorization) = input.dry_run() {
        return Err(would_have_succeeded());
    }
    for store in call.needed() {
        cx.tokens.of_store(store).await?;
    }
    Ok(call)
}

/// What came of an operation, unless it was a dry run: that is done to its end, so that it fails
/// where the request would, and nothing of it stays. No operation that has DryRun begins on the
/// token; an error ends the transaction of a change.
fn kept<T>(output: T, input: &impl Decode) -> Result<T, Error> {
    match input.dry_run() {
        Some(_) => Err(would_have_succeeded()),
        None => Ok(output),
    }
}

fn would_have_succeeded() -> Error {
    let message = "The request would have succeeded, but the DryRun option is set.";
    Error::new(ErrorCode::DryRunOperation, message)
}

async fn within_deadline<T>(
    work: impl Future<Output = Result<T, Error>>,
    cx: &Context,
) -> Result<T, Error> {
    let _executing = cx.metrics.step(Step::Execute);
    tokio::time::timeout(cx.deadline, work)
        .await
        .unwrap_or_else(|_| {
            let message =
                "The operation did not end within its deadline. The request can be retried.";
            Err(Error::new(ErrorCode::DependencyTimeout, message))
        })
}

/// Step 10, for what changed nothing: the record is durable, or what it depended on has changed.
///
/// # Errors
/// The record cannot be written: that is what the caller is told, and nothing else.
async fn conclude<O: Operation>(
    request: &Request,
    parameters: Option<&Map<String, Value>>,
    seen: Seen,
    outcome: Outcome<'_>,
    cx: &Context,
) -> Result<Committed, Error> {
    let record = record::<O>(request, parameters, seen.resources, outcome, None, cx)?;
    let entry = Entry {
        request_id: request.request_id,
        record,
        uses: seen.uses,
    };
    let _recording = cx.metrics.step(Step::Record);
    cx.audit.commit(entry).await
}

fn record<O: Operation>(
    request: &Request,
    parameters: Option<&Map<String, Value>>,
    resources: Vec<String>,
    outcome: Outcome<'_>,
    approval: Option<audit::Approval>,
    cx: &Context,
) -> Result<Vec<u8>, Error> {
    Record {
        time: cx.clock.now(),
        request_id: request.request_id,
        event_source: match O::NAME.is_sts() {
            true => audit::STS,
            false => audit::KMS,
        },
        event_name: O::NAME.as_str(),
        region: request.region.as_str(),
        actor: request.actor(),
        source_ip: Some(request.source_ip),
        user_agent: request.user_agent.as_deref(),
        trace: request.trace,
        read_only: O::READ_ONLY,
        parameters,
        resources,
        outcome,
        approval,
    }
    .to_bytes()
}

/// `()` is AWS's empty answer: no body at all.
fn encode<T: serde::Serialize>(output: &T) -> Result<Vec<u8>, Error> {
    let body = serde_json::to_vec(output).map_err(Error::internal)?;
    Ok(if body == b"null" { Vec::new() } else { body })
}
