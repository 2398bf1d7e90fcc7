//! The quotas of the configuration, as the layers below take them.

use crate::config::{AccountQuota, QuotaDefaults, QuotaSection, RateSetting};
use crate::model::AccountId;
use crate::operation::quota::{AccountLimits, Group, Limits, Rate};
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
