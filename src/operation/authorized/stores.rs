//! Custom key stores of a request: the one that it names, and those that have its keys.

use super::source::Source;
use super::{Authorized, Operation, Request, Seen};
use crate::operation::access::StoreAccess;
use crate::store::{KeyStore, RowVersion};
use crate::{Error, ErrorCode};
use std::sync::Arc;

impl<O: Operation> Authorized<O> {
    /// The custom key store that has the `at`th key, where one has.
    pub fn store_of(&self, at: usize) -> Option<&KeyStore> {
        self.keys[at].store.as_deref()
    }

    /// The custom key store of the operation's `access`, where it names one.
    pub fn key_store(&self) -> Option<&Arc<KeyStore>> {
        self.key_store.as_ref()
    }

    /// The same, for an operation that always names one.
    ///
    /// # Errors
    /// Internal if it does not.
    pub fn one_store(&self) -> Result<&KeyStore, Error> {
        let store = self.key_store.as_deref();
        store.ok_or_else(|| Error::internal("the operation names no custom key store"))
    }

    /// The custom key stores whose tokens the operation will use.
    pub(in crate::operation) fn needed(&self) -> &[Arc<KeyStore>] {
        &self.needed
    }
}

/// A custom key store of the caller's account and Region.
pub(super) async fn find(
    wanted: StoreAccess<'_>,
    request: &Request,
    source: Source<'_>,
    seen: &mut Seen,
) -> Result<Arc<KeyStore>, Error> {
    let StoreAccess { id, state } = wanted;
    let account = &request.principal.account;
    let store = source.key_store(account, &request.region, id).await?;
    let Some(store) = store else {
        let message = format!("Custom key store {id} does not exist.");
        return Err(Error::new(ErrorCode::CustomKeyStoreNotFound, message));
    };
    seen.uses
        .push(RowVersion::KeyStore(store.row, store.row_version));
    state.check(store.state, id)?;
    Ok(store)
}
