//! Row MACs by a key on the token: the store's side of the bargain does not know the token.

use crate::Error;
use crate::model::MacAlgorithm;
use crate::store::RowSeal;
use crate::token::{KeyRef, Token};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// HMAC-SHA-256 by the deployment's row-MAC key.
pub(super) struct TokenSeal {
    token: Token,
    key: KeyRef,
}

impl TokenSeal {
    pub(super) fn new(token: Token, key: KeyRef) -> Self {
        Self { token, key }
    }
}

impl RowSeal for TokenSeal {
    fn mac(&self, row: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Error>> {
        async move {
            Ok(self
                .token
                .mac(&self.key, MacAlgorithm::HmacSha256, row)
                .await?)
        }
        .boxed()
    }

    fn verify(&self, row: Vec<u8>, mac: Vec<u8>) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            Ok(self
                .token
                .verify_mac(&self.key, MacAlgorithm::HmacSha256, row, mac)
                .await?)
        }
        .boxed()
    }
}
