//! The only pipeline: every operation is executed here and nowhere else.
//!
//! The server has admitted and authenticated (steps 1 and 2); here follow quota, decode, resolve,
//! authorize, state, DryRun, execute, record. A [`Use`] hands its record to the group writer and
//! is run again if a row that it used has changed meanwhile; a [`TokenChange`] writes its record in the
//! transaction of the change.

use super::authorized::{Authorized, Source};
use super::{Context, Operation, Request, TokenChange, Use};
use crate::audit::{Actor, Outcome, Record};
use crate::model::member::Decode;
use crate::store::{Committed, Entry, RowVersion};
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use serde_json::{Map, Value};
use std::sync::Arc;

/// How often a use is computed again because what it used has changed, before it is given up.
const ATTEMPTS: usize = 4;

/// Runs an operation that changes no metadata.
///
/// # Errors
/// What the caller is to be told; a record of it is durable where the log could be written.
pub(super) async fn run_use<O: Use>(request: &Request, cx: &Context) -> Result<Vec<u8>, Error> {
    let input = match begin::<O>(request, cx) {
        Ok(input) => input,
        Err(error) => return Err(refuse::<O>(request, None, error, cx).await),
    };
    let parameters = input.parameters();
    for _ in 0..ATTEMPTS {
        let (call, output) = match attempt::<O>(&input, request, cx).await {
            Ok(done) => done,
            Err(error) => return Err(refuse::<O>(request, Some(&parameters), error, cx).await),
        };
        let outcome = Outcome::Success { response: None };
        let record = record::<O>(request, Some(&parameters), call.resources(), outcome, cx)?;
        let uses = call.uses().chain([request.caller]).collect();
        let entry = Entry {
            request_id: request.request_id,
            record,
            uses,
        };
        if cx.audit.commit(entry).await? == Committed::Durable {
            return encode(&output);
        }
    }
    let error = Error::new(
        ErrorCode::KmsInternal,
        "The key kept changing while it was used; retry.",
    );
    Err(refuse::<O>(request, Some(&parameters), error, cx).await)
}

async fn attempt<O: Use>(
    input: &O::Input,
    request: &Request,
    cx: &Context,
) -> Result<(Authorized<O>, O::Output), Error> {
    let access = O::access(input)?;
    let call = Authorized::<O>::resolve(&access, request, Source::Cache(&cx.store)).await?;
    dry_run_stops(input)?;
    let output = within_deadline(O::execute(input, &call, request, cx), cx).await?;
    Ok((call, output))
}

/// Runs an operation that changes metadata: all of it and its record, or nothing.
///
/// # Errors
/// As [`run_use`].
pub(super) async fn run_change<O: TokenChange>(
    request: &Arc<Request>,
    cx: &Arc<Context>,
) -> Result<Vec<u8>, Error> {
    let input = match begin::<O>(request, cx) {
        Ok(input) => Arc::new(input),
        Err(error) => return Err(refuse::<O>(request, None, error, cx).await),
    };
    let parameters = Arc::new(input.parameters());
    match change::<O>(&input, &parameters, request, cx).await {
        Ok(output) => Ok(output),
        Err(error) => Err(refuse::<O>(request, Some(&parameters), error, cx).await),
    }
}

