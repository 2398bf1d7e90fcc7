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

/// The policies of one row; `None` where one of them does not parse: what it denied is not known,
/// so that nothing is allowed.
pub(super) type Parsed = Option<Arc<[Arc<Policy>]>>;

/// A row in a version, or the text of a session's policy.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Source {
    Row(Uuid, i64),
    Text(String),
}

#[derive(Clone)]
struct Kept {
    policies: Parsed,
    bytes: usize,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Source, Kept> for ByLength {
    fn weight(&self, _: &Source, kept: &Kept) -> u64 {
        kept.bytes.max(1) as u64
    }
}

/// The policies that are in use.
pub struct Compiled(Cache<Source, Kept, ByLength>);

impl Default for Compiled {
    fn default() -> Self {
        let entries = KEPT_BYTES as usize / TYPICAL_BYTES;
        Self(Cache::with_weighter(entries, KEPT_BYTES, ByLength))
    }
}

impl Compiled {
    /// A key's policy: one.
    pub(super) fn of_key(&self, key: &Key) -> Parsed {
        let source = Source::Row(key.row, key.row_version);
        let texts = || [&key.policy].into_iter();
        self.get(source, PolicyKind::Key, texts, || super::arn_of(key))
    }

    /// The policies of a user or a role.
    pub(super) fn of_identity(&self, identity: &Identity) -> Parsed {
        let source = Source::Row(identity.row, identity.row_version);
        let texts = || identity.policies.values();
        self.get(source, PolicyKind::Identity, texts, || identity.arn.clone())
    }

    /// The policy of a session: one.
    pub(super) fn of_session(&self, text: &String) -> Parsed {
        let source = Source::Text(text.clone());
        let texts = || [text].into_iter();
        self.get(source, PolicyKind::Session, texts, || "a session".into())
    }

    fn get<'t, I: Iterator<Item = &'t String>>(
        &self,
        source: Source,
        kind: PolicyKind,
        texts: impl Fn() -> I,
        whose: impl FnOnce() -> String,
    ) -> Parsed {
        if let Some(kept) = self.0.get(&source) {
            return kept.policies;
        }
        let parsed: Result<_, _> = texts()
            .map(|text| Policy::parse(text, kind).map(Arc::new))
            .collect();
        let policies = parsed
            .inspect_err(|error| log::error!("a policy of {} is not one: {error}", whose()))
            .ok();
        let kept = Kept {
            policies: policies.clone(),
            bytes: texts().map(String::len).sum(),
        };
        self.0.insert(source, kept);
        policies
    }
}
