//! What was read lately. It may lag behind the database: what makes it safe is that the rows a
//! result was computed from are checked again when its record is written.

use super::key_at::KeyAt;
use super::lists::Lists;
use super::metrics::{Looked, StoreMetrics};
use super::{AccessKey, Alias, Candidate, Grant, Identity, Key, KeyStore, RowVersion};
use crate::Error;
use crate::model::{AccountId, Region};
use futures_util::future::BoxFuture;
use quick_cache::DefaultHashBuilder;
use quick_cache::sync::Cache as Map;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long an access key that does not exist is not asked for again. What else does not exist is
/// believed not to until it is made, or asking for it would take longer than for what does exist.
const ABSENT_FOR: Duration = Duration::from_secs(2);
/// How much of that is remembered: whoever guesses names fills no memory.
const ABSENT_ENTRIES: usize = 4096;

/// How a row is asked for; a key that is there by its [`KeyAt`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Key(AccountId, Region, String),
    Alias(AccountId, Region, String),
    Version(Region, Uuid),
    /// By a token that was found to be genuine.
    Grant(String),
    AccessKey(String),
    /// By its ARN.
    Identity(String),
    KeyStore(AccountId, Region, String),
    KeyStoreRow(Uuid),
}

/// What a row holds.
#[derive(Debug, Clone)]
pub(super) enum Record {
    Key(Arc<Key>),
    Alias(Arc<Alias>),
    Grant(Arc<Grant>),
    AccessKey(Arc<AccessKey>),
    Identity(Arc<Identity>),
    KeyStore(Arc<KeyStore>),
}

/// Records by their rows, and rows by their addresses. In two steps, so that a row can be forgotten
/// by its id alone, which is what a notification and a stale entry name; a row never changes its
/// address, so the first step may stay.
pub(super) struct Cache {
    rows: Map<Address, Uuid>,
    /// The rows of keys, by the hashes of their addresses: there are very many, and a key says itself
    /// whether it is the one that was asked for.
    keys: Map<u64, Uuid>,
    hasher: DefaultHashBuilder,
    records: Map<Uuid, Record>,
    /// The names of all aliases of a key, by its row and the version that the key then had: whatever
    /// changes them raises it.
    pub(super) aliases: Lists<(Uuid, i64), String>,
    /// All that a grantee has of the key of a row.
    pub(super) grants: Lists<(Uuid, String), Candidate>,
    absent: Map<Address, Instant>,
    generation: AtomicU64,
    follower: OnceLock<Follower>,
    metrics: Arc<StoreMetrics>,
}

/// Told of every row that is forgotten, or `None` for all: what was made of it is to go as well.
pub(super) type Follower = Box<dyn Fn(Option<Uuid>) + Send + Sync>;

impl Cache {
    pub(super) fn new(entries: usize, metrics: Arc<StoreMetrics>) -> Self {
        let entries = entries.max(1);
        Self {
            rows: Map::new(entries.saturating_mul(2)),
            // A key has its own address, and one for each version that ciphertexts name.
            keys: Map::new(entries.saturating_mul(4)),
            hasher: DefaultHashBuilder::default(),
            records: Map::new(entries),
            aliases: Lists::new(entries),
            grants: Lists::new(entries),
            absent: Map::new(ABSENT_ENTRIES),
            generation: AtomicU64::new(0),
            follower: OnceLock::new(),
            metrics,
        }
    }

    pub(super) fn set_follower(&self, follower: Follower) -> Result<(), Follower> {
        self.follower.set(follower)
    }

    pub(super) fn get(&self, address: &Address) -> Option<Record> {
        let row = self.rows.get(address);
        let record = row.and_then(|row| self.records.get(&row));
        self.metrics
            .looked_up(Looked::up(address), record.is_some());
        record
    }

    pub(super) fn key(&self, at: KeyAt<'_>) -> Option<Arc<Key>> {
        let row = self.keys.get(&self.hasher.hash_one(at));
        let key = match row.and_then(|row| self.records.get(&row)) {
            Some(Record::Key(key)) if at.is_of(&key) => Some(key),
            _ => None,
        };
        self.metrics.looked_up(Looked::Key, key.is_some());
        key
    }

    /// A grant, by its row alone.
    pub(super) fn get_row(&self, row: Uuid) -> Option<Record> {
        let record = self.records.get(&row);
        self.metrics.looked_up(Looked::Grant, record.is_some());
        record
    }

    pub(super) fn is_absent(&self, address: &Address) -> bool {
        let since = self.absent.get(address);
        let lasts = !matches!(address, Address::AccessKey(_));
        let absent = since.is_some_and(|since| lasts || since.elapsed() < ABSENT_FOR);
        self.metrics.absences.inc_by(absent.into());
        absent
    }

    /// How many rows it holds.
    pub(super) fn rows(&self) -> usize {
        self.records.len()
    }

    /// To be asked for before a row is read, and given to `put` with what was read.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Keeps what was read, unless something was forgotten meanwhile: it may have been this.
    pub(super) fn put(&self, generation: u64, address: Address, row: Uuid, record: Record) {
        if self.generation() == generation {
            self.records.insert(row, record);
            self.rows.insert(address, row);
        }
    }

    /// The same for a key.
    pub(super) fn put_key(&self, generation: u64, at: KeyAt<'_>, key: &Arc<Key>) {
        if self.generation() == generation {
            let record = Record::Key(Arc::clone(key));
            self.records.insert(key.row, record);
            self.keys.insert(self.hasher.hash_one(at), key.row);
        }
    }

