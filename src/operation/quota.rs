//! Step 3: the rate of requests of each account.

use crate::model::AccountId;
use crate::{Error, ErrorCode};
use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota as Rate, RateLimiter};
use std::num::NonZeroU32;

/// A token bucket per account.
pub struct Quota {
    accounts: RateLimiter<AccountId, DashMapStateStore<AccountId>, DefaultClock>,
}

impl Quota {
    /// `per_second` requests of each account on average, and as many at once.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self {
            accounts: RateLimiter::dashmap(Rate::per_second(per_second)),
        }
    }

    /// Counts one request of `account`.
    ///
    /// # Errors
    /// `ThrottlingException` beyond the rate.
    pub fn check(&self, account: &AccountId) -> Result<(), Error> {
        self.accounts.check_key(account).map_err(|_| {
            let message = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
            Error::new(ErrorCode::Throttling, message)
        })
    }
}
