//! One condition: an operator, a condition key, and the values that the policy has for it.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.

mod operator;
mod value;

use super::facts::{ConditionKey, Facts};
use super::json::Node;
use super::pattern::{ArnPattern, Pattern, Syntax};
use super::policy::{PolicyError, PolicyKind};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use operator::{Comparison, Operator, Order, Set};
use value::{Decimal, Moment, Network};

/// A condition, ready to be tested.
#[derive(Debug)]
pub(super) struct Condition {
    key: ConditionKey,
    operator: Operator,
    wanted: Wanted,
}

/// The policy's values, any of which may match.
#[derive(Debug)]
enum Wanted {
    Text(Box<[Pattern]>),
    TextIgnoreCase(Box<[Pattern]>),
    Like(Box<[Pattern]>),
    Numbers(Order, Box<[Decimal]>),
    Moments(Order, Box<[Moment]>),
    Bytes(Box<[Vec<u8>]>),
    Networks(Box<[Network]>),
    Arns(Box<[ArnPattern]>),
    /// Whether the key is to be absent.
    Null(Box<[bool]>),
}

impl Condition {
    /// Reads the `Condition` of a statement: conditions that must all hold.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn parse_all(
        node: &Node<'_>,
        kind: PolicyKind,
        variables: bool,
    ) -> Result<Box<[Self]>, PolicyError> {
        let mut conditions = Vec::new();
        for (name, keys) in node.members()? {
            let operator = Operator::parse(name)
                .ok_or_else(|| keys.error(format!("{name:?} is not a condition operator")))?;
            let keys = match keys.members()? {
                members if members.is_empty() => return Err(keys.error("has no condition key")),
                members => members,
            };
            let first = conditions.len();
            for (key, values) in keys {
                let key = ConditionKey::parse(key)
                    .ok_or_else(|| values.error(format!("{key:?} is not a condition key")))?;
                if conditions[first..].iter().any(|one: &Self| one.key == key) {
                    return Err(values.error("is given twice, but for its case"));
                }
                if kind == PolicyKind::Key && operator.set == Some(Set::All) {
                    refuse_single_valued(&key, &values)?;
                }
                let wanted = Wanted::parse(operator.comparison, &values, variables)?;
                conditions.push(Self {
                    key,
                    operator,
                    wanted,
                });
            }
        }
        Ok(conditions.into())
    }

    /// Whether it holds.
    pub(super) fn holds(&self, facts: &dyn Facts) -> bool {
        let Operator {
            negated,
            set,
            if_exists,
            ..
        } = self.operator;
        let values = facts.values(&self.key);
        let values = values.as_ref().map_or(&[][..], |values| values.as_slice());
        if let Wanted::Null(wanted) = &self.wanted {
            return match set {
                None => wanted.contains(&values.is_empty()),
                Some(set) => set == Set::All,
            };
        }
        // Empty strings are no set of values.
        let absent = match set {
            None => values.is_empty(),
            Some(_) => values.iter().all(|value| value.is_empty()),
        };
        if absent {
            return if_exists
                || match set {
                    None => negated,
                    Some(set) => set == Set::All,
                };
        }
        let holds = |value: &str| self.wanted.matches(value, facts) != negated;
        let mut values = values.iter();
        match set {
            Some(Set::Any) => values.any(|value| holds(value)),
            Some(Set::All) => values.all(|value| holds(value)),
            // Of several values none may match what is negated, and one is enough otherwise.
            None if negated => values.all(|value| holds(value)),
            None => values.any(|value| holds(value)),
        }
    }

    /// Its key, and those of the variables in its values.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        let (patterns, arns): (&[Pattern], &[ArnPattern]) = match &self.wanted {
            Wanted::Text(patterns) | Wanted::TextIgnoreCase(patterns) | Wanted::Like(patterns) => {
                (patterns, &[])
            }
            Wanted::Arns(arns) => (&[], arns),
            _ => (&[], &[]),
        };
        let patterns = patterns.iter().flat_map(Pattern::keys);
        let arns = arns.iter().flat_map(ArnPattern::keys);
        std::iter::once(&self.key).chain(patterns).chain(arns)
    }
}

