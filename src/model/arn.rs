//! Accounts, Regions and the ARNs made of them.

use std::fmt;
use std::sync::Arc;

/// Makes a cheap-to-clone text newtype whose values were checked when made.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// `None` unless `text` has the form above.
            pub fn parse(text: &str) -> Option<Self> {
                let check: fn(&str) -> bool = $check;
                check(text).then(|| Self(text.into()))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// A 12-digit AWS account id.
    AccountId, |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

text! {
    /// A Region's name, as in the credential scope: 1 to 32 of `a-z`, `0-9`, `-`.
    Region, |text| (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `arn:aws:kms:REGION:ACCOUNT:key/KEY-ID`.
pub fn key_arn(account: &AccountId, region: &Region, key_id: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:key/{key_id}")
}

/// `arn:aws:kms:REGION:ACCOUNT:alias/NAME`; `alias_name` begins with `alias/`.
pub fn alias_arn(account: &AccountId, region: &Region, alias_name: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:{alias_name}")
}

/// `arn:aws:iam::ACCOUNT:root`.
pub fn root_arn(account: &AccountId) -> String {
    format!("arn:aws:iam::{account}:root")
}
