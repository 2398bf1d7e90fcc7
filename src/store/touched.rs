//! What every gateway has to forget once a transaction has committed, as a notification says it.

use super::cache::{Address, Cache};
use crate::model::{AccountId, Region};
use uuid::Uuid;

/// One thing to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Touched {
    /// What is known of a row.
    Row(Uuid),
    /// That there is no such access key.
    AccessKey(String),
    /// That there is no such identity.
    Identity(String),
    /// That there is no such key.
    Key(AccountId, Region, String),
    /// That no key of the Region has such a version.
    Version(Region, Uuid),
    /// That there is no such alias.
    Alias(AccountId, Region, String),
    /// Which grants of a key a grantee has.
    Grants(Uuid, String),
}

impl Touched {
    pub(super) fn payload(&self) -> String {
        match self {
            Touched::Row(row) => format!("row {row}"),
            Touched::AccessKey(id) => format!("access-key {id}"),
            Touched::Identity(arn) => format!("identity {arn}"),
            Touched::Key(account, region, id) => format!("key {account} {region} {id}"),
            Touched::Version(region, version) => format!("version {region} {version}"),
            Touched::Alias(account, region, name) => format!("alias {account} {region} {name}"),
            Touched::Grants(key, grantee) => format!("grants {key} {grantee}"),
        }
    }

    pub(super) fn parse(payload: &str) -> Option<Self> {
        let placed = |text: &str| {
            let mut parts = text.splitn(3, ' ');
            let account = AccountId::parse(parts.next()?)?;
            let region = Region::parse(parts.next()?)?;
            Some((account, region, parts.next()?.to_owned()))
        };
        match payload.split_once(' ')? {
            ("row", row) => Uuid::parse_str(row).ok().map(Touched::Row),
            ("access-key", id) => Some(Touched::AccessKey(id.into())),
            ("identity", arn) => Some(Touched::Identity(arn.into())),
            ("key", text) => placed(text).map(|(a, r, id)| Touched::Key(a, r, id)),
            ("version", text) => {
                let (region, version) = text.split_once(' ')?;
                let version = Uuid::parse_str(version).ok()?;
                Some(Touched::Version(Region::parse(region)?, version))
            }
            ("alias", text) => placed(text).map(|(a, r, name)| Touched::Alias(a, r, name)),
            ("grants", text) => {
                let (key, grantee) = text.split_once(' ')?;
                let key = Uuid::parse_str(key).ok()?;
                Some(Touched::Grants(key, grantee.into()))
            }
            _ => None,
        }
    }
}

impl Cache {
    pub(super) fn forget_touched(&self, touched: &Touched) {
        match touched {
            Touched::Row(row) => self.forget(*row),
            Touched::AccessKey(id) => self.forget_address(&Address::AccessKey(id.clone())),
            Touched::Identity(arn) => self.forget_address(&Address::Identity(arn.clone())),
            Touched::Key(account, region, id) => {
                let (account, region) = (account.clone(), region.clone());
                self.forget_address(&Address::Key(account, region, id.clone()));
            }
            Touched::Version(region, version) => {
                self.forget_address(&Address::Version(region.clone(), *version));
            }
            Touched::Alias(account, region, name) => {
                let (account, region) = (account.clone(), region.clone());
                self.forget_address(&Address::Alias(account, region, name.clone()));
                self.forget_aliases();
            }
            Touched::Grants(key, grantee) => {
                self.forget_grants(&(*key, grantee.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_as_it_was_written() {
        let place = || {
            let account = AccountId::parse("111122223333").unwrap();
            (account, Region::parse("us-east-1").unwrap())
        };
        let ((a, r), (b, s), (_, t)) = (place(), place(), place());
        for touched in [
            Touched::Row(Uuid::from_u128(7)),
            Touched::AccessKey("AKIA".into()),
            Touched::Identity("arn:aws:iam::111122223333:role/a".into()),
            Touched::Key(a, r, "mrk-1".into()),
            Touched::Version(t, Uuid::from_u128(9)),
            Touched::Alias(b, s, "alias/a b".into()),
            Touched::Grants(
                Uuid::from_u128(8),
                "arn:aws:iam::111122223333:user/a".into(),
            ),
        ] {
            assert_eq!(Touched::parse(&touched.payload()), Some(touched));
        }
        assert_eq!(Touched::parse("something else"), None);
    }
}
