//! The group writers: requests hand over their records and wait for the group's commit.

use super::metrics::AuditMetrics;
use crate::metrics::MetricFamily;
use crate::store::{Committed, Entry, Store};
use crate::version::UNAUDITED;
use crate::{Error, ErrorCode};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

/// The most records in one commit.
const GROUP: usize = 512;
/// Groups on their way at a time. With one, whoever comes while it is on its way waits for two
/// commits: their latency was the other tenants' doing.
const WRITERS: usize = 2;
/// After a group of so many one goes at a time: by what they share in a commit, many are served sooner.
const MANY: usize = 4;
/// Records that may wait for a commit; one more request is refused.
const WAITING: usize = 8192;

type Answer = Result<Committed, Error>;

/// A record that waits for its commit, since when, and who waits with it.
type Waiting = (Entry, Instant, oneshot::Sender<Answer>);

/// The way into the audit log for requests that change nothing. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    queue: mpsc::Sender<Waiting>,
    metrics: Arc<AuditMetrics>,
}

impl Audit {
    /// Starts the writers, next to the database's connections; they end when the last clone is dropped.
    pub fn start(store: Store) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let metrics = Arc::new(AuditMetrics::new());
        let turn = Arc::new(Mutex::new(Turn {
            waiting,
            many: false,
        }));
        let ways = Arc::new(Semaphore::new(WRITERS));
        for _ in 0..WRITERS {
            let writer = write_groups(store.clone(), turn.clone(), ways.clone(), metrics.clone());
            store.spawn(writer);
        }
        Self { queue, metrics }
    }

    /// Its metrics, as they stand.
    pub fn metrics(&self) -> Vec<MetricFamily> {
        let waiting = self.queue.max_capacity() - self.queue.capacity();
        self.metrics.waiting.set(waiting as f64);
        self.metrics.set.gather()
    }

    /// Waits until the entry is durable, or known to be stale.
    ///
    /// # Errors
    /// `ThrottlingException` if too many wait; `DependencyTimeoutException` or
    /// `KMSInternalException` if it could not be written: the caller must give out no result.
    pub async fn commit(&self, entry: Entry) -> Answer {
        let (answer, answered) = oneshot::channel();
        let waiting = (entry, Instant::now(), answer);
        self.queue.try_send(waiting).map_err(|_| {
            self.metrics.refused.inc();
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

/// What the writer has whose turn it is to take a group.
struct Turn {
    waiting: mpsc::Receiver<Waiting>,
    /// Whether the last group was of [`MANY`].
    many: bool,
}

async fn write_groups(
    store: Store,
    turn: Arc<Mutex<Turn>>,
    ways: Arc<Semaphore>,
    metrics: Arc<AuditMetrics>,
) {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        let mut mine = turn.lock().await;
        // Taken before the group is, which has then everybody who waits.
        let many = if mine.many { WRITERS as u32 } else { 1 };
        let Ok(_way) = ways.acquire_many(many).await else {
            return;
        };
        if mine.waiting.recv_many(&mut group, GROUP).await == 0 {
            return;
        }
        mine.many = group.len() >= MANY;
        drop(mine);
        let split = |(entry, since, answer): Waiting| (entry, (since, answer));
        let (entries, answers): (Vec<Entry>, Vec<_>) = group.drain(..).map(split).unzip();
        metrics.group.observe(entries.len() as f64);
        let begun = Instant::now();
        let group_committed = match UNAUDITED {
            false => store.commit_group(&entries).await,
            true => Ok(vec![Committed::Durable; entries.len()]),
        };
        metrics.commit.observe(begun.elapsed().as_secs_f64());
        match group_committed {
            Ok(committed) => {
                for ((since, answer), committed) in answers.into_iter().zip(committed) {
                    metrics.lag.observe(since.elapsed().as_secs_f64());
                    metrics.committed(committed);
                    let _ = answer.send(Ok(committed)); // the caller may have gone
                }
            }
            Err(error) => {
                log::error!(
                    "audit: a group of {} records was not written: {error}",
                    entries.len()
                );
                metrics.failed.inc_by(answers.len() as u64);
                for (_, answer) in answers {
                    let _ = answer.send(Err(Error::new(error.code(), error.message())));
                }
            }
        }
    }
}
