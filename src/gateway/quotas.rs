//! The quotas of the configuration, as the layers below take them.

use crate::config::{AccountQuota, QuotaDefaults, QuotaSection, RateSetting};
use crate::model::AccountId;
use crate::operation::quota::{AccountLimits, Group, Limits, Rate};
use crate::store::{ResourceQuota, ResourceQuotas};
use crate::{Error, ErrorCode};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

/// How many seconds' failures an address may have at once: many of one address may be starting.
const FAILURES_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

fn wrong(message: String) -> Error {
    Error::new(ErrorCode::Validation, message)
}

/// The rates.
///
/// # Errors
/// A name that is no quota's; a rate that is none.
pub(super) fn limits(section: &QuotaSection) -> Result<Limits, Error> {
    let own = |(id, quota): (&String, &AccountQuota)| {
        let id = account(id)?;
        let limits = AccountLimits {
            account: quota.requests_per_second.map(each).transpose()?,
            groups: groups(&quota.rates)?,
        };
        Ok((id, limits))
    };
    let principals = section.principals.iter();
    let principals = principals
        .map(|(arn, quota)| Ok((arn.clone(), each(quota.requests_per_second)?)))
        .collect::<Result<_, Error>>()?;
    let failures = section.failures_per_second;
    Ok(Limits {
        account: each(section.requests_per_second)?,
        principal: each(section.principal_requests_per_second)?,
        failures: each(failures)?.allow_burst(failures.saturating_mul(FAILURES_BURST)),
        aws: section.defaults == QuotaDefaults::Aws,
        groups: groups(&section.rates)?,
        accounts: section
            .accounts
            .iter()
            .map(own)
            .collect::<Result<_, Error>>()?,
        principals,
    })
}

/// The numbers; the accounts are some, as the configuration has checked.
pub(super) fn resources(section: &QuotaSection) -> ResourceQuotas {
    let default = ResourceQuota {
        keys: section.keys,
        aliases_per_key: section.aliases_per_key,
        grants_per_key: section.grants_per_key,
        key_stores: section.key_stores,
        import_wrapping_keys: section.import_wrapping_keys,
        users: section.users,
        roles: section.roles,
        key_store_passwords_per_hour: section.key_store_passwords_per_hour,
    };
    let own = |(id, own): (&String, &AccountQuota)| {
        let quota = ResourceQuota {
            keys: own.keys.unwrap_or(default.keys),
            aliases_per_key: own.aliases_per_key.unwrap_or(default.aliases_per_key),
            grants_per_key: own.grants_per_key.unwrap_or(default.grants_per_key),
            key_stores: own.key_stores.unwrap_or(default.key_stores),
            import_wrapping_keys: own
                .import_wrapping_keys
                .unwrap_or(default.import_wrapping_keys),
            users: own.users.unwrap_or(default.users),
            roles: own.roles.unwrap_or(default.roles),
            key_store_passwords_per_hour: own
                .key_store_passwords_per_hour
                .unwrap_or(default.key_store_passwords_per_hour),
        };
        Some((AccountId::parse(id)?, quota))
    };
    let accounts = section.accounts.iter().filter_map(own);
    ResourceQuotas {
        default,
        accounts: accounts.collect(),
    }
}

fn account(id: &str) -> Result<AccountId, Error> {
    AccountId::parse(id).ok_or_else(|| wrong(format!("quota.accounts.{id} is no account")))
}

fn each(per_second: NonZeroU32) -> Result<Rate, Error> {
    rate(
        "requests_per_second",
        RateSetting::PerSecond(f64::from(per_second.get())),
    )
}

fn groups(rates: &BTreeMap<String, RateSetting>) -> Result<HashMap<Group, Rate>, Error> {
    let group = |(name, setting): (&String, &RateSetting)| {
        let group = Group::named(name).ok_or_else(|| {
            let names: Vec<&str> = Group::all().map(Group::name).collect();
            wrong(format!("quota: {name:?} is none of {}", names.join(", ")))
        })?;
        Ok((group, rate(name, *setting)?))
    };
    rates.iter().map(group).collect()
}

fn rate(name: &str, setting: RateSetting) -> Result<Rate, Error> {
    let (per_second, burst) = match setting {
        RateSetting::PerSecond(per_second) => (per_second, None),
        RateSetting::WithBurst { per_second, burst } => (per_second, Some(burst)),
    };
    let rate = Rate::per_second(per_second)
        .ok_or_else(|| wrong(format!("quota: {name}: {per_second} is no rate")))?;
    Ok(burst.map_or(rate, |burst| rate.allow_burst(burst)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> QuotaSection {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_defaults_are_the_stores_and_an_account_may_have_its_own() {
        let resources = resources(&section(""));
        assert_eq!(resources.default, ResourceQuota::default());
        let own = "[accounts.111122223333]\nkeys = 7\n";
        let resources = super::resources(&section(own));
        let own = resources.accounts[&account("111122223333").unwrap()];
        assert_eq!((own.keys, own.users), (7, 5_000));
    }

    #[test]
    fn rates_are_named_by_their_quota() {
        let text = "rates = { RSA = 5, Symmetric = { per_second = 0.5, burst = 9 } }";
        let limits = limits(&section(text)).unwrap();
        assert_eq!(limits.groups[&Group::Rsa], Rate::per_second(5.0).unwrap());
        let nine = NonZeroU32::new(9).unwrap();
        let slow = Rate::per_second(0.5).unwrap().allow_burst(nine);
        assert_eq!(limits.groups[&Group::Symmetric], slow);
        for wrong in [
            "rates = { Encrypt = 5 }",
            "rates = { RSA = 0 }",
            "rates = { RSA = -1.5 }",
        ] {
            assert!(super::limits(&section(wrong)).is_err(), "{wrong}");
        }
    }
}
