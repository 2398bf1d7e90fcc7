//! Who can use what: for every key and every principal that there is, whether requests would be allowed,
//! by asking the decision itself with the key's policy, the principal's own and the key's grants.

mod facts;
mod kinds;
mod principals;

pub use kinds::{KINDS, Kind};
pub use principals::{PrincipalEntry, Who};

use super::keys::aliases_by_key;
use crate::authz::{Allowed, Permit, Policies, Policy, PolicyKind, Question, Reach, reach};
use crate::model::arn::key_arn;
use crate::store::{Grant, Key, Metadata};
use facts::Standing;
pub(super) use principals::role_of;
use principals::{Asker, askers};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// What is allowed, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// An index into [`AccessMap::principals`].
    pub principal: usize,
    /// The kinds, and whether each depends on the request.
    pub kinds: Vec<(Kind, Condition)>,
    /// What allows it.
    pub by: Vec<&'static str>,
}

/// Whether something depends on what is known of a request alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)]
pub enum Condition {
    Always,
    OnConditions,
}

/// Keys that the same principals can use for the same.
#[derive(Debug, Clone, Serialize)]
pub struct Pattern {
    /// Indices into the inventory.
    pub keys: Vec<usize>,
    /// Who can do what to each of them; nobody else can do anything.
    pub access: Vec<Access>,
}

/// Who can use what.
#[derive(Debug, Clone, Serialize)]
pub struct AccessMap {
    /// Everybody who was asked about.
    pub principals: Vec<PrincipalEntry>,
    /// Keys by who can use them, most keys first.
    pub patterns: Vec<Pattern>,
    /// Keys whose policy does not parse, by their indices: nobody can use them.
    pub unreadable: Vec<usize>,
}

/// Asks about every key and principal.
pub fn access(metadata: &Metadata) -> AccessMap {
    let policies: Vec<Option<Policy>> = metadata
        .keys
        .iter()
        .map(|key| Policy::parse(&key.policy, PolicyKind::Key).ok())
        .collect();
    let askers = askers(metadata, policies.iter().flatten());
    let mut grants: HashMap<Uuid, Vec<&Grant>> = HashMap::new();
    for grant in &metadata.grants {
        grants.entry(grant.key).or_default().push(grant);
    }
    let aliases = aliases_by_key(&metadata.aliases);
    let mut patterns: BTreeMap<Vec<Access>, Vec<usize>> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (at, (key, policy)) in metadata.keys.iter().zip(&policies).enumerate() {
        let Some(policy) = policy else {
            unreadable.push(at);
            continue;
        };
        let place = (key.account.as_str(), key.region.as_str(), &*key.key_id);
        let asked = Asked {
            key,
            arn: key_arn(&key.account, &key.region, &key.key_id),
            policy,
            grants: grants.get(&key.row).map_or(&[], Vec::as_slice),
            aliases: aliases.get(&place).map_or(&[], Vec::as_slice),
        };
        let askers = askers.iter().enumerate();
        let access = askers.filter_map(|(principal, asker)| asked.access(principal, asker));
        patterns.entry(access.collect()).or_default().push(at);
    }
    let patterns = patterns.into_iter();
    let mut patterns: Vec<_> = patterns
        .map(|(access, keys)| Pattern { keys, access })
        .collect();
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.keys.len()));
    AccessMap {
        principals: askers.into_iter().map(|asker| asker.entry).collect(),
        patterns,
        unreadable,
    }
}

/// A key that is asked about.
struct Asked<'a> {
    key: &'a Key,
    arn: String,
    policy: &'a Policy,
    grants: &'a [&'a Grant],
    aliases: &'a [&'a str],
}

impl Asked<'_> {
    /// `None` for whom nothing is allowed.
    fn access(&self, at: usize, asker: &Asker<'_>) -> Option<Access> {
        let principal = &asker.principal;
        let own = principal.account == self.key.account;
        if asker.only_own && !own {
            return None;
        }
        let standing = Standing {
            principal,
            identity: asker.identity,
            key: self.key,
            aliases: self.aliases,
        };
        let identity: &[Arc<Policy>] = asker.policies.as_deref()?;
        let policies = Policies {
            identity,
            session: None,
            resource: Some(self.policy),
        };
        let permits = self.grants.iter().map(|grant| Permit {
            grantee: &grant.grantee,
            operations: grant.operations,
            constraints: grant.constraints.as_ref(),
        });
        let permits: Vec<Permit<'_>> = permits.collect();
        let (mut kinds, mut by) = (Vec::new(), Vec::new());
        for (kind, _, actions) in KINDS {
            let mut most: Option<Condition> = None;
            for action in *actions {
                if !kinds::can_be(action, self.key.spec, self.key.usage, own) {
                    continue;
                }
                let question = Question {
                    principal,
                    action,
                    resource: &self.arn,
                    owner: &self.key.account,
                    facts: &standing,
                };
                let (condition, allowed) = match reach(&question, &policies, &permits) {
                    Reach::Never => continue,
                    Reach::Conditional(allowed) => (Condition::OnConditions, allowed),
                    Reach::Always(allowed) => (Condition::Always, allowed),
                };
                most = Some(most.map_or(condition, |most| most.min(condition)));
                by.push(match allowed {
                    Allowed::ResourcePolicy => "key policy",
                    Allowed::Identity if identity.is_empty() => "key policy (root)",
                    Allowed::Identity => "own policies",
                    Allowed::Grant(_) => "grant",
                });
                if condition == Condition::Always {
                    break;
                }
            }
            kinds.extend(most.map(|condition| (*kind, condition)));
        }
        by.sort_unstable();
        by.dedup();
        (!kinds.is_empty()).then_some(Access {
            principal: at,
            kinds,
            by,
        })
    }
}

#[cfg(test)]
mod tests;
