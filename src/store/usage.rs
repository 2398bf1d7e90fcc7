//! When keys were last used: noted in memory, and written now and then. Nothing is decided by it,
//! so a crash may lose the last seconds, and a full memory the keys that came last.

use super::pool::column;
use super::{Key, KeyUse, Store};
use crate::Error;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

/// The most keys that are noted; each takes about 60 bytes.
const MOST: usize = 1 << 16;
/// The most rows of one statement.
const BATCH: usize = 1 << 12;

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

/// What this gateway has noted and not written yet.
#[derive(Default)]
pub(super) struct Uses {
    noted: Mutex<HashMap<Uuid, KeyUse>>,
    filling: Notify,
}

impl Uses {
    fn noted(&self) -> MutexGuard<'_, HashMap<Uuid, KeyUse>> {
        self.noted.lock().unwrap_or_else(|p| p.into_inner())
    }

    /// The newest wins.
    fn note(&self, key: Uuid, newer: KeyUse) {
        let mut noted = self.noted();
        let full = noted.len() >= MOST;
        match noted.get_mut(&key) {
            Some(known) if known.at < newer.at => *known = newer,
            None if !full => {
                noted.insert(key, newer);
                if noted.len() == MOST / 2 {
                    self.filling.notify_one();
                }
            }
            _ => {}
        }
    }
}

impl Store {
    /// Notes a use of the key whose row is `key`. Costs no I/O.
    pub fn note_use(&self, key: Uuid, used: KeyUse) {
        self.shared.uses.note(key, used);
    }

    /// Waits until so much is noted that it should be written before its time.
    pub async fn uses_fill_up(&self) {
        self.shared.uses.filling.notified().await;
    }

    /// Writes what is noted. What could not be written stays noted, for the next time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write_uses(&self) -> Result<(), Error> {
        let noted = std::mem::take(&mut *self.shared.uses.noted());
        let noted: Vec<(Uuid, KeyUse)> = noted.into_iter().collect();
        let mut batches = noted.chunks(BATCH);
        while let Some(batch) = batches.next() {
            if let Err(error) = self.write_batch(batch).await {
                let rest = batches.flatten();
                for (key, used) in batch.iter().chain(rest) {
                    self.note_use(*key, *used);
                }
                return Err(error);
            }
        }
        Ok(())
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
        let noted = self.shared.uses.noted().get(&key.row).copied();
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
        let uses = Uses::default();
        for n in 0..=MOST as u128 {
            uses.note(Uuid::from_u128(n), used(2));
        }
        let first = Uuid::from_u128(0);
        uses.note(first, used(1));
        assert_eq!(uses.noted()[&first].at, used(2).at);
        uses.note(first, used(3));
        assert_eq!(uses.noted()[&first].at, used(3).at);
        assert_eq!(uses.noted().len(), MOST);
    }

    #[test]
    fn half_full_is_time_to_write() {
        let uses = Uses::default();
        for n in 1..MOST as u128 / 2 {
            uses.note(Uuid::from_u128(n), used(1));
        }
        assert!(uses.filling.notified().now_or_never().is_none());
        uses.note(Uuid::from_u128(0), used(1));
        assert!(uses.filling.notified().now_or_never().is_some());
    }
}
