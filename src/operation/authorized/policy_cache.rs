//! Policies as they are asked: parsed once, and kept for as long as their row stays the same.

use crate::authz::{Policy, PolicyKind};
use crate::store::{Identity, Key};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of policies, as they were written, that are kept parsed.
const KEPT_BYTES: u64 = 64 << 20;
/// The length of a policy, to begin with.
const TYPICAL_BYTES: usize = 1024;

/// A trust policy of nobody's.
const NOBODY: &str = r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}}"#;

/// The policies of one row.
#[derive(Default)]
pub(super) struct Compiled {
    pub(super) policies: Vec<Arc<Policy>>,
    /// Whether one of them asks for `kms:ResourceAliases`, which are then read.
    pub(super) asks_for_aliases: bool,
    /// As they were written.
    texts: Vec<String>,
}

/// `None` where a policy does not parse: what it denied is not known, so that nothing is allowed.
pub(super) type Parsed = Option<Arc<Compiled>>;

/// The kind of policy, and a row in a version or the text itself.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Written {
    Row(PolicyKind, Uuid, i64),
    Text(PolicyKind, String),
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Written, Parsed> for ByLength {
    fn weight(&self, _: &Written, parsed: &Parsed) -> u64 {
        let texts = parsed.iter().flat_map(|compiled| &compiled.texts);
        texts.map(String::len).sum::<usize>().max(TYPICAL_BYTES) as u64
    }
}

/// The policies in use.
pub struct PolicyCache(Cache<Written, Parsed, ByLength>);

impl Default for PolicyCache {
    fn default() -> Self {
        let entries = KEPT_BYTES as usize / TYPICAL_BYTES;
        Self(Cache::with_weighter(entries, KEPT_BYTES, ByLength))
    }
}

impl PolicyCache {
    /// A key's policy: one.
    pub(super) fn of_key(&self, key: &Key) -> Parsed {
        let written = Written::Row(PolicyKind::Key, key.row, key.row_version);
        self.get(written, [&key.policy], || super::arn_of(key))
    }

    /// The policies of a user or a role.
    pub(super) fn of_identity(&self, identity: &Identity) -> Parsed {
        let texts = identity.policies.values();
        self.get(of(identity, PolicyKind::Identity), texts, || {
            identity.arn.clone()
        })
    }

    /// The trust policy of a role: one. Where there is no such role it is asked as one that lets
    /// nobody in, so that the answer takes no less.
    pub(super) fn of_trust(&self, role: Option<&Identity>) -> Parsed {
        let Some(role) = role else {
            let text = NOBODY.to_owned();
            let written = Written::Text(PolicyKind::Trust, text.clone());
            return self.get(written, [&text], || "no role".into());
        };
        self.get(of(role, PolicyKind::Trust), &role.trust, || {
            role.arn.clone()
        })
    }

    /// The policy of a session: one.
    pub(super) fn of_session(&self, text: &String) -> Parsed {
        let written = Written::Text(PolicyKind::Session, text.clone());
        self.get(written, [text], || "a session".into())
    }

    fn get<'t>(
        &self,
        written: Written,
        texts: impl IntoIterator<Item = &'t String> + Clone,
        whose: impl FnOnce() -> String,
    ) -> Parsed {
        // The text is compared: the versions of a database that was put back begin again.
        if let Some(Some(compiled)) = self.0.get(&written)
            && compiled.texts.iter().eq(texts.clone())
        {
            return Some(compiled);
        }
        let (Written::Row(kind, ..) | Written::Text(kind, _)) = written;
        let mut compiled = Compiled::default();
        let mut wrong = None;
        for text in texts {
            compiled.texts.push(text.clone());
            match Policy::parse(text, kind) {
                Ok(policy) => {
                    compiled.asks_for_aliases |= policy.mentions("kms:ResourceAliases");
                    compiled.policies.push(Arc::new(policy));
                }
                Err(error) => wrong = Some(error),
            }
        }
        if let Some(error) = &wrong {
            log::error!("a policy of {} is not one: {error}", whose());
        }
        let parsed = wrong.is_none().then(|| Arc::new(compiled));
        self.0.insert(written, parsed.clone());
        parsed
    }
}

fn of(identity: &Identity, kind: PolicyKind) -> Written {
    Written::Row(kind, identity.row, identity.row_version)
}
