//! Step 3: how often an account, a principal and an address may ask; see `docs/quotas.md`.
//!
//! What depends on the key that a request uses is counted once it is known which it is. A request
//! that is refused costs the others nothing: it is not decoded, not recorded, and takes nothing from
//! the other quotas that it would have counted for.

mod buckets;
mod groups;
mod limits;
mod places;
mod strangers;

pub use buckets::Rate;
pub use groups::Group;
pub use limits::{AccountLimits, Limits};
pub use places::{Place, Places};
pub use strangers::Strangers;

use super::{Authorized, Operation, OperationName, Request};
use crate::model::{AccountId, DataKeyPairSpec, Region};
use crate::{Error, ErrorCode};
use buckets::Buckets;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Accounts, principals, and groups of an account in a Region that are below their rate at a time.
const BUCKETS: usize = 100_000;
/// Addresses that failed lately.
const ADDRESSES: usize = 50_000;

/// What has been used of every quota.
pub struct Quota {
    limits: Limits,
    begun: Instant,
    accounts: Buckets<AccountId>,
    principals: Buckets<String>,
    groups: Buckets<(AccountId, Region, Group)>,
    key_stores: Buckets<Uuid>,
    addresses: Buckets<IpAddr>,
}

/// The cause of a `ThrottlingException`: which quota was used up.
#[derive(Debug, thiserror::Error)]
#[error("the quota {0} is used up")]
pub struct Throttled(pub &'static str);

/// What a caller beyond a quota is told.
pub fn throttled(quota: &'static str) -> Error {
    let message =
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
    Error::new(ErrorCode::Throttling, message).with_source(Throttled(quota))
}

impl Quota {
    /// Nothing used yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            begun: Instant::now(),
            accounts: Buckets::new(BUCKETS),
            principals: Buckets::new(BUCKETS),
            groups: Buckets::new(BUCKETS),
            key_stores: Buckets::new(BUCKETS),
            addresses: Buckets::new(ADDRESSES),
        }
    }

    /// Counts a request before it is decoded. An OIDC token names any account that it likes: until a
    /// role of it is known to trust the token, its address pays, as a stranger's does.
    ///
    /// # Errors
    /// `ThrottlingException`.
    pub(super) fn count_request(
        &self,
        operation: OperationName,
        request: &Request,
    ) -> Result<(), Error> {
        match request.proof.web_identity() {
            Some(_) => self.count_failure(request.source_ip),
            None => self.count_request_at(operation, request, self.begun.elapsed()),
        }
    }

    /// Counts for the account whose role has been found to trust an OIDC token what was counted for
    /// an address.
    ///
    /// # Errors
    /// `ThrottlingException`.
    pub(super) fn count_trusted(
        &self,
        operation: OperationName,
        request: &Request,
    ) -> Result<(), Error> {
        if request.proof.web_identity().is_none() {
            return Ok(());
        }
        self.forgive(request.source_ip);
        self.count_request_at(operation, request, self.begun.elapsed())
    }

    fn count_request_at(
        &self,
        operation: OperationName,
        request: &Request,
        now: Duration,
    ) -> Result<(), Error> {
        let (account, principal) = (&request.principal.account, &request.principal);
        let group = Group::of(operation).and_then(|group| {
            let rate = self.limits.group(account, &request.region, group)?;
            Some((group, rate))
        });
        let in_group = group.map(|(group, rate)| {
            let key = (account.clone(), request.region.clone(), group);
            (key, rate)
        });
        if let Some((key, rate)) = &in_group
            && !self.groups.take(key, *rate, now)
        {
            return Err(throttled(key.2.name()));
        }
        let give_back = || {
            if let Some((key, rate)) = &in_group {
                self.groups.give_back(key, *rate);
            }
        };
        // A role's sessions count together: whoever may assume it names as many as they like.
        let arn = principal.identity().unwrap_or(&principal.arn).to_owned();
        let rate = self.limits.principal(&arn);
        if !self.principals.take(&arn, rate, now) {
            give_back();
            return Err(throttled("principal"));
        }
        if !self
            .accounts
            .take(account, self.limits.account(account), now)
        {
            give_back();
            self.principals.give_back(&arn, rate);
            return Err(throttled("account"));
        }
        Ok(())
    }

    /// Counts a request that makes a data key pair.
    ///
    /// # Errors
    /// `ThrottlingException`.
    pub(super) fn count_pair(&self, spec: DataKeyPairSpec, request: &Request) -> Result<(), Error> {
        self.count_group(Group::KeyPair(spec), request)
    }

    /// Counts a cryptographic operation by the keys that it uses, and their custom key stores.
    ///
    /// # Errors
    /// `ThrottlingException`.
    pub(super) fn count_use<O: Operation>(
        &self,
        call: &Authorized<O>,
        request: &Request,
    ) -> Result<(), Error> {
        if !groups::is_cryptographic(O::NAME) {
            return Ok(());
        }
        let mut counted = Vec::new();
        let of_keys = call.keys().map(|key| Group::of_key(key.spec));
        // GenerateRandom has none.
        let none = call.keys().next().is_none().then_some(Group::Symmetric);
        for group in of_keys.chain(none) {
            if !counted.contains(&group) {
                counted.push(group);
                self.count_group(group, request)?;
            }
        }
        let account = &request.principal.account;
        let Some(rate) = self.limits.group(account, &request.region, Group::KeyStore) else {
            return Ok(());
        };
        let now = self.begun.elapsed();
        for store in call.needed() {
            if !self.key_stores.take(&store.row, rate, now) {
                return Err(throttled(Group::KeyStore.name()));
            }
        }
        Ok(())
    }

    fn count_group(&self, group: Group, request: &Request) -> Result<(), Error> {
        let (account, region) = (&request.principal.account, &request.region);
        let Some(rate) = self.limits.group(account, region, group) else {
            return Ok(());
        };
        let key = (account.clone(), region.clone(), group);
        match self.groups.take(&key, rate, self.begun.elapsed()) {
            true => Ok(()),
            false => Err(throttled(group.name())),
        }
    }

    /// Counts a caller whom nobody knows, or whose signature is wrong.
    ///
    /// # Errors
    /// `ThrottlingException` once its address has been that too often.
    pub fn count_failure(&self, address: IpAddr) -> Result<(), Error> {
        let now = self.begun.elapsed();
        match self
            .addresses
            .take(&network(address), self.limits.failures, now)
        {
            true => Ok(()),
            false => Err(throttled("address")),
        }
    }

    /// Takes back a [`Quota::count_failure`] of who turned out to be somebody.
    pub fn forgive(&self, address: IpAddr) {
        self.addresses
            .give_back(&network(address), self.limits.failures);
    }

    /// Forgets what need not be remembered; to be called now and then.
    pub fn shrink(&self) {
        let now = self.begun.elapsed();
        self.accounts.shrink(now);
        self.principals.shrink(now);
        self.groups.shrink(now);
        self.key_stores.shrink(now);
        self.addresses.shrink(now);
    }
}

/// Whom an address is counted as: an IPv6 client has a network of 2^64 of them (RFC 4291).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        v4 => v4,
    }
}
