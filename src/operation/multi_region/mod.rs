//! Multi-Region keys: one material set under the records of several Regions, one of which is the
//! primary. Replication moves no key material.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>.

pub mod replicate_key;
pub mod update_primary_region;

use super::authorized::arn_of;
use crate::store::{Key, Transaction};
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

/// Writes a changed key, and to the keys of its other Regions what they share with it: where the
/// primary is, the current version, and automatic rotation. Id, spec, usage, origin and material
/// are shared for ever.
///
/// # Errors
/// Those of the store.
pub async fn update_shared(tx: &Transaction<'_>, key: &Key) -> Result<(), Error> {
    let related = match key.multi_region {
        true => tx.lock_related(key).await?,
        false => Vec::new(),
    };
    for other in related.into_iter().filter(|other| other.row != key.row) {
        let other = Key {
            primary_region: key.primary_region.clone(),
            current_version: key.current_version,
            rotation_days: key.rotation_days,
            next_rotation: key.next_rotation,
            ..other
        };
        tx.update_key(&other).await?;
    }
    tx.update_key(key).await
}
