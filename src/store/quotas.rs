//! How much an account may have: counted where it is made, in the transaction that makes it.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>.

use super::pool::{Params, column};
use super::{Alias, IdentityKind, Intent, Shared, Store, Transaction, intents};
use crate::model::{AccountId, Region};
use crate::{Error, ErrorCode};
use futures_util::FutureExt;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};

/// What one account may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ResourceQuota {
    /// In each Region.
    pub keys: u32,
    pub aliases_per_key: u32,
    pub grants_per_key: u32,
    /// Custom key stores, in each Region.
    pub key_stores: u32,
    /// Wrapping keys for imports, at a time.
    pub import_wrapping_keys: u32,
    pub users: u32,
    pub roles: u32,
    /// Passwords of custom key stores that are tried.
    pub key_store_passwords_per_hour: NonZeroU32,
}

/// What accounts may have.
#[derive(Debug, Clone, Default)]
pub struct ResourceQuotas {
    /// Each of them,
    pub default: ResourceQuota,
    /// but for these.
    pub accounts: HashMap<AccountId, ResourceQuota>,
}

impl Default for ResourceQuota {
    /// AWS's.
    fn default() -> Self {
        Self {
            keys: 100_000,
            aliases_per_key: 50,
            grants_per_key: 50_000,
            key_stores: 10,
            import_wrapping_keys: 100,
            users: 5_000,
            roles: 1_000,
            key_store_passwords_per_hour: NonZeroU32::MIN.saturating_add(4),
        }
    }
}

impl ResourceQuotas {
    fn of(&self, account: &AccountId) -> ResourceQuota {
        *self.accounts.get(account).unwrap_or(&self.default)
    }
}

impl Shared {
    fn quota(&self, account: &AccountId) -> ResourceQuota {
        let quotas = self.quotas.read().unwrap_or_else(PoisonError::into_inner);
        quotas.of(account)
    }
}

const TALLY: &str = "/* quotas::tally */ select many from tally \
    where account = $1 and region = $2 and kind = $3";
// The key is locked by whoever gives it an alias.
const ALIASES: &str = "/* quotas::aliases */ select count(*) as many from ( \
    select from alias where account = $1 and region = $2 and key_id = $3 limit $4) as them";
// In favour of the rows that refer to it, which need not wait.
const LOCK_ACCOUNT: &str =
    "/* quotas::lock_account */ select id from account where id = $1 for no key update";
const KEY_STORES: &str = "/* quotas::key_stores */ select count(*) as many from key_store \
    where account = $1 and region = $2";
const WRAPPING_KEYS: &str = "/* quotas::wrapping_keys */ select count(*) as many from wrapping_key \
    where account = $1";
const INSERT_WRAPPING_KEY: &str =
    "/* quotas::insert_wrapping_key */ insert into wrapping_key (intent, account) values ($1, $2)";
// The generic cell rate algorithm, by the database's clock: $3 seconds for each, an hour's at once.
const SLOWLY: &str = "/* quotas::slowly */ \
    insert into slow_rate as r (account, kind, full_at) \
    values ($1, $2, strongroom_now() + make_interval(secs => $3)) \
    on conflict (account, kind) do update \
    set full_at = greatest(r.full_at, strongroom_now()) + make_interval(secs => $3) \
    where greatest(r.full_at, strongroom_now()) + make_interval(secs => $3) \
        <= strongroom_now() + interval '1 hour 1 second' \
    returning full_at";

const KEYS: &str = "KMS keys in this account and Region";

