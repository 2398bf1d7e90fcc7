//! The inventory: every key, and how long it has been in use against how long it should be.

use super::moment::Moment;
use crate::model::arn::key_arn;
use crate::model::{KeyUsage, Origin};
use crate::store::{Alias, Key, Metadata};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use time::{Duration, OffsetDateTime};

/// A key, in one Region.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEntry {
    /// Its ARN.
    pub arn: String,
    /// The account that it belongs to.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// Its id.
    pub key_id: String,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// The value of its tag `Owner`, in whatever letters; else of its account.
    pub owner: String,
    /// What its owner wrote about it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// KeySpec, KeyUsage, Origin, KeyState.
    pub spec: &'static str,
    #[allow(missing_docs)]
    pub usage: &'static str,
    #[allow(missing_docs)]
    pub origin: &'static str,
    #[allow(missing_docs)]
    pub state: &'static str,
    /// Of a multi-Region key: whether it is the primary.
    pub primary: Option<bool>,
    /// When it was made.
    pub created: Moment,
    /// How many versions it has.
    pub versions: usize,
    /// The number of the current version, and since when it is.
    pub current_version: Option<i32>,
    #[allow(missing_docs)]
    pub current_since: Moment,
    /// How long a version may be current.
    pub crypto_period: CryptoPeriod,
    /// When the current version's is over.
    pub crypto_period_ends: Option<Moment>,
    /// Whether that was before the report, and the key is in use.
    pub over_crypto_period: bool,
    /// Days from one automatic rotation to the next.
    pub rotation_days: Option<i32>,
    /// When it is next rotated.
    pub next_rotation: Option<Moment>,
    /// When it will be destroyed.
    pub deletion: Option<Moment>,
    /// When the current version's imported material expires.
    pub material_expires: Option<Moment>,
    /// Its last use, for what.
    pub last_used: Option<Moment>,
    #[allow(missing_docs)]
    pub last_operation: Option<String>,
}

/// How long a version may be current, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CryptoPeriod {
    /// In days.
    pub days: i64,
    /// Who says so.
    pub by: &'static str,
}

impl CryptoPeriod {
    /// The option's, the key's own rotation, or the upper end of what NIST SP 800-57 part 1 revision 5,
    /// table 1, suggests for a key of its use.
    fn of(key: &Key, option: Option<u32>) -> Self {
        if let Some(days) = option {
            let (days, by) = (i64::from(days), "--crypto-period");
            return Self { days, by };
        }
        if let Some(days) = key.rotation_days {
            let (days, by) = (i64::from(days), "its rotation");
            return Self { days, by };
        }
        let years = match key.usage {
            // Private signature key: one to three years.
            KeyUsage::SignVerify => 3,
            // Symmetric data encryption, key wrapping and authentication keys, private key transport
            // keys: at most two years; private static key-agreement keys: one to two.
            KeyUsage::EncryptDecrypt
            | KeyUsage::GenerateVerifyMac
            | KeyUsage::KeyAgreement
            | KeyUsage::EncapsulateDecapsulate => 2,
        };
        Self {
            days: years * 365,
            by: "SP 800-57",
        }
    }
}

impl KeyEntry {
    /// How people call it: by its first alias, or else by its id.
    pub fn name(&self) -> &str {
        self.aliases.first().map_or(&self.key_id, |alias| alias)
    }

    fn of(
        key: &Key,
        aliases: Vec<String>,
        used: Option<&(String, OffsetDateTime)>,
        option: Option<u32>,
        at: OffsetDateTime,
    ) -> Self {
        let current = key.version(key.current_version);
        let since = current.map_or(key.created.time(), |version| match version.rotation {
            Some((_, rotated)) => rotated,
            None => version.created.time(),
        });
        let crypto_period = CryptoPeriod::of(key, option);
        // What waits for its material, or to be destroyed, protects nothing any more.
        let in_use = !matches!(
            key.state.as_str(),
            "PendingDeletion" | "PendingReplicaDeletion" | "PendingImport" | "Disabled"
        );
        let ends = since.checked_add(Duration::days(crypto_period.days));
        let owner = key.tags.iter();
        let mut owner = owner.filter(|(name, _)| name.eq_ignore_ascii_case("owner"));
        let owner = owner.next().map(|(_, owner)| owner.clone());
        let primary = key.is_primary();
        Self {
            arn: key_arn(&key.account, &key.region, &key.key_id),
            account: key.account.to_string(),
            region: key.region.to_string(),
            key_id: key.key_id.to_string(),
            aliases,
            owner: owner.unwrap_or_else(|| format!("account {}", key.account)),
            description: key.description.clone(),
            tags: key.tags.clone(),
            spec: key.spec.as_str(),
            usage: key.usage.as_str(),
            origin: key.origin.as_str(),
            state: key.state.as_str(),
            primary: key.multi_region.then_some(primary),
            created: Moment(key.created.time()),
            versions: key.versions.len(),
            current_version: current.map(|version| version.number),
            current_since: Moment(since),
            crypto_period,
            crypto_period_ends: ends.map(Moment),
            over_crypto_period: in_use && ends.is_some_and(|ends| ends < at),
            rotation_days: key.rotation_days,
            next_rotation: key.next_rotation.map(|next| Moment(next.time())),
            deletion: key.deletion.map(Moment),
            material_expires: current
                .filter(|_| key.origin == Origin::External)
                .and_then(|version| version.valid_to.map(Moment)),
            last_used: used.map(|(_, at)| Moment(*at)),
            last_operation: used.map(|(operation, _)| operation.clone()),
        }
    }
}

/// Puts the keys in the order in which people look for them: by account and Region, then by alias, those
/// without one last.
pub(super) fn sort(metadata: &mut Metadata) {
    let aliases = aliases_by_key(&metadata.aliases);
    metadata.keys.sort_by_cached_key(|key| {
        let place = (key.account.as_str(), key.region.as_str(), &*key.key_id);
        let alias = aliases.get(&place).and_then(|names| names.first());
        let alias = alias.map(|name| (*name).to_owned());
        let (account, region) = (key.account.to_string(), key.region.to_string());
        (account, region, alias.is_none(), alias, key.key_id.clone())
    });
}

/// The entries, in the order of the metadata's keys. `option` is how long every key's period is, in days.
pub fn inventory(metadata: &Metadata, option: Option<u32>) -> Vec<KeyEntry> {
    let mut aliases = aliases_by_key(&metadata.aliases);
    let entry = |key| {
        let key: &Key = key;
        let place = (key.account.as_str(), key.region.as_str(), &*key.key_id);
        let aliases = aliases.remove(&place).unwrap_or_default();
        let aliases = aliases.into_iter().map(str::to_owned).collect();
        let used = metadata.key_uses.get(&key.row);
        KeyEntry::of(key, aliases, used, option, metadata.at)
    };
    metadata.keys.iter().map(entry).collect()
}

/// The names of each key's aliases, in order; a key by its account, Region and id.
pub(super) fn aliases_by_key(aliases: &[Alias]) -> HashMap<(&str, &str, &str), Vec<&str>> {
    let mut by_key: HashMap<_, Vec<&str>> = HashMap::new();
    for alias in aliases {
        let place = (
            alias.account.as_str(),
            alias.region.as_str(),
            &*alias.key_id,
        );
        by_key.entry(place).or_default().push(&alias.name);
    }
    by_key.values_mut().for_each(|names| names.sort_unstable());
    by_key
}
