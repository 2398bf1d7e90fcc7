//! What the server asks of the house: credentials, answers, readiness.

use crate::Error;
use crate::metrics::Metrics;
use crate::model::Region;
use crate::operation::credential::{Credential, Credentials};
use crate::operation::quota::Throttled;
use crate::operation::{self, Context, OperationName, Principal, Proof, Request};
use crate::server::Endpoint;
use crate::token::TokenStatus;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use time::OffsetDateTime;

/// The pipeline as the server sees it.
pub(super) struct Gate {
    context: Arc<Context>,
    credentials: Credentials,
    metrics: Metrics,
}

impl Gate {
    pub(super) fn new(context: Arc<Context>, credentials: Credentials) -> Result<Self, Error> {
        let metrics = Metrics::new().map_err(Error::internal)?;
        Ok(Self {
            context,
            credentials,
            metrics,
        })
    }

    fn throttled(&self, error: &Error) {
        if let Some(Throttled(quota)) = error.cause() {
            self.metrics.throttled(quota);
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
            let answer = operation::answer(name, request, &self.context).await;
            let outcome = answer
                .as_ref()
                .map_or_else(|error| error.code().name(), |_| "success");
            self.metrics
                .request(name.as_str(), outcome, begun.elapsed());
            if let Err(error) = &answer {
                self.throttled(error);
            }
            answer
        }
        .boxed()
    }

    fn failed(&self, source_ip: IpAddr) -> Result<(), Error> {
        self.context.quota.count_failure(source_ip)
    }

    fn rejected(&self, error: &Error) {
        self.metrics.rejected(error.code().name());
        self.throttled(error);
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

    fn metrics(&self) -> String {
        self.metrics.text()
    }
}
