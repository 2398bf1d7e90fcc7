//! The schema: numbered migrations, append-only, built into the binary.

use super::connect::{connect, parse};
use super::error::{StoreError, describe};
use super::pool::{self, Connection};
use super::{Store, StoreConfig};
use crate::Error;
use tokio_postgres::Client;
use uuid::Uuid;

mod embedded {
    refinery::embed_migrations!("sql");
}

// For the session: refinery itself takes no lock, and two who migrate at once would collide.
const LOCK: &str = "/* migrate::lock */ select pg_advisory_lock(91621623287369)";
const DEPLOYMENT: &str = "/* migrate::deployment */ insert into deployment default values \
                          on conflict (only_one) do nothing";
const DEPLOYMENT_ID: &str = "/* migrate::deployment_id */ select id from deployment";
const EXISTS: &str = "/* migrate::exists */ \
                      select to_regclass('refinery_schema_history') is not null as made";
const APPLIED: &str = "/* migrate::applied */ \
                       select version, name, checksum from refinery_schema_history order by version";

/// A migration's number, name and checksum.
type Applied = (i32, String, String);

impl Store {
    /// Brings the schema up to date (refinery, `sql/`), under an advisory lock; makes the
    /// deployment row. Answers the deployment's id. Needs no row seal.
    ///
    /// # Errors
    /// A message for the operator where the database cannot be reached or has a schema that is not
    /// an older one of this build's.
    pub async fn migrate(config: &StoreConfig) -> Result<Uuid, Error> {
        // Not bounded by statement: a migration of a large table takes what it takes.
        let postgres = parse(config)?;
        let (mut client, connection) = connect(&postgres, config.deadline).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                log::warn!("the connection to the database broke: {}", describe(&error));
            }
        });
        let deployment = apply(&mut client).await;
        // Ends the session, and with it the lock.
        drop(client);
        let _ = driver.await;
        deployment
    }
}

async fn apply(client: &mut Client) -> Result<Uuid, Error> {
    let failed = |sql| {
        move |error| StoreError::Statement {
            statement: pool::name(sql).into(),
            error,
        }
    };
    client.batch_execute(LOCK).await.map_err(failed(LOCK))?;
    embedded::migrations::runner()
        .run_async(client)
        .await
        .map_err(|error| {
            StoreError::Setup(format!(
                "The database's schema could not be brought up to date: {error}"
            ))
        })?;
    let made = client.execute(DEPLOYMENT, &[]).await;
    made.map_err(failed(DEPLOYMENT))?;
    let row = client.query_one(DEPLOYMENT_ID, &[]).await;
    let row = row.map_err(failed(DEPLOYMENT_ID))?;
    pool::column(&row, "id")
}

/// The schema's version.
pub(super) async fn version(connection: &Connection) -> Result<i32, Error> {
    let applied = applied(connection).await?;
    Ok(applied.last().map_or(0, |(version, _, _)| *version))
}

/// The deployment's id, from a database whose schema is exactly this build's.
pub(super) async fn check(connection: &Connection) -> Result<Uuid, Error> {
    let mut ours: Vec<Applied> = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| {
            let name = migration.name().to_owned();
            // Widening; refinery's type of a version depends on its features.
            #[allow(clippy::useless_conversion)]
            let version = i32::try_from(migration.version()).unwrap_or(i32::MAX);
            (version, name, migration.checksum().to_string())
        })
        .collect();
    // They are embedded in the order of the files' names, in which 10 is before 2.
    ours.sort_by_key(|(version, _, _)| *version);
    compare(&applied(connection).await?, &ours)?;
    match connection.query_opt(DEPLOYMENT_ID, &[]).await? {
        Some(row) => pool::column(&row, "id"),
        None => Err(StoreError::Setup(
            "The database names no deployment: run `strongroom init`.".into(),
        )
        .into()),
    }
}

async fn applied(connection: &Connection) -> Result<Vec<Applied>, Error> {
    let row = connection.query_one(EXISTS, &[]).await?;
    if !pool::column::<bool>(&row, "made")? {
        return Ok(Vec::new());
    }
    let rows = connection.query(APPLIED, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok((
                pool::column(row, "version")?,
                pool::column(row, "name")?,
                pool::column(row, "checksum")?,
            ))
        })
        .collect()
}

fn compare(applied: &[Applied], ours: &[Applied]) -> Result<(), StoreError> {
    let setup = |message: String| Err(StoreError::Setup(message));
    if applied.is_empty() {
        return setup("The database has no schema: run `strongroom init`.".into());
    }
    if let Some((theirs, _)) = applied.iter().zip(ours).find(|(a, b)| a != b) {
        return setup(format!(
            "Migration {} of the database ({}) is not this build's: the database belongs to \
             another program or another build.",
            theirs.0, theirs.1
        ));
    }
    if applied.len() > ours.len() {
        return setup(format!(
            "This binary is older than the database's schema (it knows {} of {} migrations): \
             use a newer one.",
            ours.len(),
            applied.len()
        ));
    }
    if applied.len() < ours.len() {
        return setup(format!(
            "The database's schema is older than this binary ({} of {} migrations): run \
             `strongroom init`.",
            applied.len(),
            ours.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_about_another_schema() {
        let schema = |names: &[&str]| -> Vec<Applied> {
            let numbered = (1..).zip(names);
            numbered
                .map(|(n, name)| (n, name.to_string(), format!("{name} checksum")))
                .collect()
        };
        let said = |theirs: &[&str], ours: &[&str]| {
            compare(&schema(theirs), &schema(ours)).map_err(|error| error.to_string())
        };
        assert!(said(&["a", "b"], &["a", "b"]).is_ok());
        assert!(said(&[], &["a"]).unwrap_err().contains("strongroom init"));
        assert!(
            said(&["a"], &["a", "b"])
                .unwrap_err()
                .contains("strongroom init")
        );
        assert!(
            said(&["a", "b"], &["a"])
                .unwrap_err()
                .contains("older than the")
        );
        assert!(
            said(&["x"], &["a"])
                .unwrap_err()
                .contains("not this build's")
        );
    }
}
