//! A job: work for a session thread, and the caller who waits for its answer.

use super::error::{TokenError, TokenErrorClass};
use super::session::TokenSession;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A job with its types hidden, as it stands in a queue.
pub(super) trait Job: Send {
    /// Whether the caller has gone: deadline, or the request was cancelled.
    fn is_abandoned(&self) -> bool;
    /// How long it has stood in the queue.
    fn waited(&self) -> Duration;
    /// Does the work, and keeps the outcome.
    fn attempt(&mut self, session: &mut TokenSession);
    /// The error of the last attempt.
    fn error(&self) -> Option<&TokenError>;
    /// Whether the work may be done again after a session was lost in the midst of it.
    fn is_idempotent(&self) -> bool;
    /// Takes the outcome for an error that says more, or for the first.
    fn fail(&mut self, error: TokenError);
    /// Gives the outcome to the caller.
    fn answer(self: Box<Self>);
}

/// The one kind of job.
pub(super) struct Work<T, F> {
    pub(super) work: F,
    pub(super) idempotent: bool,
    pub(super) outcome: Option<Result<T, TokenError>>,
    pub(super) caller: oneshot::Sender<Result<T, TokenError>>,
    pub(super) queued: Instant,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnMut(&mut TokenSession) -> Result<T, TokenError> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn waited(&self) -> Duration {
        self.queued.elapsed()
    }

    fn attempt(&mut self, session: &mut TokenSession) {
        self.outcome = Some((self.work)(session).map_err(|error| session.refine(error)));
    }

    fn error(&self) -> Option<&TokenError> {
        self.outcome.as_ref()?.as_ref().err()
    }

    fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    fn fail(&mut self, error: TokenError) {
        self.outcome = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| {
            Err(TokenError::new(
                TokenErrorClass::Bug,
                "queue",
                "a job was answered before it was done",
            ))
        });
        // The caller may have gone meanwhile; then nobody misses the answer.
        let _ = self.caller.send(outcome);
    }
}
