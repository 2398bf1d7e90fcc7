//! Rotation: new material becomes current, and what the old made is decrypted for ever.
//!
//! What it has in common with key versions and with imported material is here: the token makes a
//! version ([`make`]), and a transaction makes a version current ([`make_current`]) for every key
//! that has it, which are the Regions of a multi-Region key.

pub mod disable_key_rotation;
pub mod enable_key_rotation;
pub mod get_key_rotation_status;
pub mod list_key_rotations;
pub mod rotate_key_on_demand;

use super::made::{self, Made};
use super::{Context, multi_region};
use crate::model::{KeySpec, Origin, RotationType, VersionState};
use crate::store::{Key, KeyVersion, Transaction};
use crate::{Error, ErrorCode};
use time::{Duration, OffsetDateTime};

/// The keys whose material an operation is for.
#[derive(Debug)]
pub struct MaterialRule {
    /// Symmetric encryption keys, which rotate; or all the others, which have versions; or both.
    pub rotates: Option<bool>,
    /// Whence the material may be.
    pub origins: &'static [Origin],
    /// Of related multi-Region keys the primary alone, which acts for all of them.
    pub primary: bool,
}

/// GetKeyRotationStatus, ListKeyRotations.
pub const ROTATES: MaterialRule = MaterialRule {
    rotates: Some(true),
    origins: &[Origin::AwsKms, Origin::External],
    primary: false,
};

/// RotateKeyOnDemand.
pub const ON_DEMAND: MaterialRule = MaterialRule {
    primary: true,
    ..ROTATES
};

/// EnableKeyRotation, DisableKeyRotation, and what the worker does by itself.
pub const AUTOMATIC: MaterialRule = MaterialRule {
    origins: &[Origin::AwsKms],
    ..ON_DEMAND
};

/// GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial.
pub const IMPORTED: MaterialRule = MaterialRule {
    rotates: None,
    origins: &[Origin::External],
    primary: false,
};

impl MaterialRule {
    /// # Errors
    /// `UnsupportedOperationException`: the operation is not for such a key.
    pub fn check(&self, key: &Key, arn: &str) -> Result<(), Error> {
        let refused = |message| Err(Error::new(ErrorCode::UnsupportedOperation, message));
        let (spec, origin) = (key.spec, key.origin);
        match (self.rotates, spec == KeySpec::SymmetricDefault) {
            (Some(true), false) => {
                return refused(format!(
                    "{arn} key spec is {spec}: only symmetric encryption keys rotate."
                ));
            }
            (Some(false), true) => {
                return refused(format!(
                    "{arn} key spec is {spec}: the versions of symmetric encryption keys are made \
                     by rotation."
                ));
            }
            _ => {}
        }
        if !self.origins.contains(&origin) {
            return refused(format!(
                "{arn} origin is {origin} which is not valid for this operation."
            ));
        }
        match self.primary {
            true => multi_region::refuse_replica(key),
            false => Ok(()),
        }
    }
}

/// Has the token of `key` make another version for it.
///
/// # Errors
/// As [`made::make`].
pub async fn make(key: &Key, cx: &Context) -> Result<Made, Error> {
    let token = cx.tokens.of(key)?;
    made::make(&token, &key.key_id, key.spec, key.usage, cx).await
}

/// The row of what was made: the next version of `key`, which is locked.
///
/// # Errors
/// As [`Made::version`].
pub fn next_version(key: &Key, made: &Made, now: OffsetDateTime) -> Result<KeyVersion, Error> {
    let last = key.versions.iter().map(|version| version.number).max();
    made.version(last.unwrap_or(0) + 1, now)
}

/// Writes a version of `key`, added where its material does not have it yet, and every key that has
/// it: a result computed without it is recognised by that. `change` is what else changes of each of
/// them. Answers the keys, as they were written.
///
/// # Errors
/// Those of the database.
pub async fn write_version(
    tx: &Transaction<'_>,
    key: &Key,
    version: &KeyVersion,
    change: impl Fn(&mut Key),
) -> Result<Vec<Key>, Error> {
    let mut related = tx.lock_related(key).await?;
    match (key.version(version.id), version.state) {
        (Some(_), _) => tx.update_version(key, version).await?,
        (None, VersionState::PendingImport) => tx.insert_version(key, version).await?,
        (None, _) => tx.add_version(key, version).await?,
    }
    for key in &mut related {
        change(key);
        tx.update_key(key).await?;
    }
    Ok(related)
}

/// Makes a version current, which is one of the material's or is added to it: from the commit on it
/// encrypts and signs for every key that has the material. Otherwise as [`write_version`].
///
/// # Errors
/// Those of the database.
pub async fn make_current(
    tx: &Transaction<'_>,
    key: &Key,
    version: &KeyVersion,
    change: impl Fn(&mut Key),
) -> Result<Vec<Key>, Error> {
    write_version(tx, key, version, |key| {
        key.current_version = version.id;
        change(key);
    })
    .await
}

/// Makes a version current by a rotation. An automatic one that was due moves the next by the
/// period; no other changes the schedule.
///
/// # Errors
/// Those of the database.
pub async fn rotate(
    tx: &Transaction<'_>,
    key: &Key,
    mut version: KeyVersion,
    how: RotationType,
    now: OffsetDateTime,
) -> Result<Vec<Key>, Error> {
    version.rotation = Some((how, now));
    make_current(tx, key, &version, |key| {
        if let (RotationType::Automatic, Some(days), Some(due)) =
            (how, key.rotation_days, key.next_rotation)
            && due.time() <= now
        {
            key.next_rotation = Some(following(due.time(), days, now).into());
        }
    })
    .await
}

/// The rotation after the one that was `due`. One that is late by more than a period, because the
/// key was disabled, is not made up for.
fn following(due: OffsetDateTime, days: i32, now: OffsetDateTime) -> OffsetDateTime {
    let period = Duration::days(days.into());
    match due + period {
        next if next > now => next,
        _ => now + period,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_kept_but_not_made_up_for() {
        let day = |n| OffsetDateTime::UNIX_EPOCH + Duration::days(n);
        assert_eq!(following(day(90), 90, day(91)), day(180));
        assert_eq!(following(day(90), 90, day(180)), day(270));
        assert_eq!(following(day(90), 90, day(1000)), day(1090));
    }
}