async fn change<O: TokenChange>(
    input: &Arc<O::Input>,
    parameters: &Arc<Map<String, Value>>,
    request: &Arc<Request>,
    cx: &Arc<Context>,
) -> Result<Vec<u8>, Error> {
    // Once on the cache, so that nothing is prepared on the token for a request that is refused.
    let access = O::access(input)?;
    let call = Authorized::<O>::resolve(&access, request, Source::Cache(&cx.store)).await?;
    dry_run_stops(&**input)?;
    let prepared = Arc::new(within_deadline(O::prepare(input, &call, cx), cx).await?);
    let shared = (
        input.clone(),
        parameters.clone(),
        request.clone(),
        cx.clone(),
        prepared.clone(),
    );
    let done = cx.store.transaction(O::NAME.as_str(), move |tx| {
        let (input, parameters, request, cx, prepared) = shared.clone();
        async move {
            let RowVersion::AccessKey(row, version) = request.caller else {
                return Err(Error::internal("the caller is no access key"));
            };
            let access_key = tx.lock_access_key(&request.access_key_id).await?;
            if !access_key.is_some_and(|k| k.row == row && k.row_version == version && k.enabled) {
                return Err(Error::new(
                    ErrorCode::UnrecognizedClient,
                    super::UNRECOGNIZED,
                ));
            }
            let access = O::access(&input)?;
            let call = Authorized::<O>::resolve(&access, &request, Source::Locked(tx)).await?;
            let output = O::apply(&input, &prepared, &call, &request, tx, &cx).await?;
            let body = encode(&output)?;
            let response = serde_json::to_value(&output).map_err(Error::internal)?;
            let outcome = Outcome::Success {
                response: Some(response),
            };
            let record = record::<O>(&request, Some(&parameters), call.resources(), outcome, &cx)?;
            tx.record(request.request_id, &record).await?;
            Ok(body)
        }
        .boxed()
    });
    done.await
}

/// Steps 3 and 4.
fn begin<O: Operation>(request: &Request, cx: &Context) -> Result<O::Input, Error> {
    cx.quota.check(&request.principal.account)?;
    O::Input::decode(&request.body)
}

fn dry_run_stops(input: &impl Decode) -> Result<(), Error> {
    if input.dry_run() {
        let message = "The request would have succeeded, but the DryRun option is set.";
        return Err(Error::new(ErrorCode::DryRunOperation, message));
    }
    Ok(())
}

async fn within_deadline<T>(
    work: impl Future<Output = Result<T, Error>>,
    cx: &Context,
) -> Result<T, Error> {
    tokio::time::timeout(cx.deadline, work)
        .await
        .unwrap_or_else(|_| {
            let message =
                "The operation did not end within its deadline. The request can be retried.";
            Err(Error::new(ErrorCode::DependencyTimeout, message))
        })
}

/// Records a failure; answers what the caller is told. If the record cannot be written, that is
/// what the caller is told.
async fn refuse<O: Operation>(
    request: &Request,
    parameters: Option<&Map<String, Value>>,
    error: Error,
    cx: &Context,
) -> Error {
    if error.code().status() >= 500 {
        log::error!("{} {}: {error}", O::NAME, request.request_id);
    }
    let entry = record::<O>(
        request,
        parameters,
        Vec::new(),
        Outcome::Failure(&error),
        cx,
    )
    .map(|record| Entry {
        request_id: request.request_id,
        record,
        uses: Vec::new(),
    });
    let entry = match entry {
        Ok(entry) => entry,
        Err(failure) => return failure,
    };
    match cx.audit.commit(entry).await {
        Ok(_) => error,
        Err(failure) => failure,
    }
}

fn record<O: Operation>(
    request: &Request,
    parameters: Option<&Map<String, Value>>,
    resources: Vec<String>,
    outcome: Outcome<'_>,
    cx: &Context,
) -> Result<Vec<u8>, Error> {
    Record {
        time: cx.clock.now(),
        request_id: request.request_id,
        event_name: O::NAME.as_str(),
        region: request.region.as_str(),
        actor: Actor::Caller(&request.principal, &request.access_key_id),
        source_ip: Some(request.source_ip),
        user_agent: request.user_agent.as_deref(),
        read_only: O::READ_ONLY,
        parameters,
        resources,
        outcome,
    }
    .to_bytes()
}

/// `()` is AWS's empty answer: no body at all.
fn encode<T: serde::Serialize>(output: &T) -> Result<Vec<u8>, Error> {
    let body = serde_json::to_vec(output).map_err(Error::internal)?;
    Ok(if body == b"null" { Vec::new() } else { body })
}
