//! Lengths, ranges, patterns and enums: for each member of each request, what the model allows is
//! allowed and what it forbids is refused, in AWS's words. Everything is generated from the model;
//! the keys that are named do not exist, so that a request which passes does nothing.

use crate::api::{Answer, call};
use crate::botocore;
use crate::places::{Place, blob, places, request, right, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Notes unless the answer says that the value breaks this constraint.
fn must_break(
    place: &Place,
    shown: Option<&str>,
    constraint: &str,
    answer: &Answer,
    wrong: &mut Vec<String>,
) {
    let sensitive = botocore::shape(place.shape)["sensitive"] == true;
    let value = match shown {
        Some(text) if !sensitive => format!("Value '{text}' at"),
        _ => "Value at".into(),
    };
    let expected = format!(
        "{value} '{}' failed to satisfy constraint: Member must {constraint}",
        place.at()
    );
    if answer.code() != "ValidationException" || !answer.message().contains(&expected) {
        wrong.push(format!(
            "{}: expected {expected}\n  got {}",
            place.operation,
            answer.verdict()
        ));
    }
    if let Some(text) = shown
        && sensitive
        && !text.is_empty()
        && answer.message().contains(text)
    {
        wrong.push(format!("{} {}: shown", place.operation, place.at()));
    }
}

/// Notes if the answer says that the value breaks something.
fn must_pass(place: &Place, what: &str, answer: &Answer, wrong: &mut Vec<String>) {
    let at = format!(" at '{}", place.at());
    let refused = answer.message().contains(&at) && answer.message().contains("satisfy constraint");
    if refused || answer.code() == "SerializationException" {
        wrong.push(format!(
            "{} {}: {what:.80} is right, and got {}",
            place.operation,
            place.at(),
            answer.verdict()
        ));
    }
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lengths_and_ranges() {
    let mut wrong = Vec::new();
    for place in places() {
        let shape = botocore::shape(place.shape);
        let (min, max) = place.range();
        type Of = fn(i64) -> Value;
        let (what, of): (&str, Of) = match shape["type"].as_str().unwrap() {
            "string" => ("length", |n| text(n).into()),
            "blob" => ("length", blob),
            "integer" => ("value", |n| n.into()),
            _ => continue,
        };
        let shown = |value: &Value| match shape["type"].as_str() {
            Some("string") => value.as_str().map(str::to_owned),
            Some("integer") => Some(value.to_string()),
            _ => None,
        };
        let below = min.filter(|min| *min > 0 || what == "value").map(|min| {
            let constraint = format!("have {what} greater than or equal to {min}");
            (min - 1, constraint)
        });
        let above = max.map(|max| (max + 1, format!("have {what} less than or equal to {max}")));
        for (n, constraint) in below.into_iter().chain(above) {
            let value = of(n);
            let answer = place.send(value.clone());
            must_break(
                &place,
                shown(&value).as_deref(),
                &constraint,
                &answer,
                &mut wrong,
            );
        }
        if shape["pattern"].is_null() && shape["enum"].is_null() {
            for n in min.into_iter().chain(max) {
                let answer = place.send(of(n));
                must_pass(&place, &format!("{what} {n}"), &answer, &mut wrong);
            }
        }
    }
    none(&wrong);
}

#[test]
fn patterns() {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for place in places() {
        let Some(pattern) = botocore::shape(place.shape)["pattern"].as_str() else {
            continue;
        };
        // All samples for the first member of a shape, one for each other: they share the check.
        let first = seen.insert(place.shape);
        let samples = |which| {
            let samples = botocore::samples(place.shape, which);
            let n = if first { samples.len() } else { 1 };
            samples.into_iter().take(n)
        };
        let constraint = format!("satisfy regular expression pattern: {pattern}");
        for text in samples("wrong") {
            let answer = place.send(text.into());
            must_break(&place, Some(text), &constraint, &answer, &mut wrong);
        }
        for text in samples("right") {
            let answer = place.send(text.into());
            must_pass(&place, text, &answer, &mut wrong);
        }
    }
    none(&wrong);
}

/// What the model leaves open, and Postgres does not: no text with the character zero.
#[test]
fn no_text_with_a_nul() {
    let mut wrong = Vec::new();
    for place in places() {
        let shape = botocore::shape(place.shape);
        let open = shape["pattern"].is_null() && botocore::values(shape).is_none();
        if shape["type"] != "string" || !open {
            continue;
        }
        let text = "x".repeat(7) + "\0";
        let answer = place.send(text.as_str().into());
        let constraint = "not contain the character U+0000";
        must_break(&place, Some(&text), constraint, &answer, &mut wrong);
    }
    none(&wrong);
}

#[test]
fn values_of_enums() {
    let mut wrong = Vec::new();
    for place in places() {
        let shape = botocore::shape(place.shape);
        let of_list = shape["member"]["shape"].as_str().map(botocore::shape);
        let element = of_list.unwrap_or(shape);
        let Some(values) = botocore::values(element) else {
            continue;
        };
        let wrap = |value: &str| match of_list {
            Some(_) => json!([value]),
            None => json!(value),
        };
        let answer = place.send(wrap("NO_SUCH_VALUE"));
        let set = answer.message().split("enum value set: [").nth(1);
        let mut set: Vec<&str> = set
            .and_then(|set| set.split(']').next())
            .map(|set| set.split(", ").collect())
            .unwrap_or_default();
        set.sort_unstable();
        let expected = match of_list {
            None => ("NO_SUCH_VALUE", "satisfy enum value set: ["),
            Some(_) => (
                "[NO_SUCH_VALUE]",
                "satisfy constraint: [Member must satisfy enum value set: [",
            ),
        };
        must_break(&place, Some(expected.0), expected.1, &answer, &mut wrong);
        if set != values {
            wrong.push(format!(
                "{} {}: {set:?} instead of {values:?}",
                place.operation,
                place.at()
            ));
        }
        for value in values {
            must_pass(&place, value, &place.send(wrap(value)), &mut wrong);
        }
    }
    none(&wrong);
}

#[test]
fn lists() {
    let mut wrong = Vec::new();
    for place in places() {
        let shape = botocore::shape(place.shape);
        let Some(member_name) = shape["member"]["shape"].as_str() else {
            continue;
        };
        let member = botocore::shape(member_name);
        let of = |n: i64| -> Value { (0..n).map(|_| right(member_name)).collect() };
        let shown = |list: &Value| -> String {
            let items = list.as_array().unwrap().iter();
            let items: Vec<&str> = items.map(|item| item.as_str().unwrap()).collect();
            format!("[{}]", items.join(", "))
        };
        let below = shape["min"].as_i64().filter(|min| *min > 0).map(|min| {
            let constraint = format!("have length greater than or equal to {min}");
            (min - 1, constraint)
        });
        let above = shape["max"]
            .as_i64()
            .map(|max| (max + 1, format!("have length less than or equal to {max}")));
        for (n, constraint) in below.into_iter().chain(above) {
            let list = of(n);
            let answer = place.send(list.clone());
            must_break(
                &place,
                Some(&shown(&list)),
                &constraint,
                &answer,
                &mut wrong,
            );
        }
        if let (Some(min), Some(max)) = (member["min"].as_i64(), member["max"].as_i64()) {
            let constraint = format!(
                "satisfy constraint: [Member must have length less than or equal to {max}, Member \
                 must have length greater than or equal to {min}"
            );
            let list = json!([right(member_name), text(max + 1)]);
            let answer = place.send(list.clone());
            must_break(
                &place,
                Some(&shown(&list)),
                &constraint,
                &answer,
                &mut wrong,
            );
        }
    }
    none(&wrong);
}

#[test]
fn what_is_required_and_absent() {
    let mut wrong = Vec::new();
    for place in places().iter().filter(|place| place.required) {
        let answer = place.send(Value::Null);
        let expected = format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member \
             must not be null",
            place.at()
        );
        if answer.message() != expected {
            wrong.push(format!("{}: {}", place.operation, answer.verdict()));
        }
    }
    none(&wrong);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let missing = call("Verify", &json!({}));
    let null =
        |at| format!("Value null at '{at}' failed to satisfy constraint: Member must not be null");
    let each = ["keyId", "message", "signature", "signingAlgorithm"].map(null);
    assert_eq!(
        missing.verdict(),
        format!(
            "ValidationException: 4 validation errors detected: {}",
            each.join("; ")
        )
    );
    let tags = json!([
        {"TagKey": "a", "TagValue": "1"},
        {"TagKey": "", "TagValue": text(257)},
        {"TagValue": "3"},
    ]);
    let message = call("CreateKey", &json!({"Tags": tags, "KeyUsage": "RANDOM"}));
    assert_eq!(
        message.message(),
        format!(
            "4 validation errors detected: Value 'RANDOM' at 'keyUsage' failed to satisfy \
             constraint: Member must satisfy enum value set: [SIGN_VERIFY, ENCRYPT_DECRYPT, \
             GENERATE_VERIFY_MAC, KEY_AGREEMENT, ENCAPSULATE_DECAPSULATE]; Value '' at \
             'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater \
             than or equal to 1; Value '{}' at 'tags.2.member.tagValue' failed to satisfy \
             constraint: Member must have length less than or equal to 256; Value null at \
             'tags.3.member.tagKey' failed to satisfy constraint: Member must not be null",
            text(257)
        )
    );
}

#[test]
fn a_wrong_type_is_no_validation_error() {
    let mut wrong = Vec::new();
    for place in places() {
        let type_ = botocore::shape(place.shape)["type"].as_str().unwrap();
        let other = match type_ {
            "structure" | "map" => json!("text"),
            _ => json!({"an": "object"}),
        };
        let answer = place.send(other);
        if answer.code() != "SerializationException" {
            wrong.push(format!(
                "{} {}: {}",
                place.operation,
                place.at(),
                answer.verdict()
            ));
        }
    }
    none(&wrong);
}

#[test]
fn members_that_aws_does_not_know_are_ignored() {
    for operation in botocore::operations() {
        let without = request(operation);
        let mut with = without.clone();
        with["NoSuchMember"] = json!({"deep": [1, 2, 3]});
        let (without, with) = (call(operation, &without), call(operation, &with));
        assert_eq!(with.status, without.status, "{operation}");
        assert_eq!(with.code(), without.code(), "{operation}");
    }
}
