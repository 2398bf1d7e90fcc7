//! Accounts, Regions and the ARNs made of them.

use super::ascii::Ascii;
use std::sync::Arc;

/// Makes a cheap-to-clone text newtype whose values were checked when made.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident($kept:ty), $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($kept);

        impl $name {
            /// `None` unless `text` has the form above.
            pub fn parse(text: &str) -> Option<Self> {
                let check: fn(&str) -> bool = $check;
                check(text).then(|| <$kept>::try_from(text).ok().map(Self))?
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use text;

text! {
    /// A 12-digit AWS account id.
    AccountId(Ascii<12>), |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

text! {
    /// A Region's name, as in the credential scope: 1 to 32 of `a-z`, `0-9`, `-`.
    Region(Arc<str>), |text| (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `arn:aws:kms:REGION:ACCOUNT:key/KEY-ID`.
pub fn key_arn(account: &AccountId, region: &Region, key_id: &str) -> String {
    [
        "arn:aws:kms:",
        region.as_str(),
        ":",
        account.as_str(),
        ":key/",
        key_id,
    ]
    .concat()
}

/// `arn:aws:kms:REGION:ACCOUNT:alias/NAME`; `alias_name` begins with `alias/`.
pub fn alias_arn(account: &AccountId, region: &Region, alias_name: &str) -> String {
    [
        "arn:aws:kms:",
        region.as_str(),
        ":",
        account.as_str(),
        ":",
        alias_name,
    ]
    .concat()
}

/// `arn:aws:iam::ACCOUNT:root`.
pub fn root_arn(account: &AccountId) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// `arn:aws:iam::ACCOUNT:user/NAME`.
pub fn user_arn(account: &AccountId, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

/// `arn:aws:iam::ACCOUNT:role/NAME`.
pub fn role_arn(account: &AccountId, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`: of a session of a role.
pub fn assumed_role_arn(account: &AccountId, role: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
}

/// `arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH`: of an issuer of OIDC tokens, without its scheme.
pub fn oidc_provider_arn(account: &AccountId, issuer: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/{issuer}")
}

/// The account of a principal's ARN: an account's root, a user, a role, or a session of one.
/// `None` for what is no such ARN.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>.
pub fn principal_account(text: &str) -> Option<AccountId> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    let partition = parts.next()?;
    let service = parts.next()?;
    let region = parts.next()?;
    let account = AccountId::parse(parts.next()?)?;
    let resource = parts.next()?;
    let kinds: &[&str] = match service {
        "iam" if resource == "root" => &["root"],
        "iam" => &["user/", "role/"],
        "sts" => &["assumed-role/", "federated-user/"],
        _ => return None,
    };
    let named = kinds.iter().any(|kind| {
        let name = resource.strip_prefix(kind);
        name.is_some_and(|name| *kind == "root" || !name.is_empty())
    });
    (partition.starts_with("aws") && region.is_empty() && named).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_and_what_is_none() {
        for right in [
            "arn:aws:iam::111122223333:root",
            "arn:aws-cn:iam::111122223333:user/division/bob",
            "arn:aws:iam::111122223333:role/x",
            "arn:aws:sts::111122223333:assumed-role/x/session",
        ] {
            let account = principal_account(right);
            assert_eq!(account.expect(right).as_str(), "111122223333");
        }
        for wrong in [
            "111122223333",
            "arn:aws:iam::1:root",
            "arn:aws:iam::111122223333:rooted",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam:eu-west-1:111122223333:root",
            "arn:aws:kms::111122223333:root",
            "arn:aws:sts::111122223333:root",
        ] {
            assert_eq!(principal_account(wrong), None, "{wrong}");
        }
    }
}
