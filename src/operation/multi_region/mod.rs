//! Multi-Region keys: one material set under the records of several Regions, one of which is the
//! primary. Replication moves no key material.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>.

pub mod replicate_key;
pub mod update_primary_region;

use super::authorized::arn_of;
use crate::store::Key;
use crate::{Error, ErrorCode};

/// For what only a primary can do.
///
/// # Errors
/// `UnsupportedOperationException`, worded as AWS words it, for a replica and for a single-Region
/// key.
pub fn require_primary(key: &Key) -> Result<(), Error> {
    if key.is_primary() {
        return Ok(());
    }
    let message = format!("{} is not a multi-region primary key.", arn_of(key));
    Err(Error::new(ErrorCode::UnsupportedOperation, message))
}

/// For changes of what the Regions share: they are made on the primary, or on a single-Region key.
///
/// # Errors
/// `UnsupportedOperationException` for a replica.
pub fn refuse_replica(key: &Key) -> Result<(), Error> {
    match key.multi_region {
        true => require_primary(key),
        false => Ok(()),
    }
}
