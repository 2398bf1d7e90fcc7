//! Grants: what one permits, to whom, under which constraints.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>.

use super::member::{Member, Violations};
use super::{KeySpec, KeyUsage, wire_enum};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

wire_enum! {
    /// `GrantOperation`: what a grant may permit.
    GrantOperation {
        Decrypt = "Decrypt",
        Encrypt = "Encrypt",
        GenerateDataKey = "GenerateDataKey",
        GenerateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext",
        ReEncryptFrom = "ReEncryptFrom",
        ReEncryptTo = "ReEncryptTo",
        Sign = "Sign",
        Verify = "Verify",
        GetPublicKey = "GetPublicKey",
        CreateGrant = "CreateGrant",
        RetireGrant = "RetireGrant",
        DescribeKey = "DescribeKey",
        GenerateDataKeyPair = "GenerateDataKeyPair",
        GenerateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext",
        GenerateMac = "GenerateMac",
        VerifyMac = "VerifyMac",
        DeriveSharedSecret = "DeriveSharedSecret",
        Encapsulate = "Encapsulate",
        Decapsulate = "Decapsulate",
    }
}

impl GrantOperation {
    /// Whether a key of this spec and usage can do it.
    ///
    /// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations>.
    pub const fn suits(self, spec: KeySpec, usage: KeyUsage) -> bool {
        use GrantOperation as O;
        match self {
            O::Decrypt | O::Encrypt | O::ReEncryptFrom | O::ReEncryptTo => {
                matches!(usage, KeyUsage::EncryptDecrypt)
            }
            O::GenerateDataKey
            | O::GenerateDataKeyWithoutPlaintext
            | O::GenerateDataKeyPair
            | O::GenerateDataKeyPairWithoutPlaintext => matches!(spec, KeySpec::SymmetricDefault),
            O::Sign | O::Verify => matches!(usage, KeyUsage::SignVerify),
            O::GetPublicKey => spec.is_asymmetric(),
            O::GenerateMac | O::VerifyMac => matches!(usage, KeyUsage::GenerateVerifyMac),
            O::DeriveSharedSecret => matches!(usage, KeyUsage::KeyAgreement),
            O::Encapsulate | O::Decapsulate => matches!(usage, KeyUsage::EncapsulateDecapsulate),
            O::CreateGrant | O::RetireGrant | O::DescribeKey => true,
        }
    }
}

/// `GrantOperationList`: a set, in the order of the model, so that the same operations named in
/// another order make the same grant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GrantOperations(u32);

impl GrantOperations {
    /// The operations of the set.
    pub fn iter(self) -> impl Iterator<Item = GrantOperation> {
        let all = GrantOperation::ALL.iter().copied();
        all.filter(move |operation| self.0 & bit(*operation) != 0)
    }
}

const fn bit(operation: GrantOperation) -> u32 {
    1 << operation as u32
}

impl FromIterator<GrantOperation> for GrantOperations {
    fn from_iter<I: IntoIterator<Item = GrantOperation>>(operations: I) -> Self {
        let set = operations.into_iter().fold(0, |set, o| set | bit(o));
        Self(set)
    }
}