    /// The same for what is asked for by its row.
    pub(super) fn put_row(&self, generation: u64, row: Uuid, record: Record) {
        if self.generation() == generation {
            self.records.insert(row, record);
        }
    }

    pub(super) fn put_grants(&self, generation: u64, of: (Uuid, String), list: &Arc<[Candidate]>) {
        if self.generation() == generation {
            self.grants.put(of, list);
        }
    }

    pub(super) fn put_aliases(&self, generation: u64, of: (Uuid, i64), list: &Arc<[String]>) {
        if self.generation() == generation {
            self.aliases.put(of, list);
        }
    }

    pub(super) fn put_absent(&self, generation: u64, address: Address) {
        if self.generation() == generation {
            self.absent.insert(address, Instant::now());
        }
    }

    /// What `read` finds for who is not its owner: that there is nothing is remembered, so that asking
    /// for what is not there takes no longer than asking for what is. On the heap, as `pool.rs` says.
    pub(super) async fn or_absent<T>(
        &self,
        address: Address,
        read: BoxFuture<'_, Result<Option<T>, Error>>,
    ) -> Result<Option<T>, Error> {
        if self.is_absent(&address) {
            return Ok(None);
        }
        let generation = self.generation();
        let found = read.await?;
        if found.is_none() {
            self.put_absent(generation, address);
        }
        Ok(found)
    }

    /// If it may be an alias, the names of all go with it: a gateway of the version before this one
    /// does not raise the version of its key.
    pub(super) fn forget(&self, row: Uuid) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let known = self.records.remove(&row);
        if known.is_none_or(|(_, record)| matches!(record, Record::Alias(_))) {
            self.aliases.clear();
        }
        self.tell(Some(row));
    }

    fn tell(&self, row: Option<Uuid>) {
        if let Some(follower) = self.follower.get() {
            follower(row);
        }
    }

    /// That it is absent.
    pub(super) fn forget_address(&self, address: &Address) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.absent.remove(address);
    }

    /// Which aliases there are, as `forget` does.
    pub(super) fn forget_aliases(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.aliases.clear();
    }

    /// Which grants there are.
    pub(super) fn forget_grants(&self, of: &(Uuid, String)) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.grants.forget(of);
    }

    pub(super) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.rows.clear();
        self.keys.clear();
        self.records.clear();
        self.aliases.clear();
        self.grants.clear();
        self.absent.clear();
        self.tell(None);
    }
}

impl RowVersion {
    /// The row, whatever its kind.
    pub(super) fn row(self) -> Uuid {
        match self {
            RowVersion::Key(row, _)
            | RowVersion::Alias(row, _)
            | RowVersion::Grant(row, _)
            | RowVersion::AccessKey(row, _)
            | RowVersion::Identity(row, _)
            | RowVersion::KeyStore(row, _) => row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn alias(row: Uuid) -> (Address, Record) {
        let account = AccountId::parse("111122223333").unwrap();
        let region = Region::parse("us-east-1").unwrap();
        let alias = Alias {
            row,
            row_version: 1,
            account: account.clone(),
            region: region.clone(),
            name: "alias/a".into(),
            key_id: "k".into(),
            created: OffsetDateTime::UNIX_EPOCH,
            updated: OffsetDateTime::UNIX_EPOCH,
        };
        let address = Address::Alias(account, region, "alias/a".into());
        (address, Record::Alias(Arc::new(alias)))
    }

    #[test]
    fn what_is_forgotten_while_it_is_read_is_not_kept() {
        let cache = Cache::new(8, Arc::new(StoreMetrics::new()));
        let row = Uuid::from_u128(1);
        let (address, record) = alias(row);
        let before = cache.generation();
        cache.forget(row);
        cache.put(before, address.clone(), row, record.clone());
        assert!(cache.get(&address).is_none());
        cache.put(cache.generation(), address.clone(), row, record);
        assert!(cache.get(&address).is_some());
        cache.forget(row);
        assert!(cache.get(&address).is_none());
    }

    #[test]
    fn the_names_of_aliases_go_with_what_may_be_an_alias() {
        let cache = Cache::new(8, Arc::new(StoreMetrics::new()));
        let (row, key) = (Uuid::from_u128(1), (Uuid::from_u128(2), 1));
        let (address, record) = alias(row);
        let names = Arc::from(["alias/a".to_owned()]);
        let forgetting: [&dyn Fn(); 3] = [
            &|| cache.forget(row),
            &|| {
                cache.put(cache.generation(), address.clone(), row, record.clone());
                cache.forget(row);
            },
            &|| cache.forget_aliases(),
        ];
        for forget in forgetting {
            let before = cache.generation();
            cache.put_aliases(before, key, &names);
            assert!(cache.aliases.get(&key).is_some());
            forget();
            assert!(cache.aliases.get(&key).is_none());
            cache.put_aliases(before, key, &names);
            assert!(cache.aliases.get(&key).is_none(), "read before");
        }
    }

    #[tokio::test]
    async fn absence_is_believed_until_the_row_is_made() {
        let cache = Cache::new(8, Arc::new(StoreMetrics::new()));
        let address = Address::AccessKey("AKIA".into());
        cache.put_absent(cache.generation(), address.clone());
        assert!(cache.is_absent(&address));
        cache.forget_address(&address);
        assert!(!cache.is_absent(&address));
    }
}
