//! Figures of the whole deployment, for the metrics. What they cost does not grow with the number of
//! keys that are enabled and little used.

use super::Store;
use super::gcm::LIMIT;
use super::pool::column;
use crate::Error;
use crate::model::KeyState;

// The enabled keys are all that the others are not.
const KEYS: &str = "/* figures::keys */ \
    select state, count(*) as many from kms_key where state <> 'Enabled' group by state \
    union all \
    select 'Enabled', coalesce(sum(many), 0)::int8 \
        - (select count(*) from kms_key where state <> 'Enabled') \
    from tally where kind = 'key'";
// Versions that are current no longer make no more of them; few were worn when they were replaced.
const MOST_USED: &str = "/* figures::most_used */ select reserved from gcm_reservation g \
    where exists (select from key_version v join kms_key k on k.material_set = v.material_set \
        and k.current_version = v.id where v.id = g.version and k.state = 'Enabled') \
    order by reserved desc limit 1";

impl Store {
    /// How many keys are in each state, those of all accounts and Regions together.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keys_by_state(&self) -> Result<Vec<(KeyState, i64)>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(KEYS, &[]).await?;
        let rows = rows.iter().map(|row| {
            let state: &str = column(row, "state")?;
            let state = state
                .parse()
                .map_err(|()| Error::internal("a key's state"))?;
            Ok((state, column(row, "many")?))
        });
        rows.collect()
    }

    /// The least part of its GCM encryptions ([`Store::count_gcm_invocation`]) that an enabled key's
    /// current version has left, from 1 to 0. Blocks that a gateway has reserved count as used.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn least_gcm_budget(&self) -> Result<f64, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_opt(MOST_USED, &[]).await?;
        let most: i64 = row.map_or(Ok(0), |row| column(&row, "reserved"))?;
        Ok(1.0 - most as f64 / LIMIT as f64)
    }
}
