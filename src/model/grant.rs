//! Grants: what one permits, and under which constraints.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>.

use super::member::Violations;
use super::shapes::{GrantConstraints, GrantOperation, GrantOperations};
use super::{EncryptionContext, KeySpec, KeyUsage};
use crate::Error;
use std::fmt;

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

/// A `GrantOperationList` as a set, in the order of the model: the same operations named in another
/// order make the same grant.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct GrantOperationSet(u32);

impl GrantOperationSet {
    /// The operations of the set.
    pub fn iter(self) -> impl Iterator<Item = GrantOperation> {
        let all = GrantOperation::ALL.iter().copied();
        all.filter(move |operation| self.contains(*operation))
    }

    /// Whether an operation is in it.
    pub const fn contains(self, operation: GrantOperation) -> bool {
        self.0 & bit(operation) != 0
    }

    /// Whether another set has all of it.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

const fn bit(operation: GrantOperation) -> u32 {
    1 << operation as u32
}

impl FromIterator<GrantOperation> for GrantOperationSet {
    fn from_iter<I: IntoIterator<Item = GrantOperation>>(operations: I) -> Self {
        let set = operations.into_iter().fold(0, |set, o| set | bit(o));
        Self(set)
    }
}

impl fmt::Debug for GrantOperationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl serde::Serialize for GrantOperationSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl From<&GrantOperations> for GrantOperationSet {
    fn from(list: &GrantOperations) -> Self {
        list.0.iter().copied().collect()
    }
}

/// `GrantConstraints` as a grant has them. Their JSON is also what the store keeps, so the order of
/// the members is fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Constraints {
    /// What the request's encryption context must have, among other pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_subset: Option<EncryptionContext>,
    /// What it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_equals: Option<EncryptionContext>,
    /// The resource on whose behalf the request must be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

impl Constraints {
    /// The most pairs of one constraint.
    const MAX_PAIRS: usize = 8;
    /// The most characters of a pair's value.
    const MAX_VALUE: usize = 384;

    /// Those of a request; `None` where nothing is constrained.
    ///
    /// # Errors
    /// `ValidationException` beyond the limits that AWS's page on CreateGrant names.
    pub fn of(members: &GrantConstraints) -> Result<Option<Self>, Error> {
        let constraints = Self {
            encryption_context_subset: members.encryption_context_subset.clone(),
            encryption_context_equals: members.encryption_context_equals.clone(),
            source_arn: members.source_arn.as_ref().map(|arn| arn.to_string()),
        };
        let mut violations = Violations::default();
        for (at, context) in [
            (
                "constraints.encryption_context_subset",
                &constraints.encryption_context_subset,
            ),
            (
                "constraints.encryption_context_equals",
                &constraints.encryption_context_equals,
            ),
        ] {
            let Some(EncryptionContext(pairs)) = context else {
                continue;
            };
            violations.length(at, None, pairs.len(), 0, Self::MAX_PAIRS);
            for value in pairs.values() {
                violations.length(at, Some(value), value.chars().count(), 0, Self::MAX_VALUE);
            }
        }
        violations.finish()?;
        Ok((constraints != Self::default()).then_some(constraints))
    }

    /// Whether they ask for an encryption context, which only symmetric encryption has.
    pub fn has_context(&self) -> bool {
        self.encryption_context_subset.is_some() || self.encryption_context_equals.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_forgets_order_and_repetition() {
        use GrantOperation as O;
        let one: GrantOperationSet = [O::Encrypt, O::Decrypt, O::Encrypt].into_iter().collect();
        let other: GrantOperationSet = [O::Decrypt, O::Encrypt].into_iter().collect();
        assert_eq!(one, other);
        assert_eq!(
            serde_json::to_string(&one).unwrap(),
            r#"["Decrypt","Encrypt"]"#
        );
        let all: GrantOperationSet = O::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), O::ALL.len());
    }
}
