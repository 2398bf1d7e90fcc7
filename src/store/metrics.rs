//! What is counted at the database and its cache.

use super::cache::Address;
use super::error::StoreError;
use super::row_mac::REFUSED;
use crate::metrics::{Gauge, Histogram, IntCounter, Metrics};

/// What the cache is asked for.
const ROWS: [&str; 6] = [
    "key",
    "alias",
    "grant",
    "access_key",
    "identity",
    "key_store",
];

/// The same; in their order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Looked {
    Key,
    Alias,
    Grant,
    AccessKey,
    Identity,
    KeyStore,
}

impl Looked {
    pub(super) fn up(address: &Address) -> Self {
        match address {
            Address::Key(..) | Address::Version(..) => Self::Key,
            Address::Alias(..) => Self::Alias,
            Address::Grant(..) => Self::Grant,
            Address::AccessKey(..) => Self::AccessKey,
            Address::Identity(..) => Self::Identity,
            Address::KeyStore(..) | Address::KeyStoreRow(..) => Self::KeyStore,
        }
    }
}

/// The metrics of the store.
pub(super) struct StoreMetrics {
    pub(super) set: Metrics,
    pub(super) waited: Histogram,
    pub(super) connects: IntCounter,
    errors: [IntCounter; 3],
    in_use: Gauge,
    idle: Gauge,
    most: Gauge,
    waiting: Gauge,
    pub(super) listening: Gauge,
    hits: [IntCounter; 6],
    misses: [IntCounter; 6],
    pub(super) absences: IntCounter,
    pub(super) cached: Gauge,
}

impl StoreMetrics {
    pub(super) fn new() -> Self {
        let set = Metrics::default();
        let [in_use, idle] = set.gauges(
            "strongroom_database_connections",
            "Connections of the pool.",
            "state",
            ["in_use", "idle"],
        );
        set.share(&REFUSED);
        Self {
            waited: set.seconds(
                "strongroom_database_connection_wait_seconds",
                "How long it took to get a connection from the pool, or none.",
            ),
            connects: set.counter(
                "strongroom_database_connects_total",
                "Connections that the pool has made.",
            ),
            errors: set.counters(
                "strongroom_database_errors_total",
                "What went wrong at the database.",
                "kind",
                ["connect", "deadline", "statement"],
            ),
            in_use,
            idle,
            most: set.gauge(
                "strongroom_database_connections_max",
                "Connections that the pool may have.",
            ),
            waiting: set.gauge(
                "strongroom_database_connection_waiters",
                "How many wait for a connection.",
            ),
            listening: set.gauge(
                "strongroom_database_listening",
                "1 while this gateway hears what others change.",
            ),
            hits: set.counters(
                "strongroom_cache_hits_total",
                "Rows that were in memory when they were asked for.",
                "row",
                ROWS,
            ),
            misses: set.counters(
                "strongroom_cache_misses_total",
                "Rows that were not.",
                "row",
                ROWS,
            ),
            absences: set.counter(
                "strongroom_cache_absences_total",
                "Misses for which the database was not asked: the row is known not to exist.",
            ),
            cached: set.gauge("strongroom_cache_rows", "Rows in memory."),
            set,
        }
    }

    pub(super) fn looked_up(&self, row: Looked, found: bool) {
        match found {
            true => self.hits[row as usize].inc(),
            false => self.misses[row as usize].inc(),
        }
    }

    pub(super) fn error(&self, error: &StoreError) {
        match error {
            StoreError::Connect(_) => self.errors[0].inc(),
            StoreError::Deadline(_) => self.errors[1].inc(),
            StoreError::Statement { .. } => self.errors[2].inc(),
            _ => {}
        }
    }

    pub(super) fn pool(&self, status: &deadpool_postgres::Status) {
        self.in_use
            .set(status.size.saturating_sub(status.available) as f64);
        self.idle.set(status.available as f64);
        self.most.set(status.max_size as f64);
        self.waiting.set(status.waiting as f64);
    }
}
