//! Postgres, its version, and the schema.

use super::table::Table;
use crate::config::Config;
use crate::gateway::settings;
use crate::store::Store;

/// Answers the store if it can be used.
pub(super) async fn examine(config: &Config, table: &mut Table) -> Option<Store> {
    let opened = match Store::open(settings::store(config)).await {
        Ok(store) => store.versions().await.map(|versions| (store, versions)),
        Err(error) => Err(error),
    };
    match opened {
        Ok((store, (server, schema))) => {
            table.good(
                "database",
                format!(
                    "Postgres {server}, schema {schema}, deployment {}",
                    store.deployment()
                ),
            );
            Some(store)
        }
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            table.bad(
                "database",
                format!("{}{cause}", error.message()),
                "start Postgres, mend database.url, or run `strongroom init`, as the message says",
            );
            None
        }
    }
}
