//! When keys and access keys were last used: noted in memory, and written now and then. Nothing is
//! decided by it, so a crash may lose the last seconds, and a full memory the keys that came last.

use super::pool::column;
use super::{Key, KeyUse, Store};
use crate::Error;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard};
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

/// The most keys that are noted; each takes about 60 bytes.
const MOST: usize = 1 << 16;
/// The most rows of one statement.
pub(super) const BATCH: usize = 1 << 12;

// In the order of the keys, so that two gateways that write wait for each other in turn.
const WRITE: &str = "/* usage::write */ insert into key_usage as u (key, operation, used, request_id) \
    select n.key, n.operation, n.used, n.request_id \
    from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[]) \
        as n (key, operation, used, request_id) \
    where exists (select from kms_key k where k.id = n.key) \
    order by n.key \
    on conflict (key) do update \
    set operation = excluded.operation, used = excluded.used, request_id = excluded.request_id \
    where u.used < excluded.used";
const LAST: &str = "/* usage::last */ select d.usage_since, u.operation, u.used, u.request_id \
    from deployment d left join key_usage u on u.key = $1";

/// A use of something, some time.
pub(super) trait Use: Clone {
    /// When.
    fn at(&self) -> OffsetDateTime;
}

impl Use for KeyUse {
    fn at(&self) -> OffsetDateTime {
        self.at
    }
}

/// What this gateway has noted and not written yet: the last use of each `K`.
pub(super) struct Uses<K, U> {
    noted: Mutex<HashMap<K, U>>,
    filling: Notify,
}

impl<K, U> Default for Uses<K, U> {
    fn default() -> Self {
        Self {
            noted: Mutex::default(),
            filling: Notify::new(),
        }
    }
}

impl<K: Eq + Hash + Clone, U: Use> Uses<K, U> {
    fn noted(&self) -> MutexGuard<'_, HashMap<K, U>> {
        self.noted.lock().unwrap_or_else(|p| p.into_inner())
    }

    /// The newest wins.
    pub(super) fn note<Q>(&self, key: &Q, newer: U)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let mut noted = self.noted();
        let full = noted.len() >= MOST;
        match noted.get_mut(key) {
            Some(known) if known.at() < newer.at() => *known = newer,
            None if !full => {
                noted.insert(key.to_owned(), newer);
                if noted.len() == MOST / 2 {
                    self.filling.notify_one();
                }
            }
            _ => {}
        }
    }

    /// What is noted of one.
    pub(super) fn last<Q>(&self, key: &Q) -> Option<U>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.noted().get(key).cloned()
    }

    /// All that is noted, which is noted no more.
    pub(super) fn take(&self) -> Vec<(K, U)> {
        std::mem::take(&mut *self.noted()).into_iter().collect()
    }

    /// Notes again what could not be written.
    pub(super) fn put_back<'u>(&self, uses: impl Iterator<Item = &'u (K, U)>)
    where
        K: ToOwned<Owned = K> + 'u,
        U: 'u,
    {
        for (key, used) in uses {
            self.note(key, used.clone());
        }
    }
}

impl Store {
    /// Notes a use of the key whose row is `key`. Costs no I/O.
    pub fn note_use(&self, key: Uuid, used: KeyUse) {
        self.shared.uses.note(&key, used);
    }

    /// Waits until so much is noted that it should be written before its time.
    pub async fn uses_fill_up(&self) {
        tokio::select! {
            () = self.shared.uses.filling.notified() => {}
            () = self.shared.access_key_uses.filling.notified() => {}
        }
    }

    /// Writes what is noted. What could not be written stays noted, for the next time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write_uses(&self) -> Result<(), Error> {
        let access_keys = self.write_access_key_uses().await;
        let noted = self.shared.uses.take();
        let mut batches = noted.chunks(BATCH);
        while let Some(batch) = batches.next() {
            if let Err(error) = self.write_batch(batch).await {
                let rest = batches.flatten();
                self.shared.uses.put_back(batch.iter().chain(rest));
                return Err(error);
            }
        }
        access_keys
    }

    async fn write_batch(&self, batch: &[(Uuid, KeyUse)]) -> Result<(), Error> {
        let keys: Vec<Uuid> = batch.iter().map(|(key, _)| *key).collect();
        let operations: Vec<&str> = batch.iter().map(|(_, u)| u.operation.as_str()).collect();
        let times: Vec<OffsetDateTime> = batch.iter().map(|(_, u)| u.at).collect();
        let requests: Vec<Uuid> = batch.iter().map(|(_, u)| u.request_id).collect();
        let connection = self.shared.connections.get().await?;
        connection
            .execute(WRITE, &[&keys, &operations, &times, &requests])
            .await?;
        Ok(())
    }

    /// A key's last use that is written or that this gateway has noted, and since when uses have
    /// been noted at all.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn last_use(&self, key: &Key) -> Result<(Option<KeyUse>, OffsetDateTime), Error> {
        let noted = self.shared.uses.last(&key.row);
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(LAST, &[&key.row]).await?;
        let operation: Option<&str> = column(&row, "operation")?;
        // A text that means nothing was not written by a gateway, and is as good as none.
        let written = match operation.and_then(|operation| operation.parse().ok()) {
            Some(operation) => Some(KeyUse {
                operation,
                at: column(&row, "used")?,
                request_id: column(&row, "request_id")?,
            }),
            None => None,
        };
        let last = noted.into_iter().chain(written).max_by_key(|used| used.at);
        Ok((last, column(&row, "usage_since")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shapes::KeyLastUsageTrackingOperation as Operation;
    use futures_util::FutureExt;

    fn used(seconds: i64) -> KeyUse {
        KeyUse {
            operation: Operation::Encrypt,
            at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds),
            request_id: Uuid::nil(),
        }
    }

    #[test]
    fn the_newest_is_kept_and_memory_is_bounded() {
        let uses = Uses::<Uuid, KeyUse>::default();
        for n in 0..=MOST as u128 {
            uses.note(&Uuid::from_u128(n), used(2));
        }
        let first = Uuid::from_u128(0);
        uses.note(&first, used(1));
        assert_eq!(uses.noted()[&first].at, used(2).at);
        uses.note(&first, used(3));
        assert_eq!(uses.noted()[&first].at, used(3).at);
        assert_eq!(uses.noted().len(), MOST);
    }

    #[test]
    fn half_full_is_time_to_write() {
        let uses = Uses::<Uuid, KeyUse>::default();
        for n in 1..MOST as u128 / 2 {
            uses.note(&Uuid::from_u128(n), used(1));
        }
        assert!(uses.filling.notified().now_or_never().is_none());
        uses.note(&Uuid::from_u128(0), used(1));
        assert!(uses.filling.notified().now_or_never().is_some());
    }
}
