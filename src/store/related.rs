//! Multi-Region keys: the records of several Regions that share one material set.

use super::keys::key_columns;
use super::row_mac::refused;
use super::touched::Touched;
use super::{Key, Store, Transaction};
use crate::Error;
use crate::model::Region;

const RELATED: &str = concat!(
    "/* keys::related */ select ",
    key_columns!(),
    " from kms_key k where material_set = $1 order by region"
);

/// Refuses records of one material set that are not of one key: each is genuine, but one of them
/// was another's, or is from before the primary changed.
pub(super) fn agree(related: &[Key]) -> Result<(), Error> {
    let shared = |key: &Key| {
        (
            key.account.clone(),
            key.key_id.clone(),
            key.primary_region.clone(),
        )
    };
    let first = related.first().map(shared);
    match related.iter().find(|key| Some(shared(key)) != first) {
        Some(key) => Err(refused("kms_key", key.row)),
        None => Ok(()),
    }
}

impl Store {
    /// The Regions that have a multi-Region key, in the order of their names; its own alone for a
    /// single-Region key. Not cached: every change of them raises the row version of the key in
    /// each, so that a result computed without it is recognised.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn regions_of(&self, key: &Key) -> Result<Vec<Region>, Error> {
        if !key.multi_region {
            return Ok(vec![key.region.clone()]);
        }
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(RELATED, &[&key.material_set]).await?;
        drop(connection);
        let mut related = Vec::with_capacity(rows.len());
        for row in &rows {
            related.push(self.shared.read_key(row).await?);
        }
        agree(&related)?;
        Ok(related.iter().map(|key| key.region.clone()).collect())
    }
}

impl Transaction<'_> {
    /// Inserts the record of another Region, beside those of [`Transaction::lock_related`], all
    /// of which are to be written as well.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn insert_replica(&self, replica: &Key) -> Result<(), Error> {
        self.insert_row(replica).await?;
        let (account, region) = (replica.account.clone(), replica.region.clone());
        self.touch(Touched::Key(account, region, replica.key_id.to_string()));
        for version in &replica.versions {
            self.touch(Touched::Version(replica.region.clone(), version.id));
        }
        Ok(())
    }
}