impl fmt::Debug for GrantOperations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl serde::Serialize for GrantOperations {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Member for GrantOperations {
    type Wire = Vec<String>;
    fn check(wire: Self::Wire, at: &'static str, violations: &mut Violations) -> Option<Self> {
        let parsed: Result<Self, ()> = wire.iter().map(|name| name.parse()).collect();
        if parsed.is_err() {
            let all: Vec<&str> = GrantOperation::ALL.iter().map(|o| o.as_str()).collect();
            let set = format!(
                "satisfy constraint: [Member must satisfy enum value set: [{}]]",
                all.join(", ")
            );
            violations.breaks(at, Some(&format!("[{}]", wire.join(", "))), set);
        }
        parsed.ok()
    }
    fn recorded(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

/// Pairs that a constraint asks for.
pub type ContextPairs = BTreeMap<String, String>;

/// `GrantConstraints`. Its JSON is also what the store keeps: the order of its members is fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantConstraints {
    /// What the request's encryption context must have, among other pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_subset: Option<ContextPairs>,
    /// What it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_equals: Option<ContextPairs>,
    /// The resource on whose behalf the request must be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

impl GrantConstraints {
    /// The most pairs of one constraint.
    const MAX_PAIRS: usize = 8;
    /// The most characters of a pair's value.
    const MAX_VALUE: usize = 384;

    /// Whether nothing is constrained.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it asks for an encryption context, which only symmetric encryption has.
    pub fn has_context(&self) -> bool {
        self.encryption_context_subset.is_some() || self.encryption_context_equals.is_some()
    }
}

impl Member for GrantConstraints {
    type Wire = Self;
    fn check(wire: Self, _: &'static str, violations: &mut Violations) -> Option<Self> {
        const SUBSET: &str = "constraints.encryption_context_subset";
        const EQUALS: &str = "constraints.encryption_context_equals";
        const SOURCE: &str = "constraints.source_arn";
        let mut right = true;
        for (at, pairs) in [
            (SUBSET, &wire.encryption_context_subset),
            (EQUALS, &wire.encryption_context_equals),
        ] {
            let Some(pairs) = pairs else { continue };
            right &= violations.length(at, None, pairs.len(), 0, Self::MAX_PAIRS);
            for value in pairs.values() {
                let length = value.chars().count();
                right &= violations.length(at, Some(value), length, 0, Self::MAX_VALUE);
            }
        }
        if let Some(arn) = &wire.source_arn {
            right &= violations.length(SOURCE, Some(arn), arn.chars().count(), 20, 512);
            if !is_source_arn(arn) {
                let pattern = "^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$";
                violations.breaks(SOURCE, Some(arn), pattern_of(pattern));
                right = false;
            }
        }
        right.then_some(wire)
    }
    fn recorded(&self) -> Option<Value> {
        let mut members = Map::new();
        let mut member = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let pairs = |pairs: &Option<ContextPairs>| serde_json::to_value(pairs.as_ref()?).ok();
        member(
            "encryptionContextSubset",
            pairs(&self.encryption_context_subset),
        );
        member(
            "encryptionContextEquals",
            pairs(&self.encryption_context_equals),
        );
        member("sourceArn", self.source_arn.as_deref().map(Value::from));
        Some(members.into())
    }
}

fn pattern_of(pattern: &str) -> String {
    format!("satisfy regular expression pattern: {pattern}")
}

fn is_source_arn(text: &str) -> bool {
    let word = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (arn, partition, service, region) = (next(), next(), next(), next());
    let (account, resource) = (next(), next());
    arn == "arn"
        && partition.strip_prefix("aws").is_some_and(word)
        && !service.is_empty()
        && word(service)
        && word(region)
        && super::AccountId::parse(account).is_some()
        && !resource.is_empty()
}

/// `ServicePrincipalType`: the name of a service, at least three labels.
#[derive(Debug, Clone)]
pub struct ServicePrincipal(pub String);

impl Member for ServicePrincipal {
    type Wire = String;
    fn check(wire: String, at: &'static str, violations: &mut Violations) -> Option<Self> {
        let length = violations.length(at, Some(&wire), wire.chars().count(), 1, 128);
        let label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let pattern = wire.split('.').count() >= 3 && wire.split('.').all(label);
        if !pattern {
            let pattern = r"^([A-Za-z0-9\-]+)\.([A-Za-z0-9\-]+)(\.[A-Za-z0-9\-]+)+$";
            violations.breaks(at, Some(&wire), pattern_of(pattern));
        }
        (length && pattern).then_some(Self(wire))
    }
    fn recorded(&self) -> Option<Value> {
        Some(self.0.as_str().into())
    }
}

/// `GrantTokenType`: names a grant; never recorded.
#[derive(Debug, Clone)]
pub struct GrantToken(pub String);

impl Member for GrantToken {
    type Wire = String;
    fn check(wire: String, at: &'static str, violations: &mut Violations) -> Option<Self> {
        let right = violations.length(at, None, wire.chars().count(), 1, 8192);
        right.then_some(Self(wire))
    }
    fn recorded(&self) -> Option<Value> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_forgets_order_and_repetition() {
        use GrantOperation as O;
        let one: GrantOperations = [O::Encrypt, O::Decrypt, O::Encrypt].into_iter().collect();
        let other: GrantOperations = [O::Decrypt, O::Encrypt].into_iter().collect();
        assert_eq!(one, other);
        assert_eq!(
            serde_json::to_string(&one).unwrap(),
            r#"["Decrypt","Encrypt"]"#
        );
        let all: GrantOperations = O::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), O::ALL.len());
    }

    #[test]
    fn what_a_source_arn_is() {
        for right in [
            "arn:aws:iam::111122223333:role/x",
            "arn:aws-cn:dynamodb:cn-north-1:111122223333:table/a:b",
        ] {
            assert!(is_source_arn(right), "{right}");
        }
        for wrong in [
            "arn:aws:s3:::bucket",
            "arn:aws:s3:us:1:x",
            "arn:other:s3::111122223333:x",
            "arn:aws:s3::111122223333:",
        ] {
            assert!(!is_source_arn(wrong), "{wrong}");
        }
    }
}
