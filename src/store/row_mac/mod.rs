//! Row MACs: made for the rows that decide, and verified before one is believed.

mod row;
mod tables;

pub(super) use row::micros;
pub(super) use tables::{
    access_key, alias, approval, approval_request, call, grant, grant_token, identity, intent, key,
    key_store, key_version,
};

use super::error::StoreError;
use super::{RowSeal, Shared};
use crate::Error;
use crate::metrics::IntCounter;
use std::sync::{Arc, LazyLock};

/// Rows that were refused, by all stores of the process: they come to light where no store is at hand.
pub(super) static REFUSED: LazyLock<IntCounter> = LazyLock::new(|| {
    let help = "Rows that were not written by a gateway, or edited since.";
    let made = IntCounter::new("strongroom_rows_refused_total", help);
    // Unwrap safety: the name is good.
    #[allow(clippy::expect_used)]
    made.expect("a metric")
});

/// The error for a row that was not written by a gateway; operators are told at once.
pub(super) fn refused(table: &'static str, id: impl ToString) -> Error {
    let error = StoreError::RowMac {
        table,
        id: id.to_string(),
    };
    REFUSED.inc();
    log::error!("{error}");
    error.into()
}

impl Shared {
    pub(super) fn seal(&self) -> Result<&Arc<dyn RowSeal>, Error> {
        self.seal.get().ok_or_else(|| StoreError::NoSeal.into())
    }

    /// The MAC for a row that is about to be written.
    pub(super) async fn mac(&self, row: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.seal()?.mac(row).await
    }

    /// Refuses a row that was not written by a gateway.
    pub(super) async fn verify(
        &self,
        table: &'static str,
        id: &(impl ToString + Sync),
        row: Vec<u8>,
        mac: Vec<u8>,
    ) -> Result<(), Error> {
        if self.seal()?.verify(row, mac).await? {
            Ok(())
        } else {
            Err(refused(table, id.to_string()))
        }
    }
}