/// `ForAllValues` holds where a key is absent, which for these is never what was meant: AWS KMS
/// takes no such key policy.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>.
fn refuse_single_valued(key: &ConditionKey, values: &Node<'_>) -> Result<(), PolicyError> {
    let what = match key.name.as_str() {
        "kms:encryptioncontext" => "encryption context",
        "aws:requesttag" => "tag",
        _ => return Ok(()),
    };
    Err(values.error(format!(
        "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued \
         condition key matches requests without the specified {what} or with an unspecified {what}. \
         To fix, remove ForAllValues."
    )))
}

impl Wanted {
    fn parse(
        comparison: Comparison,
        values: &Node<'_>,
        variables: bool,
    ) -> Result<Self, PolicyError> {
        let text = |wildcards| {
            let syntax = Syntax {
                wildcards,
                variables,
                any_case: false,
            };
            each(values, move |text| Pattern::parse(text, syntax))
        };
        Ok(match comparison {
            Comparison::StringEquals => Wanted::Text(text(false)?),
            Comparison::StringEqualsIgnoreCase => Wanted::TextIgnoreCase(text(false)?),
            Comparison::StringLike => Wanted::Like(text(true)?),
            Comparison::Numeric(order) => {
                Wanted::Numbers(order, each(values, read(Decimal::parse, "a number"))?)
            }
            Comparison::Date(order) => {
                Wanted::Moments(order, each(values, read(Moment::parse, "a date"))?)
            }
            Comparison::Bool => {
                // A variable has its value in time; anything else is one of two words.
                let bools = text(false)?;
                each(values, |text| match bool_of(text) {
                    None if !(variables && text.contains("${")) => {
                        Err(format!("{text:?} is not \"true\" or \"false\""))
                    }
                    _ => Ok(()),
                })?;
                Wanted::TextIgnoreCase(bools)
            }
            Comparison::BinaryEquals => {
                let bytes = |text: &str| BASE64_STANDARD.decode(text).ok();
                Wanted::Bytes(each(values, read(bytes, "base64"))?)
            }
            Comparison::IpAddress => Wanted::Networks(each(
                values,
                read(Network::parse, "an IP address or range"),
            )?),
            Comparison::Arn => {
                Wanted::Arns(each(values, |text| ArnPattern::parse(text, variables))?)
            }
            Comparison::Null => Wanted::Null(each(values, read(bool_of, "\"true\" or \"false\""))?),
        })
    }

    /// Whether a value of the request matches one of the policy's. Nothing matches a variable that
    /// has no value.
    fn matches(&self, value: &str, facts: &dyn Facts) -> bool {
        match self {
            Wanted::Text(texts) => any(texts, |text| text.fill(facts).is_some_and(|t| t == value)),
            Wanted::TextIgnoreCase(texts) => any(texts, |text| {
                let text = text.fill(facts);
                text.is_some_and(|text| lower(&text).eq(lower(value)))
            }),
            Wanted::Like(patterns) => any(patterns, |pattern| pattern.matches(value, facts)),
            Wanted::Arns(patterns) => any(patterns, |pattern| pattern.matches(value, facts)),
            Wanted::Numbers(order, numbers) => Decimal::parse(value)
                .is_some_and(|value| any(numbers, |number| order.admits(value.cmp(number)))),
            Wanted::Moments(order, moments) => Moment::parse(value)
                .is_some_and(|value| any(moments, |moment| order.admits(value.cmp(moment)))),
            Wanted::Bytes(bytes) => any(bytes, |bytes| bytes == value.as_bytes()),
            Wanted::Networks(networks) => {
                let address = value.parse().ok();
                address.is_some_and(|address| any(networks, |range| range.contains(address)))
            }
            Wanted::Null(_) => false,
        }
    }
}

fn any<T>(wanted: &[T], matches: impl Fn(&T) -> bool) -> bool {
    wanted.iter().any(matches)
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn bool_of(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    is("true").then_some(true).or(is("false").then_some(false))
}

fn read<T>(
    parse: impl Fn(&str) -> Option<T>,
    what: &'static str,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| parse(text).ok_or_else(|| format!("{text:?} is not {what}"))
}

fn each<T>(
    values: &Node<'_>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Box<[T]>, PolicyError> {
    let values = values.one_or_many()?;
    let value = |node: &Node<'_>| read(node.scalar()?).map_err(|what| node.error(what));
    values.iter().map(value).collect()
}

#[cfg(test)]
mod tests;
