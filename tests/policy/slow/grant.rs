//! Grants.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>.

use super::Facts;
use crate::case::{Case, Grant};
use serde_json::Value;
use std::collections::BTreeMap;

/// The operations of a grant to which an encryption context belongs.
const WITH_CONTEXT: [&str; 8] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
];

impl Grant {
    /// Whether it allows the request to who asks.
    pub(crate) fn allows(&self, case: &Case, facts: &Facts) -> bool {
        let Some(operation) = case.action.strip_prefix("kms:") else {
            return false;
        };
        let is_grantee =
            self.grantee == case.principal || Some(&self.grantee) == case.role().as_ref();
        let permitted = self
            .operations
            .iter()
            .any(|permitted| permitted == operation);
        is_grantee && permitted && self.constraints_hold(operation, facts)
    }

    fn constraints_hold(&self, operation: &str, facts: &Facts) -> bool {
        let source = operation == "RetireGrant"
            || self
                .source_arn
                .as_ref()
                .is_none_or(|arn| facts.get("aws:sourcearn").and_then(Value::as_str) == Some(arn));
        if !WITH_CONTEXT.contains(&operation) {
            return source;
        }
        let context = context(facts);
        let subset = |wanted: &BTreeMap<String, String>| {
            let mut wanted = wanted.iter();
            wanted.all(|(key, value)| context.get(&key.to_lowercase()) == Some(value))
        };
        source
            && self.subset.as_ref().is_none_or(subset)
            && (self.equals.as_ref())
                .is_none_or(|wanted| subset(wanted) && wanted.len() == context.len())
    }
}

/// The encryption context: the keys, which a constraint does not tell apart by their case, and the
/// values, which it does.
fn context(facts: &Facts) -> BTreeMap<String, String> {
    let pairs = facts.iter().filter_map(|(name, value)| {
        let key = name.strip_prefix("kms:encryptioncontext:")?;
        Some((key.to_owned(), value.as_str().expect("a string").to_owned()))
    });
    pairs.collect()
}
