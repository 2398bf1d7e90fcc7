//! The group writers: requests hand over their records and wait for the group's commit.

use crate::store::{Committed, Entry, Store};
use crate::{Error, ErrorCode};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};

/// The most records in one commit.
const GROUP: usize = 512;
/// Groups on their way at a time. With one, whoever comes while it is on its way waits for two
/// commits: their latency was the other tenants' doing.
const WRITERS: usize = 2;
/// Records that may wait for a commit; one more request is refused.
const WAITING: usize = 8192;

type Answer = Result<Committed, Error>;
type Waiting = (Entry, oneshot::Sender<Answer>);

/// The way into the audit log for requests that change nothing. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    queue: mpsc::Sender<Waiting>,
}

impl Audit {
    /// Starts the writers on the current runtime; they end when the last clone is dropped.
    pub fn start(store: Store) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..WRITERS {
            tokio::spawn(write_groups(store.clone(), waiting.clone()));
        }
        Self { queue }
    }

    /// Waits until the entry is durable, or known to be stale.
    ///
    /// # Errors
    /// `ThrottlingException` if too many wait; `DependencyTimeoutException` or
    /// `KMSInternalException` if it could not be written: the caller must give out no result.
    pub async fn commit(&self, entry: Entry) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send((entry, answer)).map_err(|_| {
            Error::new(
                ErrorCode::Throttling,
                "Too many requests wait for the audit log; retry.",
            )
        })?;
        answered
            .await
            .map_err(|_| Error::internal("the audit writer is gone"))?
    }
}

async fn write_groups(store: Store, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.lock().await.recv_many(&mut group, GROUP).await > 0 {
        let (entries, answers): (Vec<Entry>, Vec<_>) = group.drain(..).unzip();
        match store.commit_group(&entries).await {
            Ok(committed) => {
                for (answer, committed) in answers.into_iter().zip(committed) {
                    let _ = answer.send(Ok(committed)); // the caller may have gone
                }
            }
            Err(error) => {
                log::error!(
                    "audit: a group of {} records was not written: {error}",
                    entries.len()
                );
                for answer in answers {
                    let _ = answer.send(Err(Error::new(error.code(), error.message())));
                }
            }
        }
    }
}
