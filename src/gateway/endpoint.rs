//! What the server asks of the house: credentials, answers, readiness.

use crate::Error;
use crate::metrics::{self, Metrics};
use crate::model::{Region, TraceParent};
use crate::operation::credential::{Credential, Credentials};
use crate::operation::{self, Context, OperationName, Principal, Proof, Request, Step};
use crate::server::Endpoint;
use crate::token::TokenStatus;
use crate::worker::Notices;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use uuid::Uuid;

/// Whose lines those of requests are in the log.
const REQUESTS: &str = "strongroom::request";

/// What is our fault is always told; the rest the audit log has.
fn level(error: Option<&Error>) -> log::Level {
    match error {
        Some(error) if error.code().status() >= 500 => log::Level::Error,
        _ => log::Level::Debug,
    }
}

/// The pipeline as the server sees it.
pub(super) struct Gate {
    context: Arc<Context>,
    credentials: Credentials,
    /// Those of the server and the workers.
    metrics: Metrics,
    notices: Notices,
}

impl Gate {
    pub(super) fn new(
        context: Arc<Context>,
        credentials: Credentials,
        metrics: Metrics,
        notices: Notices,
    ) -> Self {
        Self {
            context,
            credentials,
            metrics,
            notices,
        }
    }
}

impl Endpoint for Gate {
    fn now(&self) -> OffsetDateTime {
        self.context.clock.now()
    }

    fn serves(&self, region: &Region) -> bool {
        self.context.serves(region)
    }

    fn user<'a>(&'a self, arn: &'a str) -> BoxFuture<'a, Result<Option<Principal>, Error>> {
        self.credentials.user(arn).boxed()
    }

    fn credential<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        source_ip: IpAddr,
    ) -> BoxFuture<'a, Result<Option<Arc<Credential>>, Error>> {
        let now = self.now();
        self.credentials
            .lookup(access_key_id, session_token, source_ip, now)
            .boxed()
    }

    fn web_identity<'a>(
        &'a self,
        role_arn: &'a str,
        token: &'a SecretString,
    ) -> BoxFuture<'a, Result<(Principal, Proof), Error>> {
        let clock = &*self.context.clock;
        self.context
            .issuers
            .identify(role_arn, token, clock)
            .boxed()
    }

    fn region(&self) -> Region {
        self.context.region()
    }

    fn answer(
        &self,
        name: OperationName,
        request: Request,
    ) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        async move {
            let begun = Instant::now();
            let (request_id, trace) = (request.request_id, request.trace);
            let answer = operation::answer(name, request, &self.context).await;
            let (error, took) = (answer.as_ref().err(), begun.elapsed());
            self.context.metrics.answered(name, error, took);
            log::log!(
                target: REQUESTS,
                level(error),
                request_id:%,
                operation:% = name,
                outcome = error.map_or("success", |error| error.code().name()),
                seconds = took.as_secs_f64(),
                trace_id = trace.map(TraceParent::trace_id).as_deref(),
                parent_id = trace.map(TraceParent::parent_id).as_deref();
                "{}",
                error.map_or_else(|| "answered".to_owned(), Error::to_string)
            );
            answer
        }
        .boxed()
    }

    fn failed(&self, source_ip: IpAddr) -> Result<(), Error> {
        self.context.quota.count_failure(source_ip)
    }

    fn rejected(&self, request_id: Uuid, trace: Option<TraceParent>, error: &Error) {
        self.context.metrics.rejected(error);
        log::log!(
            target: REQUESTS,
            level(Some(error)),
            request_id:%,
            outcome = error.code().name(),
            trace_id = trace.map(TraceParent::trace_id).as_deref(),
            parent_id = trace.map(TraceParent::parent_id).as_deref();
            "{error}"
        );
    }

    fn took(&self, step: Step, time: Duration) {
        self.context.metrics.took(step, time);
    }

    fn readiness(&self) -> BoxFuture<'_, Vec<(&'static str, Result<(), String>)>> {
        async move {
            let token = match self.context.tokens.home().status() {
                TokenStatus::Ready { .. } => self
                    .context
                    .tokens
                    .home()
                    .ping()
                    .await
                    .map_err(|error| error.to_string()),
                TokenStatus::Away(why) | TokenStatus::Operator(why) => Err(why),
            };
            let database = self
                .context
                .store
                .ping()
                .await
                .map_err(|error| error.to_string());
            vec![("token", token), ("database", database)]
        }
        .boxed()
    }

    fn notices(&self) -> Vec<(&'static str, String)> {
        self.notices.all()
    }

    fn metrics(&self) -> String {
        let Context {
            metrics,
            tokens,
            store,
            audit,
            ..
        } = &*self.context;
        let sets = [
            metrics.gather(),
            tokens.metrics(),
            store.metrics(),
            audit.metrics(),
            self.metrics.gather(),
        ];
        metrics::text(sets.into_iter().flatten())
    }
}
