//! What a grantee has of a key. One of many grants is used, and that one is verified: the others cost
//! the token nothing.

use super::cache::Record;
use super::grants::{GET, parse_grant, select};
use super::pool::Params;
use super::{Grant, Shared, Store, Transaction};
use crate::Error;
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

const OF_GRANTEE: &str = concat!(
    select!("of_grantee"),
    "key = $1 and grantee = $2 order by grant_id limit $3"
);

/// How many grants of one key one grantee can use without naming them; AWS's quota was 500.
const USABLE: i64 = 1000;

/// A grant as its row says, which may not be a gateway's, or not be there any more. It allows nothing
/// before it is confirmed.
#[derive(Debug, Clone)]
pub struct Candidate(Arc<Grant>);

impl Candidate {
    /// What the row says.
    pub fn claimed(&self) -> &Grant {
        &self.0
    }

    fn is(&self, found: Option<&Grant>) -> bool {
        found == Some(&*self.0)
    }
}

impl From<Arc<Grant>> for Candidate {
    fn from(grant: Arc<Grant>) -> Self {
        Self(grant)
    }
}

fn candidates(rows: &[Row]) -> Result<Arc<[Candidate]>, Error> {
    let grants = rows.iter().map(parse_grant);
    let candidates = grants.map(|grant| Ok(Candidate(Arc::new(grant?))));
    candidates.collect()
}

impl Shared {
    async fn verified(&self, row: Option<Row>) -> Result<Option<Arc<Grant>>, Error> {
        match row {
            Some(row) => Ok(Some(Arc::new(self.read_grant(&row).await?))),
            None => Ok(None),
        }
    }
}

impl Store {
    /// What a grantee has of the key of a row; cached, also that it is nothing.
    ///
    /// # Errors
    /// Those of the database; internal for a row that cannot be read.
    pub async fn grants_of(&self, key: Uuid, grantee: &str) -> Result<Arc<[Candidate]>, Error> {
        let shared = &self.shared;
        let of = (key, grantee.to_owned());
        if let Some(grants) = shared.cache.grants.get(&of) {
            return Ok(grants);
        }
        let generation = shared.cache.generation();
        let connection = shared.connections.get().await?;
        let params: Params<'_> = &[&key, &grantee, &USABLE];
        let rows = connection.query(OF_GRANTEE, params).await?;
        drop(connection);
        let grants = candidates(&rows)?;
        shared.cache.put_grants(generation, of, &grants);
        Ok(grants)
    }

    /// Whether a gateway's grant says this; cached. If it is gone, or says something else, the list of
    /// its grantee is forgotten.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn confirm_grant(&self, candidate: &Candidate) -> Result<bool, Error> {
        let shared = &self.shared;
        let Grant {
            row, key, grantee, ..
        } = candidate.claimed();
        let found = match shared.cache.get_row(*row) {
            Some(Record::Grant(grant)) => Some(grant),
            _ => {
                let generation = shared.cache.generation();
                let connection = shared.connections.get().await?;
                let found = connection.query_opt(GET, &[row]).await?;
                drop(connection);
                let found = shared.verified(found).await?;
                if let Some(grant) = &found {
                    let record = Record::Grant(Arc::clone(grant));
                    shared.cache.put_row(generation, *row, record);
                }
                found
            }
        };
        let confirmed = candidate.is(found.as_deref());
        if !confirmed {
            shared.cache.forget_grants(&(*key, grantee.clone()));
        }
        Ok(confirmed)
    }
}

impl Transaction<'_> {
    /// What a grantee has of the locked key of a row: it stays so, since whoever changes a key's grants
    /// locks the key first.
    ///
    /// # Errors
    /// Those of the database; internal for a row that cannot be read.
    pub async fn grants_of(&self, key: Uuid, grantee: &str) -> Result<Arc<[Candidate]>, Error> {
        let params: Params<'_> = &[&key, &grantee, &USABLE];
        candidates(&self.connection.query(OF_GRANTEE, params).await?)
    }

    /// As [`Store::confirm_grant`], of the locked key.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn confirm_grant(&self, candidate: &Candidate) -> Result<bool, Error> {
        let row = &candidate.claimed().row;
        let found = self.connection.query_opt(GET, &[row]).await?;
        let found = self.shared.verified(found).await?;
        Ok(candidate.is(found.as_deref()))
    }
}
