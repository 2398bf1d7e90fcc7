//! Another tenant, who asks for more than is theirs while the gateway is measured.

use super::kms::{Kms, target};
use crate::Error;
use crate::cli::client::{Connection, Endpoint};
use crate::token::BaselineOperation as Operation;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::Interval;

/// What they ask for.
const OPERATION: Operation = Operation::Encrypt;
/// By so many connections, so that one that waits does not keep the rate down.
const CONNECTIONS: u32 = 8;
/// How long they may take to use up what a quota lets them have at once.
const BURST: Duration = Duration::from_secs(3);

/// The tenant.
pub(super) struct Noise {
    kms: Arc<Kms>,
    /// A thread of their own: what is measured does not wait for them in this process.
    runtime: Runtime,
    per_second: u32,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    refused: AtomicU64,
    milliseconds: AtomicU64,
}

/// The tenant at work; they stop when told.
pub(super) struct Running {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Result<(), Error>>>,
    begun: Instant,
    refused_before: u64,
    counts: Arc<Counts>,
}

impl Noise {
    /// The tenant whose access key a file has, as `strongroom init --out` writes it; makes their key.
    ///
    /// # Errors
    /// There is no such file, or what the gateway answers.
    pub(super) async fn prepare(url: &str, file: &Path, per_second: u32) -> Result<Self, Error> {
        let mut kms = Kms::new(Endpoint::new(url)?.speaking_for(file)?);
        kms.prepare(&[OPERATION], 0, &AtomicBool::new(false))
            .await?;
        Ok(Self {
            kms: Arc::new(kms),
            runtime: Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(Error::internal)?,
            per_second,
            counts: Arc::default(),
        })
    }

    /// Begins to make it.
    ///
    /// # Errors
    /// There is no key.
    pub(super) fn start(&self) -> Result<Running, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let each = Duration::from_secs(1) * CONNECTIONS / self.per_second.max(1);
        let body: Arc<[u8]> = self.kms.input(OPERATION)?.to_string().into_bytes().into();
        let one = |nth: u32| {
            let (kms, body) = (self.kms.clone(), body.clone());
            let (stop, counts) = (stop.clone(), self.counts.clone());
            // In turn: a rate is so much a second, not bursts of as many as there are connections.
            let first = tokio::time::Instant::now() + each * nth / CONNECTIONS;
            let due = tokio::time::interval_at(first, each);
            self.runtime
                .spawn(async move { make(kms.endpoint(), &body, due, &stop, &counts).await })
        };
        Ok(Running {
            refused_before: self.counts.refused.load(Ordering::Relaxed),
            tasks: (0..CONNECTIONS).map(one).collect(),
            stop,
            begun: Instant::now(),
            counts: self.counts.clone(),
        })
    }

    /// What they got of what they wanted.
    pub(super) fn text(&self) -> String {
        let seconds = self.counts.milliseconds.load(Ordering::Relaxed) as f64 / 1000.0;
        let rate = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / seconds.max(0.001);
        format!(
            "The other tenant asked for {} Encrypts a second: {:.0} were answered, {:.0} refused.",
            self.per_second,
            rate(&self.counts.answered),
            rate(&self.counts.refused)
        )
    }

    /// Schedules the deletion of their key.
    ///
    /// # Errors
    /// What the gateway answers.
    pub(super) async fn clean_up(&self) -> Result<(), Error> {
        tokio::time::sleep(Duration::from_secs(1)).await; // or it would be refused as well
        self.kms.clean_up().await.map(drop)
    }
}

impl Running {
    /// Waits until they are refused for the first time, or all that they ask for seems to be theirs.
    /// Until then they use the burst that their quota allows, which is not to be held against it.
    pub(super) async fn throttled(&self) {
        let before = self.refused_before;
        while self.counts.refused.load(Ordering::Relaxed) == before && self.begun.elapsed() < BURST
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it is quiet.
    ///
    /// # Errors
    /// A connection broke: the measurement was not what it was to be.
    pub(super) async fn stop(self) -> Result<(), Error> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.map_err(Error::internal)??;
        }
        let milliseconds = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.counts
            .milliseconds
            .fetch_add(milliseconds, Ordering::Relaxed);
        Ok(())
    }
}

/// One connection's part.
async fn make(
    endpoint: &Endpoint,
    body: &[u8],
    mut due: Interval,
    stop: &AtomicBool,
    counts: &Counts,
) -> Result<(), Error> {
    let mut connection = Connection::open(endpoint).await?;
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    while !stop.load(Ordering::Relaxed) {
        due.tick().await;
        let count = match connection.call(target(OPERATION), body).await {
            Ok(_) => &counts.answered,
            Err(error) if error.message().contains("ThrottlingException") => &counts.refused,
            Err(error) => return Err(error),
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
