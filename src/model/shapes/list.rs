//! Lists and maps.

use super::enums::{DryRunModifier, GrantOperation, ResourceOwner};
use super::structure::{IdentityTag, Tag};
use super::text::{GrantToken, TagKey};
use crate::model::EncryptionContext;
use crate::model::member::{Member, Violations};
use serde_json::Value;
use std::collections::BTreeMap;

/// A list of texts or enums. What one element breaks is said of the list, as AWS says it:
/// `Member must satisfy constraint: […]`, with what every element must.
macro_rules! list_shape {
    ($($(#[$doc:meta])* $name:ident of $element:ident $min:literal ..= $max:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Vec<$element>);

        impl Member for $name {
            type Wire = Vec<String>;
            fn check(wire: Vec<String>, at: &str, violations: &mut Violations) -> Option<Self> {
                let shown = format!("[{}]", wire.join(", "));
                let length = violations.length(at, Some(&shown), wire.len(), $min, $max);
                let mut ignored = Violations::default();
                let elements: Option<Vec<_>> = wire
                    .into_iter()
                    .map(|element| $element::check(element, at, &mut ignored))
                    .collect();
                if elements.is_none() {
                    let each = $element::constraint();
                    violations.breaks(at, Some(&shown), format_args!("satisfy constraint: [{each}]"));
                }
                elements.filter(|_| length).map(Self)
            }
            fn recorded(&self) -> Option<Value> {
                self.0.iter().map(Member::recorded).collect()
            }
        }
    )*};
}

list_shape! {
    /// `GrantTokenList`: names of grants, never bearer rights.
    GrantTokens of GrantToken 0..=10;
    /// `GrantOperationList`.
    GrantOperations of GrantOperation 0..=usize::MAX;
    /// `TagKeyList`.
    TagKeys of TagKey 0..=usize::MAX;
    /// `DryRunModifierList`.
    DryRunModifiers of DryRunModifier 0..=usize::MAX;
    /// `ResourceOwnersList`.
    ResourceOwners of ResourceOwner 1..=2;
}

impl DryRunModifiers {
    /// Whether the ciphertext is not to be looked at.
    pub fn ignore_ciphertext(&self) -> bool {
        self.0.contains(&DryRunModifier::IgnoreCiphertext)
    }
}

/// A list of structures.
macro_rules! structures_shape {
    ($($(#[$doc:meta])* $name:ident of $element:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Vec<$element>);

        impl Member for $name {
            type Wire = Vec<<$element as Member>::Wire>;
            fn check(wire: Self::Wire, at: &str, violations: &mut Violations) -> Option<Self> {
                // Every one is checked, also behind a wrong one.
                let elements: Vec<Option<$element>> = wire
                    .into_iter()
                    .enumerate()
                    .map(|(n, element)| {
                        $element::check(element, &format!("{at}.{}.member", n + 1), violations)
                    })
                    .collect();
                elements.into_iter().collect::<Option<_>>().map(Self)
            }
            fn recorded(&self) -> Option<Value> {
                self.0.iter().map(Member::recorded).collect()
            }
        }
    )*};
}

structures_shape! {
    /// `TagList`.
    Tags of Tag;
    /// IAM's `tagListType`.
    IdentityTags of IdentityTag;
}

impl Member for EncryptionContext {
    type Wire = BTreeMap<String, String>;
    fn check(wire: Self::Wire, at: &str, violations: &mut Violations) -> Option<Self> {
        let context = EncryptionContext(wire);
        violations
            .length(
                at,
                None,
                context.len_bytes(),
                0,
                EncryptionContext::MAX_BYTES,
            )
            .then_some(context)
    }
    fn recorded(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}
