//! Forwards the audit log's records, or its checkpoints, to where the configuration says: each at
//! least once, in order, by one gateway at a time. The position is the database's.

mod deliver;
mod metrics;
mod syslog;

pub use metrics::ForwardMetrics;

use super::retry::{Complaints, pause_for};
use crate::Error;
use crate::model::Destination;
use crate::operation::Context;
use crate::store::Transaction;
use futures_util::FutureExt;
use metrics::Counts;
use std::sync::Arc;
use std::time::Duration;
use syslog::Sender;
use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};

/// Between two looks at what is new.
const EVERY: Duration = Duration::from_millis(500);
/// Records in one transaction.
const TOGETHER: i64 = 256;

/// A place to forward to.
#[derive(Debug, Clone)]
pub struct ForwardSettings {
    /// By which its position is kept.
    pub name: String,
    /// Where it is.
    pub to: Destination,
    /// Checkpoints, in the place of records.
    pub checkpoints: bool,
    /// Also what was there before it was first named.
    pub history: bool,
}

/// One message.
#[derive(Debug, Clone)]
struct Message {
    /// What its number is of.
    kind: &'static str,
    leaf: u64,
    time: OffsetDateTime,
    body: Vec<u8>,
}

/// Forwards to one place, until `stop` turns true.
pub async fn run(
    cx: Arc<Context>,
    settings: ForwardSettings,
    metrics: ForwardMetrics,
    mut stop: watch::Receiver<bool>,
) {
    let counts = metrics.of(&settings.name);
    let forwarding = Arc::new(Forwarding {
        sender: Sender {
            host: Sender::host(),
            deployment: cx.store.deployment().to_string(),
        },
        settings,
        one: Arc::new(Semaphore::new(1)),
    });
    let mut complaints = Complaints::default();
    loop {
        let pause = match forwarding.round(&cx, &counts).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => EVERY,
            Err(error) => {
                counts.failures.inc();
                let ForwardSettings { name, to, .. } = &forwarding.settings;
                complaints.add(format_args!("forwarding to {name} ({to})"), &error)
            }
        };
        if pause_for(pause, &mut stop).await {
            return;
        }
    }
}

struct Forwarding {
    settings: ForwardSettings,
    sender: Sender,
    /// What hangs is not joined by more that hangs.
    one: Arc<Semaphore>,
}

impl Forwarding {
    /// Whether there may be more.
    async fn round(self: &Arc<Self>, cx: &Context, counts: &Counts) -> Result<bool, Error> {
        let forwarding = self.clone();
        let done = cx.store.transaction("forward", move |tx| {
            let forwarding = forwarding.clone();
            async move { forwarding.some(tx).await }.boxed()
        });
        let Some((next, many)) = done.await? else {
            return Ok(false);
        };
        counts.forwarded.inc_by(many);
        let figures = cx.store.audit_figures().await?;
        let end = match self.settings.checkpoints {
            true => figures.signed,
            false => figures.size,
        };
        counts.behind.set(end.saturating_sub(next) as f64);
        Ok(many >= TOGETHER as u64)
    }

    /// Where it is afterwards, and how many were forwarded; `None` where another gateway is at it.
    async fn some(&self, tx: &Transaction<'_>) -> Result<Option<(u64, u64)>, Error> {
        let ForwardSettings {
            name,
            to,
            checkpoints,
            history,
        } = &self.settings;
        let Some(from) = tx.lock_forward(name, *history, *checkpoints).await? else {
            return Ok(None);
        };
        let (messages, next) = match checkpoints {
            true => checkpoints_from(tx, from).await?,
            false => records_from(tx, from).await?,
        };
        let many = messages.len() as u64;
        if many > 0 {
            let place = self.one.clone().try_acquire_owned();
            let place = place.map_err(|_| Error::internal("the last attempt still hangs"))?;
            deliver::deliver(to.clone(), self.sender.clone(), messages, place).await?;
        }
        if next > from {
            tx.forwarded(name, next).await?;
        }
        Ok(Some((next, many)))
    }
}

async fn records_from(tx: &Transaction<'_>, leaf: u64) -> Result<(Vec<Message>, u64), Error> {
    let found = tx.records_from(leaf, TOGETHER).await?;
    let messages = found.items.into_iter().map(|record| Message {
        kind: "leaf",
        leaf: record.leaf,
        time: record.written_at,
        body: record.record,
    });
    Ok((messages.collect(), found.next))
}

async fn checkpoints_from(tx: &Transaction<'_>, size: u64) -> Result<(Vec<Message>, u64), Error> {
    let found = tx.checkpoints_from(size, TOGETHER).await?;
    let message = |checkpoint: crate::store::Checkpoint| Message {
        kind: "checkpoint",
        leaf: checkpoint.size,
        time: checkpoint.made_at,
        // As an export has it.
        body: serde_json::json!({"note": checkpoint.note})
            .to_string()
            .into_bytes(),
    };
    Ok((found.items.into_iter().map(message).collect(), found.next))
}
