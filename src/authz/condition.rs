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
use super::policy::{Effect, PolicyError};
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
    pub(super) fn parse_all(node: &Node<'_>, variables: bool) -> Result<Box<[Self]>, PolicyError> {
        let mut conditions = Vec::new();
        for (name, keys) in node.members()? {
            let operator = Operator::parse(name)
                .ok_or_else(|| keys.error(format!("{name:?} is not a condition operator")))?;
            let keys = match keys.members()? {
                members if members.is_empty() => return Err(keys.error("has no condition key")),
                members => members,
            };
            for (key, values) in keys {
                let key = ConditionKey::parse(key)
                    .ok_or_else(|| values.error(format!("{key:?} is not a condition key")))?;
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

    /// Whether it holds. A value of the policy whose variable has none in the request matches
    /// nothing; what is to *not* match it then holds for a Deny and for no Allow.
    pub(super) fn holds(&self, facts: &dyn Facts, effect: Effect) -> bool {
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
        let unresolved = effect == Effect::Deny;
        let holds = |value: &str| match (self.wanted.matches(value, facts), negated) {
            (Some(matches), negated) => matches != negated,
            (None, negated) => negated && unresolved,
        };
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

    /// Whether a value of the request matches one of the policy's; `None` where it does not, and a
    /// variable has no value.
    fn matches(&self, value: &str, facts: &dyn Facts) -> Option<bool> {
        match self {
            Wanted::Text(texts) => any(texts, |text| Some(text.fill(facts)? == value)),
            Wanted::TextIgnoreCase(texts) => any(texts, |text| {
                let text = text.fill(facts)?;
                let [mut one, mut other] =
                    [&*text, value].map(|text| text.chars().flat_map(char::to_lowercase));
                Some(one.by_ref().eq(other.by_ref()))
            }),
            Wanted::Like(patterns) => any(patterns, |pattern| pattern.matches(value, facts)),
            Wanted::Arns(patterns) => any(patterns, |pattern| pattern.matches(value, facts)),
            Wanted::Numbers(order, numbers) => Some(
                Decimal::parse(value)
                    .is_some_and(|value| numbers.iter().any(|n| order.admits(value.cmp(n)))),
            ),
            Wanted::Moments(order, moments) => Some(
                Moment::parse(value)
                    .is_some_and(|value| moments.iter().any(|m| order.admits(value.cmp(m)))),
            ),
            Wanted::Bytes(bytes) => Some(bytes.iter().any(|bytes| bytes == value.as_bytes())),
            Wanted::Networks(networks) => {
                let address = value.parse().ok();
                Some(address.is_some_and(|a| networks.iter().any(|n| n.contains(a))))
            }
            Wanted::Null(_) => Some(false),
        }
    }
}

fn any<T>(wanted: &[T], matches: impl Fn(&T) -> Option<bool>) -> Option<bool> {
    let mut unresolved = false;
    for one in wanted {
        match matches(one) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unresolved = true,
        }
    }
    (!unresolved).then_some(false)
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