fn within(many: i64, what: &str, quota: u32) -> Result<(), Error> {
    if many <= i64::from(quota) {
        return Ok(());
    }
    let message = format!("You have exceeded the quota of {quota} {what}.");
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

impl Store {
    /// What an account may have.
    pub fn quota(&self, account: &AccountId) -> ResourceQuota {
        self.shared.quota(account)
    }

    /// Other quotas from now on. Who has more than that keeps it.
    pub fn set_quotas(&self, quotas: ResourceQuotas) {
        let current = self.shared.quotas.write();
        *current.unwrap_or_else(PoisonError::into_inner) = quotas;
    }

    /// Whether an account may have one more key, before one is made on the token: who makes them at the
    /// same time is found when they are inserted.
    ///
    /// # Errors
    /// `LimitExceededException`; those of the database.
    pub async fn check_room_for_key(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Result<(), Error> {
        let connection = self.shared.connections.get().await?;
        let params: Params<'_> = &[&account.as_str(), &region.as_str(), &"key"];
        let row = connection.query_opt(TALLY, params).await?;
        let many: i64 = row.map_or(Ok(0), |row| column(&row, "many"))?;
        within(many + 1, KEYS, self.quota(account).keys)
    }

    /// Records that a wrapping key is about to be made for an account: as [`Store::begin_intent`].
    ///
    /// # Errors
    /// `LimitExceededException` if it has as many as it may have; those of the database.
    pub async fn begin_wrapping_key(
        &self,
        intent: &Intent,
        account: &AccountId,
    ) -> Result<(), Error> {
        let (intent, account) = (Arc::new(intent.clone()), Arc::new(account.clone()));
        let begun = self.transaction("begin_wrapping_key", move |tx| {
            let (intent, account) = (intent.clone(), account.clone());
            async move {
                tx.lock_account(&account).await?;
                intents::begin(tx.shared, tx.connection, &intent).await?;
                let id = account.as_str();
                let params: Params<'_> = &[&intent.version, &id];
                tx.connection.execute(INSERT_WRAPPING_KEY, params).await?;
                let row = tx.connection.query_one(WRAPPING_KEYS, &[&id]).await?;
                let quota = tx.shared.quota(&account).import_wrapping_keys;
                let what = "import tokens that are valid at a time. Retry when some have expired";
                within(column(&row, "many")?, what, quota)
            }
            .boxed()
        });
        begun.await
    }
}

impl Transaction<'_> {
    /// Counts a password that is about to be tried at the token of a custom key store.
    ///
    /// # Errors
    /// `ThrottlingException` if the account has tried as many lately as it may; those of the
    /// database.
    pub async fn count_password_try(&self, account: &AccountId) -> Result<(), Error> {
        let each = self.shared.quota(account).key_store_passwords_per_hour;
        let seconds = 3600.0 / f64::from(each.get());
        let params: Params<'_> = &[&account.as_str(), &"key-store-password", &seconds];
        if self.connection.query_opt(SLOWLY, params).await?.is_some() {
            return Ok(());
        }
        let message = format!(
            "Your account may try {each} passwords of custom key stores an hour, and has. A token counts \
             wrong ones: wait, or reconnect with the password that it has."
        );
        Err(Error::new(ErrorCode::Throttling, message))
    }

    async fn lock_account(&self, account: &AccountId) -> Result<(), Error> {
        let params: Params<'_> = &[&account.as_str()];
        self.connection.query(LOCK_ACCOUNT, params).await?;
        Ok(())
    }

    async fn tally(&self, account: &AccountId, region: &str, kind: &str) -> Result<i64, Error> {
        let params: Params<'_> = &[&account.as_str(), &region, &kind];
        let row = self.connection.query_one(TALLY, params).await?;
        column(&row, "many")
    }

    /// After a key was inserted.
    pub(super) async fn check_keys(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Result<(), Error> {
        let many = self.tally(account, region.as_str(), "key").await?;
        within(many, KEYS, self.shared.quota(account).keys)
    }

    /// After a user or a role was inserted.
    pub(super) async fn check_identities(
        &self,
        account: &AccountId,
        kind: IdentityKind,
    ) -> Result<(), Error> {
        let quota = self.shared.quota(account);
        let (kind, name, quota) = match kind {
            IdentityKind::Root => return Ok(()),
            IdentityKind::User => ("user", "UsersPerAccount", quota.users),
            IdentityKind::Role => ("role", "RolesPerAccount", quota.roles),
        };
        if self.tally(account, "", kind).await? <= i64::from(quota) {
            return Ok(());
        }
        // IAM's words.
        let message = format!("Cannot exceed quota for {name}: {quota}");
        Err(Error::new(ErrorCode::LimitExceeded, message))
    }

    /// After an alias was inserted for, or moved to, a key, which is locked.
    pub(super) async fn check_aliases(&self, alias: &Alias) -> Result<(), Error> {
        let quota = self.shared.quota(&alias.account).aliases_per_key;
        let enough = i64::from(quota) + 1;
        let params: Params<'_> = &[
            &alias.account.as_str(),
            &alias.region.as_str(),
            &alias.key_id,
            &enough,
        ];
        let row = self.connection.query_one(ALIASES, params).await?;
        within(column(&row, "many")?, "aliases for each KMS key", quota)
    }

    /// Before a custom key store is inserted: one after the other.
    pub(super) async fn check_key_stores(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Result<(), Error> {
        self.lock_account(account).await?;
        let params: Params<'_> = &[&account.as_str(), &region.as_str()];
        let row = self.connection.query_one(KEY_STORES, params).await?;
        let many: i64 = column(&row, "many")?;
        let what = "custom key stores in this account and Region";
        within(many + 1, what, self.shared.quota(account).key_stores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_is_within_and_the_next_is_not() {
        assert!(within(50, "aliases", 50).is_ok());
        let error = within(51, "aliases", 50).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LimitExceeded);
        assert_eq!(
            error.message(),
            "You have exceeded the quota of 50 aliases."
        );
        assert!(within(1, "roles", 0).is_err());
    }
}
