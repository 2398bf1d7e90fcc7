//! Where steps 5 to 7 read.

use crate::Error;
use crate::model::{AccountId, Region};
use crate::store::{
    AccessKey, Alias, Candidate, Identity, IdentityKind, Key, KeyStore, Store, Transaction,
};
use std::sync::Arc;
use uuid::Uuid;

/// Where records are read: the cache, whose lag the re-check at the record makes good, or the
/// rows themselves, locked by the transaction that changes them.
#[derive(Clone, Copy)]
pub(in crate::operation) enum Source<'a> {
    Cache(&'a Store),
    Locked(&'a Transaction<'a>),
}

impl Source<'_> {
    /// Shared where it is locked: requests by one access key go on side by side.
    pub(in crate::operation) async fn access_key(
        self,
        id: &str,
    ) -> Result<Option<Arc<AccessKey>>, Error> {
        match self {
            Source::Cache(store) => store.access_key(id).await,
            Source::Locked(tx) => Ok(tx.lock_access_key(id).await?.map(Arc::new)),
        }
    }

    /// Likewise.
    pub(in crate::operation) async fn identity(
        self,
        arn: &str,
    ) -> Result<Option<Arc<Identity>>, Error> {
        match self {
            Source::Cache(store) => store.identity(arn).await,
            Source::Locked(tx) => Ok(tx.share_identity(arn).await?.map(Arc::new)),
        }
    }

    /// A role, for who would assume it; `foreign`: who is of another account.
    pub(super) async fn role_to_assume(
        self,
        arn: &str,
        foreign: bool,
    ) -> Result<Option<Arc<Identity>>, Error> {
        let found = match self {
            Source::Cache(store) if foreign => store.foreign_identity(arn).await?,
            _ => self.identity(arn).await?,
        };
        Ok(found.filter(|identity| identity.kind == IdentityKind::Role))
    }

    /// The user, role or root that a request is about: locked to be changed.
    pub(super) async fn entity(self, arn: &str) -> Result<Option<Arc<Identity>>, Error> {
        match self {
            Source::Cache(store) => store.identity(arn).await,
            Source::Locked(tx) => Ok(tx.lock_identity(arn).await?.map(Arc::new)),
        }
    }

    /// `foreign`: for who is of another account.
    pub(super) async fn key(
        self,
        account: &AccountId,
        region: &Region,
        id: &str,
        foreign: bool,
    ) -> Result<Option<Arc<Key>>, Error> {
        match self {
            Source::Cache(store) if foreign => store.foreign_key(account, region, id).await,
            Source::Cache(store) => store.key(account, region, id).await,
            Source::Locked(tx) => Ok(tx.lock_key(account, region, id).await?.map(Arc::new)),
        }
    }

    /// Likewise.
    pub(super) async fn alias(
        self,
        account: &AccountId,
        region: &Region,
        name: &str,
        foreign: bool,
    ) -> Result<Option<Arc<Alias>>, Error> {
        match self {
            Source::Cache(store) if foreign => store.foreign_alias(account, region, name).await,
            Source::Cache(store) => store.alias(account, region, name).await,
            Source::Locked(tx) => Ok(tx.lock_alias(account, region, name).await?.map(Arc::new)),
        }
    }

    /// The names of a key's aliases: as long as the key's row stays the same, they do.
    pub(super) async fn alias_names(self, key: &Key) -> Result<Arc<[String]>, Error> {
        match self {
            Source::Cache(store) => store.alias_names(key).await,
            Source::Locked(tx) => tx.alias_names(key).await,
        }
    }

    /// What a grantee seems to have of a key.
    pub(super) async fn grants_of(
        self,
        key: Uuid,
        grantee: &str,
    ) -> Result<Arc<[Candidate]>, Error> {
        match self {
            Source::Cache(store) => store.grants_of(key, grantee).await,
            Source::Locked(tx) => tx.grants_of(key, grantee).await,
        }
    }

    /// Whether the grant is there, and says what it seemed to.
    pub(super) async fn confirm_grant(self, candidate: &Candidate) -> Result<bool, Error> {
        match self {
            Source::Cache(store) => store.confirm_grant(candidate).await,
            Source::Locked(tx) => tx.confirm_grant(candidate).await,
        }
    }

    pub(super) async fn key_store(
        self,
        account: &AccountId,
        region: &Region,
        id: &str,
    ) -> Result<Option<Arc<KeyStore>>, Error> {
        match self {
            Source::Cache(store) => store.key_store(account, region, id).await,
            Source::Locked(tx) => Ok(tx.lock_key_store(account, region, id).await?.map(Arc::new)),
        }
    }

    pub(super) async fn store_of_key(self, key: &Key) -> Result<Option<Arc<KeyStore>>, Error> {
        let Some(row) = key.key_store else {
            return Ok(None);
        };
        let store = match self {
            Source::Cache(store) => store.key_store_of_key(row).await?,
            Source::Locked(tx) => tx.share_key_store(row).await?.map(Arc::new),
        };
        match store {
            Some(store) => Ok(Some(store)),
            None => Err(Error::internal(format!("there is no key store {row}"))),
        }
    }

    pub(super) async fn key_of_version(
        self,
        region: &Region,
        version: Uuid,
    ) -> Result<Option<Arc<Key>>, Error> {
        match self {
            Source::Cache(store) => store.key_of_version(region, version).await,
            Source::Locked(_) => Err(Error::internal("no change names its key by a ciphertext")),
        }
    }
}
