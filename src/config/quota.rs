//! `[quota]`: how often and how much; `docs/quotas.md` has the defaults.

use super::wrong;
use crate::Error;
use crate::model::AccountId;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// All names of a key's aliases are read at once where a policy asks for them.
const MAX_ALIASES_PER_KEY: u32 = 1000;

/// `[quota]`: how often and how much; see [quotas.md](quotas.md). On SIGHUP it changes at once; who
/// has more than that keeps it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaSection {
    /// Of each account, whatever it asks for.
    pub requests_per_second: NonZeroU32,
    /// Of each user, role or root.
    pub principal_requests_per_second: NonZeroU32,
    /// Of callers of one address (of one /64 network, for IPv6) who are unknown or whose signature
    /// is wrong; five times as many at once.
    pub failures_per_second: NonZeroU32,
    /// The rates that AWS KMS has for each operation and kind of key, or only those given here.
    pub defaults: QuotaDefaults,
    /// Other rates, of each account and Region, by their quota:
    /// `{ CreateKey = 20, RSA = { per_second = 500, burst = 2000 } }`.
    pub rates: BTreeMap<String, RateSetting>,
    /// PINs that an account may try at the tokens of its custom key stores, wrong ones and right
    /// ones.
    pub key_store_passwords_per_hour: NonZeroU32,
    /// Keys of an account in each Region.
    pub keys: u32,
    /// Aliases of a key.
    pub aliases_per_key: u32,
    /// Grants of a key.
    pub grants_per_key: u32,
    /// Custom key stores of an account in each Region.
    pub key_stores: u32,
    /// Wrapping keys of GetParametersForImport that are good, of an account.
    pub import_wrapping_keys: u32,
    /// Users of an account.
    pub users: u32,
    /// Roles of an account.
    pub roles: u32,
    /// Accounts with other quotas than the rest.
    pub accounts: BTreeMap<String, AccountQuota>,
    /// Principals with other quotas than the rest.
    pub principals: BTreeMap<String, PrincipalQuota>,
}

/// Which rates hold where none is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum QuotaDefaults {
    Aws,
    None,
}

/// Requests per second, with a burst of as many unless it is given.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
#[allow(missing_docs)]
pub enum RateSetting {
    PerSecond(f64),
    WithBurst { per_second: f64, burst: NonZeroU32 },
}

/// `[quota.accounts.<account>]`: where an account has other quotas than the rest; what is not here
/// is as in `[quota]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct AccountQuota {
    pub requests_per_second: Option<NonZeroU32>,
    pub rates: BTreeMap<String, RateSetting>,
    pub key_store_passwords_per_hour: Option<NonZeroU32>,
    pub keys: Option<u32>,
    pub aliases_per_key: Option<u32>,
    pub grants_per_key: Option<u32>,
    pub key_stores: Option<u32>,
    pub import_wrapping_keys: Option<u32>,
    pub users: Option<u32>,
    pub roles: Option<u32>,
}

/// `[quota.principals."arn:…"]`: where a user, a role or a root has another rate than the rest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalQuota {
    /// Of this principal.
    pub requests_per_second: NonZeroU32,
}

fn number(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN)
}

impl Default for QuotaSection {
    fn default() -> Self {
        Self {
            requests_per_second: number(100_000),
            principal_requests_per_second: number(100_000),
            failures_per_second: number(10),
            defaults: QuotaDefaults::Aws,
            rates: BTreeMap::new(),
            key_store_passwords_per_hour: number(5),
            keys: 100_000,
            aliases_per_key: 50,
            grants_per_key: 50_000,
            key_stores: 10,
            import_wrapping_keys: 100,
            users: 5_000,
            roles: 1_000,
            accounts: BTreeMap::new(),
            principals: BTreeMap::new(),
        }
    }
}

impl QuotaSection {
    /// # Errors
    /// An account that is none, a principal's name that is no ARN of an identity, too many aliases.
    pub(super) fn validate(&self) -> Result<(), Error> {
        for account in self.accounts.keys() {
            if AccountId::parse(account).is_none() {
                return Err(wrong(format!(
                    "quota.accounts.{account}: an account has 12 digits"
                )));
            }
        }
        let own = self.accounts.values().filter_map(|own| own.aliases_per_key);
        if own.chain([self.aliases_per_key]).max() > Some(MAX_ALIASES_PER_KEY) {
            return Err(wrong(format!(
                "quota: aliases_per_key is at most {MAX_ALIASES_PER_KEY}"
            )));
        }
        let identity = |arn: &&String| arn.starts_with("arn:aws:iam::");
        if let Some(arn) = self.principals.keys().find(|arn| !identity(arn)) {
            return Err(wrong(format!(
                "quota.principals.\"{arn}\": name a user, a role or a root by its ARN, arn:aws:iam::…"
            )));
        }
        Ok(())
    }
}
