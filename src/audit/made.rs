//! The keys that a record's `responseElements` say were made.
//!
//! A replica is among the resources of its own CreateKey, and not of the ReplicateKey. Old records have
//! members as the API names them, and no resource for a key that was made.

use serde::Deserialize;
use std::borrow::Cow;

/// `responseElements`, as far as it has keys.
#[derive(Debug, Deserialize)]
pub struct MadeKeys<'a> {
    #[serde(borrow, default, rename = "keyMetadata", alias = "KeyMetadata")]
    key: Option<Metadata<'a>>,
    #[serde(borrow, default)]
    #[serde(rename = "replicaKeyMetadata", alias = "ReplicaKeyMetadata")]
    replica: Option<Metadata<'a>>,
}

#[derive(Debug, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, alias = "Arn")]
    arn: Cow<'a, str>,
}

impl MadeKeys<'_> {
    /// Their ARNs.
    pub fn arns(&self) -> impl Iterator<Item = &str> {
        let made = [&self.key, &self.replica].into_iter().flatten();
        made.map(|metadata| &*metadata.arn)
    }
}
