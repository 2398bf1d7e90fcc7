//! Condition blocks.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.

use super::text::{Glyph, exactly, expand, like};
use super::{Facts, list, value};
use base64::prelude::*;
use serde_json::Value;
use std::cmp::Ordering;

/// Every operator, and every key of it.
pub(crate) fn holds(condition: &Value, variables: bool, facts: &Facts) -> bool {
    let Value::Object(operators) = condition else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        let mut keys = keys.as_object().expect("a map of keys").iter();
        keys.all(|(key, wanted)| {
            let values = facts.get(&key.to_lowercase());
            let values: Vec<&str> = values
                .map(list)
                .unwrap_or_default()
                .iter()
                .map(|value| value.as_str().expect("a string"))
                .collect();
            one(operator, &values, &list(wanted), variables, facts)
        })
    })
}

/// One operator, the values of one key, and the values that the policy has for it.
fn one(operator: &str, values: &[&str], wanted: &[&Value], variables: bool, facts: &Facts) -> bool {
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (set, operator),
        None => ("", operator),
    };
    if operator == "Null" {
        let absent = values.is_empty().to_string();
        return wanted.iter().any(|wanted| written(wanted) == absent);
    }
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let negated = operator.contains("Not");
    if values.is_empty() {
        return if_exists || set == "ForAllValues" || (negated && set != "ForAnyValue");
    }
    // "One of these", or for a negated operator "none of these".
    let is = |value: &&str| {
        let mut wanted = wanted.iter();
        wanted.any(|wanted| test(operator, value, wanted, variables, facts)) != negated
    };
    match set {
        "ForAllValues" => values.iter().all(is),
        "ForAnyValue" => values.iter().any(is),
        _ if negated => values.iter().all(is),
        _ => values.iter().any(is),
    }
}

/// A value of the policy as text: numbers and booleans need no quotation marks.
fn written(wanted: &Value) -> String {
    match wanted {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether one value of the request is one value of the policy, whatever the operator negates.
fn test(operator: &str, value: &str, wanted: &Value, variables: bool, facts: &Facts) -> bool {
    let wanted = written(wanted);
    let expanded = || expand(&wanted, variables, facts);
    let order = |compare: fn(&str, &str) -> Option<Ordering>, allowed: &[Ordering]| {
        compare(value, &wanted).is_some_and(|order| allowed.contains(&order))
    };
    use Ordering::{Equal, Greater, Less};
    match operator {
        "StringEquals" | "StringNotEquals" => {
            expanded().is_some_and(|wanted| exactly(&wanted) == value)
        }
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => {
            expanded().is_some_and(|wanted| exactly(&wanted).to_lowercase() == value.to_lowercase())
        }
        "StringLike" | "StringNotLike" => expanded().is_some_and(|wanted| like(&wanted, value)),
        "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => {
            expanded().is_some_and(|wanted| arn_like(&wanted, value))
        }
        "NumericEquals" | "NumericNotEquals" => order(value::number, &[Equal]),
        "NumericLessThan" => order(value::number, &[Less]),
        "NumericLessThanEquals" => order(value::number, &[Less, Equal]),
        "NumericGreaterThan" => order(value::number, &[Greater]),
        "NumericGreaterThanEquals" => order(value::number, &[Greater, Equal]),
        "DateEquals" | "DateNotEquals" => order(value::date, &[Equal]),
        "DateLessThan" => order(value::date, &[Less]),
        "DateLessThanEquals" => order(value::date, &[Less, Equal]),
        "DateGreaterThan" => order(value::date, &[Greater]),
        "DateGreaterThanEquals" => order(value::date, &[Greater, Equal]),
        "Bool" => wanted == value,
        "BinaryEquals" => BASE64_STANDARD.decode(wanted).as_deref() == Ok(value.as_bytes()),
        "IpAddress" | "NotIpAddress" => value::in_range(value, &wanted),
        unknown => panic!("{unknown} is no operator"),
    }
}

/// Each of the six parts by itself.
fn arn_like(pattern: &[Glyph], arn: &str) -> bool {
    let patterns: Vec<&[Glyph]> = pattern.splitn(6, |glyph| glyph.character == ':').collect();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let mut pairs = patterns.iter().zip(&parts);
    patterns.len() == 6 && parts.len() == 6 && pairs.all(|(pattern, part)| like(pattern, part))
}
