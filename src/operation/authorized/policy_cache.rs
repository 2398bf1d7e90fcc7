//! Policies as they are asked: parsed once, and kept for as long as their row stays the same.

use crate::authz::{Policy, PolicyKind};
use crate::store::{Identity, Key};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::ops::Deref;
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
    texts: Vec<Arc<str>>,
}

impl Compiled {
    fn is_of<'t>(&self, mut texts: impl Iterator<Item = &'t str>) -> bool {
        let same = |own: &Arc<str>, text: &str| std::ptr::eq(&**own, text) || **own == *text;
        let mut own = self.texts.iter();
        own.all(|own| texts.next().is_some_and(|text| same(own, text))) && texts.next().is_none()
    }
}

/// `None` where a policy does not parse: what it denied is not known, so that nothing is allowed.
pub(super) type Parsed = Option<Arc<Compiled>>;

/// The kind of policy, and where a text is that many keys may have, a row in a version, or the text
/// itself.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Written {
    At(PolicyKind, usize),
    Row(PolicyKind, Uuid, i64),
    Text(PolicyKind, String),
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Written, Parsed> for ByLength {
    fn weight(&self, _: &Written, parsed: &Parsed) -> u64 {
        let texts = parsed.iter().flat_map(|compiled| &compiled.texts);
        texts
            .map(|text| text.len())
            .sum::<usize>()
            .max(TYPICAL_BYTES) as u64
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
    /// A key's policy: one, and the same one for all keys that have the text.
    pub(super) fn of_key(&self, key: &Key) -> Parsed {
        // Nothing else is there for as long as this is kept, since the text is kept with it.
        let written = Written::At(PolicyKind::Key, key.policy.as_ptr().addr());
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

    fn get<'t, T>(
        &self,
        written: Written,
        texts: impl IntoIterator<Item = &'t T> + Clone,
        whose: impl FnOnce() -> String,
    ) -> Parsed
    where
        T: Clone + Deref<Target = str> + Into<Arc<str>> + 't,
    {
        // The text is compared: the versions of a database that was put back begin again.
        if let Some(Some(compiled)) = self.0.get(&written)
            && compiled.is_of(texts.clone().into_iter().map(|text| &**text))
        {
            return Some(compiled);
        }
        let (Written::At(kind, _) | Written::Row(kind, ..) | Written::Text(kind, _)) = written;
        let mut compiled = Compiled::default();
        let mut wrong = None;
        for text in texts {
            compiled.texts.push(text.clone().into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_many_have_is_parsed_once_and_is_no_other() {
        let cache = PolicyCache::default();
        let text = |effect: &str| -> Arc<str> {
            let rest = r#""Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}}"#;
            format!(r#"{{"Statement": {{"Effect": "{effect}", {rest}"#).into()
        };
        let at = |text: &Arc<str>| Written::At(PolicyKind::Key, text.as_ptr().addr());
        let get = |written, text: &Arc<str>| cache.get(written, [text], String::new).unwrap();
        let (allow, deny) = (text("Allow"), text("Deny"));
        let allowed = get(at(&allow), &allow);
        assert!(Arc::ptr_eq(&allowed, &get(at(&allow), &allow.clone())));
        assert_eq!(Arc::strong_count(&allow), 2, "so nothing else can be there");
        // As if another text were where the first one was.
        let denied = get(at(&allow), &deny);
        assert!(!Arc::ptr_eq(&allowed, &denied));
        assert_eq!(*denied.texts, [deny]);
    }
}
