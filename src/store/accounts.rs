//! Accounts: each has its root, and one administers the deployment.

use super::identities::select;
use super::pool::column;
use super::{Identity, IdentityKind, Store, Transaction};
use crate::Error;
use crate::model::{AccountId, arn};
use std::collections::BTreeMap;
use uuid::Uuid;

const INSERT_ACCOUNT: &str = "/* identities::insert_account */ insert into account (id, created) \
    values ($1, strongroom_now()) on conflict (id) do nothing \
    returning created";
const ANY_ACCOUNT: &str = "/* identities::any_account */ \
    select exists (select from account) as found";
pub(super) const MANAGEMENT: &str = concat!(select!("management"), "management");
const ROOTS: &str = concat!(
    select!("roots"),
    "kind = 'root' and account > $1 order by account limit $2"
);

impl Store {
    /// The roots of the accounts after `after` in the order of their numbers, at most `limit`.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn list_roots(
        &self,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Identity>, Error> {
        let after = after.unwrap_or_default();
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(ROOTS, &[&after, &limit]).await?;
        drop(connection);
        let mut roots = Vec::with_capacity(rows.len());
        for row in &rows {
            roots.push(self.shared.read_identity(row).await?);
        }
        Ok(roots)
    }
}

impl Transaction<'_> {
    /// Whether there is an account: a deployment that has been set up has one.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn has_accounts(&self) -> Result<bool, Error> {
        column(&self.connection.query_one(ANY_ACCOUNT, &[]).await?, "found")
    }

    /// Inserts an account with its root unless it exists. Answers whether it was made.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ensure_account(&self, account: &AccountId) -> Result<bool, Error> {
        let id = account.as_str();
        let Some(made) = self.connection.query_opt(INSERT_ACCOUNT, &[&id]).await? else {
            return Ok(false);
        };
        let root = Identity {
            row: Uuid::new_v4(),
            row_version: 1,
            arn: arn::root_arn(account),
            account: account.clone(),
            kind: IdentityKind::Root,
            name: None,
            unique_id: None,
            tags: BTreeMap::new(),
            policies: BTreeMap::new(),
            trust: None,
            max_session_seconds: None,
            management: false,
            created: column(&made, "created")?,
        };
        self.insert_identity(&root).await?;
        Ok(true)
    }

    /// Makes an account the one that administers the deployment, unless there is one.
    ///
    /// # Errors
    /// Those of the database; internal for a row that does not verify.
    pub async fn ensure_management(&self, account: &AccountId) -> Result<(), Error> {
        if let Some(row) = self.connection.query_opt(MANAGEMENT, &[]).await? {
            self.shared.read_identity(&row).await?;
            return Ok(());
        }
        let root = self.lock_identity(&arn::root_arn(account)).await?;
        let root = root.ok_or_else(|| Error::internal(format!("{account} has no root")))?;
        let root = Identity {
            management: true,
            ..root
        };
        self.update_identity(&root).await
    }
}
