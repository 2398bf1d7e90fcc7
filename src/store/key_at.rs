//! How keys are asked for.

use super::Key;
use crate::model::{AccountId, Region};
use uuid::Uuid;

/// How a key is asked for.
#[derive(Clone, Copy, Hash)]
pub(super) enum KeyAt<'a> {
    Id(&'a AccountId, &'a Region, &'a str),
    Version(&'a Region, Uuid),
}

impl KeyAt<'_> {
    /// Whether it is this key's.
    pub(super) fn is_of(self, key: &Key) -> bool {
        match self {
            Self::Id(account, region, id) => {
                *id == *key.key_id && *account == key.account && *region == key.region
            }
            Self::Version(region, version) => {
                key.version(version).is_some() && *region == key.region
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BareKeyId, KeySpec, KeyUsage, Origin};
    use crate::store::cache::Cache;
    use crate::store::metrics::StoreMetrics;
    use crate::store::{KeyProfile, KeyVersion};
    use std::sync::Arc;
    use time::OffsetDateTime;

    fn key(account: &AccountId, region: &Region) -> Arc<Key> {
        let (id, now) = (Uuid::new_v4(), OffsetDateTime::UNIX_EPOCH);
        let profile = KeyProfile {
            account: account.clone(),
            region: region.clone(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::External,
            description: String::new(),
            policy: "{}".into(),
            tags: Default::default(),
            deletion: None,
            key_store: None,
            multi_region: false,
            primary_region: None,
            rotation_days: None,
            pending_days: None,
        };
        let version = KeyVersion::awaiting_import(id, 1, now);
        Arc::new(Key::made(BareKeyId::of(id, false), profile, version, now))
    }

    #[test]
    fn a_key_is_not_taken_for_another_whose_hash_is_the_same() {
        let account = |id| AccountId::parse(id).unwrap();
        let region = |name| Region::parse(name).unwrap();
        let (own, elsewhere) = (account("111122223333"), account("444455556666"));
        let (here, there) = (region("us-east-1"), region("eu-west-1"));
        let cache = Cache::new(8, Arc::new(StoreMetrics::new()));
        let key = key(&own, &here);
        let version = key.current_version;
        for right in [
            KeyAt::Id(&own, &here, &key.key_id),
            KeyAt::Version(&here, version),
        ] {
            assert!(cache.key(right).is_none());
            cache.put_key(cache.generation(), right, &key);
            assert!(cache.key(right).is_some());
        }
        for wrong in [
            KeyAt::Id(&elsewhere, &here, &key.key_id),
            KeyAt::Id(&own, &there, &key.key_id),
            KeyAt::Id(&own, &here, "1234abcd-12ab-34cd-56ef-1234567890ab"),
            KeyAt::Version(&there, version),
            KeyAt::Version(&here, Uuid::nil()),
        ] {
            // As if its hash were the key's.
            cache.put_key(cache.generation(), wrong, &key);
            assert!(cache.key(wrong).is_none());
        }
        cache.forget(key.row);
        assert!(cache.key(KeyAt::Version(&here, version)).is_none());
    }
}
