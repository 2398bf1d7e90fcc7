//! How many GCM encryptions a key version has made.
//!
//! Counted in memory against blocks reserved in the database: a crash loses the rest of a block,
//! so it over-counts and never under-counts.

use super::Store;
use super::pool::Connections;
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use quick_cache::sync::Cache;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// What is reserved first, and at most: each block is twice the one before, so that a gateway that
/// starts often wastes little and one that is busy asks seldom.
const FIRST_BLOCK: u64 = 1 << 10;
const LARGEST_BLOCK: u64 = 1 << 20;
/// With random 96-bit IVs, of one key. At half of it the worker rotates the key
/// ([`Store::worn_keys`]); what it cannot rotate is refused here in the end.
/// Source: NIST SP 800-38D section 8.3.
pub(super) const LIMIT: u64 = 1 << 32;

const RESERVE: &str = "/* gcm::reserve */
    insert into gcm_reservation as g (version, reserved) values ($1, $2)
    on conflict (version) do update set reserved = g.reserved + $2 where g.reserved + $2 <= $3
    returning reserved";

/// One key version's block.
#[derive(Default)]
struct Block {
    left: AtomicU64,
    /// The last block's length; held by whoever reserves the next, so that a crowd reserves one.
    refill: tokio::sync::Mutex<u64>,
}

/// The blocks of this gateway, of the keys that encrypted lately: what is left of one that is
/// forgotten is lost, as after a crash.
pub(super) struct Blocks(Cache<Uuid, Arc<Block>>);

impl Blocks {
    /// Of as many versions.
    pub(super) fn new(versions: usize) -> Self {
        Self(Cache::new(versions.max(1)))
    }

    fn of(&self, version: Uuid) -> Arc<Block> {
        self.0.get(&version).unwrap_or_else(|| {
            let block = self
                .0
                .get_or_insert_with(&version, || Ok::<_, Infallible>(Arc::default()));
            block.unwrap_or_else(|never| match never {})
        })
    }
}

impl Block {
    fn take(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    }

    /// Reserves a block, of which one is taken at once.
    async fn refill(&self, connections: &Connections, version: Uuid) -> Result<(), Error> {
        let mut last = self.refill.lock().await;
        if self.take() {
            return Ok(());
        }
        let block = (*last * 2).clamp(FIRST_BLOCK, LARGEST_BLOCK);
        let reserved = connections
            .get()
            .await?
            .query_opt(RESERVE, &[&version, &(block as i64), &(LIMIT as i64)])
            .await?;
        if reserved.is_none() {
            return Err(Error::new(
                ErrorCode::LimitExceeded,
                "The key has made as many encryptions as one version of it may make (2^32): \
                 rotate the key.",
            ));
        }
        self.left.fetch_add(block - 1, Ordering::Relaxed);
        *last = block;
        Ok(())
    }
}

impl Store {
    /// Counts one GCM encryption under `version` against the block reserved by this gateway,
    /// reserving the next block where it is used up.
    ///
    /// # Errors
    /// `LimitExceededException` once 2^32 would be passed; those of the database.
    pub async fn count_gcm_invocation(&self, version: Uuid) -> Result<(), Error> {
        let block = self.shared.gcm.of(version);
        if block.take() {
            return Ok(());
        }
        let refill = block.refill(&self.shared.connections, version).boxed();
        tokio::time::timeout(self.shared.deadline, refill)
            .await
            .map_err(|_| self.shared.late("gcm::reserve"))?
    }
}
