//! Grants: what one permits to whom.
//!
//! Sources: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>,
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>.

use super::facts::{ConditionKey, Facts, Values};
use super::principals::Named;
use super::{Principal, PrincipalKind, Question};
use crate::model::shapes::GrantOperation;
use crate::model::{Constraints, EncryptionContext, GrantOperationSet};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A grant of the key that a question is about.
#[derive(Debug, Clone, Copy)]
pub struct Permit<'a> {
    /// The ARN of who may.
    pub grantee: &'a str,
    /// What they may.
    pub operations: GrantOperationSet,
    /// And when.
    pub constraints: Option<&'a Constraints>,
}

/// The pairs of a request's encryption context.
type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The grants that permit what is asked, in order: which, and how its grantee names who asks.
pub(super) fn permitting<'a>(
    permits: &'a [Permit<'a>],
    question: &'a Question<'a>,
) -> impl Iterator<Item = (usize, Named)> {
    let operation = question.action.strip_prefix("kms:");
    let operation = operation.and_then(|name| name.parse::<GrantOperation>().ok());
    let permits = if operation.is_some() { permits } else { &[] };
    // Asked for by the first grant that has a constraint on it.
    let mut context = None;
    permits.iter().enumerate().filter_map(move |(at, permit)| {
        let operation = operation.filter(|operation| permit.operations.contains(*operation))?;
        let named = grantee(permit.grantee, question.principal)?;
        let met = permit
            .constraints
            .is_none_or(|constraints| meets(constraints, operation, question.facts, &mut context));
        met.then_some((at, named))
    })
}

fn grantee(grantee: &str, principal: &Principal) -> Option<Named> {
    let account = || {
        let account = grantee.strip_prefix("arn:aws:iam::");
        account.and_then(|account| account.strip_suffix(":root"))
    };
    match &principal.kind {
        PrincipalKind::WebIdentity { .. } => None,
        _ if grantee == principal.arn => Some(Named::Itself),
        PrincipalKind::AssumedRole { role } if grantee == role => Some(Named::Role),
        _ => (account() == Some(principal.account.as_str())).then_some(Named::Account),
    }
}

/// Whether an operation has an encryption context, which constraints are then about.
const fn has_context(operation: GrantOperation) -> bool {
    use GrantOperation as O;
    matches!(
        operation,
        O::Decrypt
            | O::Encrypt
            | O::GenerateDataKey
            | O::GenerateDataKeyWithoutPlaintext
            | O::GenerateDataKeyPair
            | O::GenerateDataKeyPairWithoutPlaintext
            | O::ReEncryptFrom
            | O::ReEncryptTo
    )
}

fn meets<'a>(
    constraints: &Constraints,
    operation: GrantOperation,
    facts: &'a dyn Facts,
    context: &mut Option<Pairs<'a>>,
) -> bool {
    if let Some(source) = &constraints.source_arn
        && operation != GrantOperation::RetireGrant
        && !is_from(source, facts)
    {
        return false;
    }
    if !constraints.has_context() || !has_context(operation) {
        return true;
    }
    let pairs = &*context.get_or_insert_with(|| pairs(facts));
    let has = |wanted: &EncryptionContext| {
        wanted.0.iter().all(|(key, value)| {
            let mut pairs = pairs.iter();
            pairs.any(|(k, v)| same_key(k, key) && v == value)
        })
    };
    let only = |wanted: &EncryptionContext| {
        pairs.iter().all(|(key, value)| {
            let mut wanted = wanted.0.iter();
            wanted.any(|(k, v)| same_key(k, key) && value == v)
        })
    };
    let subset = constraints.encryption_context_subset.as_ref();
    let equals = constraints.encryption_context_equals.as_ref();
    subset.is_none_or(has) && equals.is_none_or(|wanted| has(wanted) && only(wanted))
}

/// In a constraint a pair's key has no case, and its value has.
fn same_key(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn is_from(source: &str, facts: &dyn Facts) -> bool {
    let key = ConditionKey {
        name: "aws:sourcearn".into(),
        part: None,
    };
    matches!(facts.values(&key), Some(Values::One(value)) if value == source)
}

fn pairs(facts: &dyn Facts) -> Pairs<'_> {
    let keys = facts.values(&ConditionKey {
        name: "kms:encryptioncontextkeys".into(),
        part: None,
    });
    let keys = keys.as_ref().map_or(&[][..], |keys| keys.as_slice());
    let pair = |key: &Cow<'_, str>| {
        let asked = ConditionKey {
            name: "kms:encryptioncontext".into(),
            part: Some(key.to_string()),
        };
        match facts.values(&asked) {
            Some(Values::One(value)) => Some((Cow::Owned(key.to_string()), value)),
            _ => None,
        }
    };
    keys.iter().filter_map(pair).collect()
}

impl Permit<'_> {
    /// Whether who has the right to create grants from this grant may create one of these
    /// operations and constraints: no more operations, and constraints at least as strict.
    ///
    /// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-creategrant>.
    pub fn covers(&self, operations: GrantOperationSet, constraints: Option<&Constraints>) -> bool {
        let Some(own) = self.constraints else {
            return operations.is_within(self.operations);
        };
        let none = Constraints::default();
        let child = constraints.unwrap_or(&none);
        let (subset, equals) = (
            &child.encryption_context_subset,
            &child.encryption_context_equals,
        );
        // What the child asks a request's context to have, whatever else it may have.
        let asked = |wanted: &EncryptionContext| {
            let pairs = [subset, equals].into_iter().flatten();
            let pairs: BTreeMap<_, _> = pairs.flat_map(|context| &context.0).collect();
            let mut wanted = wanted.0.iter();
            wanted.all(|(key, value)| pairs.iter().any(|(k, v)| same_key(k, key) && *v == value))
        };
        let as_strict = own.encryption_context_subset.as_ref().is_none_or(asked)
            && (own.encryption_context_equals.is_none()
                || own.encryption_context_equals == *equals)
            && (own.source_arn.is_none() || own.source_arn == child.source_arn);
        operations.is_within(self.operations) && as_strict
    }
}

#[cfg(test)]
mod tests;
