//! Lengths, ranges, patterns and enums: for each member of each request, what the model allows is
//! allowed and what it forbids is refused, in AWS's words. Everything is generated from the model;
//! the keys that are named do not exist, so that a request which passes does nothing.

use crate::api::{Answer, call};
use crate::botocore;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where the pages of operations narrow what the shape allows: operation, member, range.
const NARROWED: &[(&str, &str, i64, i64)] = &[
    ("ListGrants", "Limit", 1, 100),
    ("ListRetirableGrants", "Limit", 1, 100),
    ("ListResourceTags", "Limit", 1, 50),
    ("ScheduleKeyDeletion", "PendingWindowInDays", 7, 30),
];

/// One place in a request.
#[derive(Clone)]
struct Place {
    operation: &'static str,
    /// The members on the way there, with a 0 where a list is entered.
    steps: Vec<Step>,
    shape: &'static str,
    required: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Member(&'static str),
    First,
}

impl Place {
    /// As AWS's messages have it: `tags.1.member.tagValue`.
    fn at(&self) -> String {
        let steps = self.steps.iter().map(|step| match step {
            Step::Member(name) => name[..1].to_ascii_lowercase() + &name[1..],
            Step::First => "1.member".into(),
        });
        steps.collect::<Vec<_>>().join(".")
    }

    /// Sends an otherwise right request with `value` here.
    fn send(&self, value: Value) -> Answer {
        let mut input = request(self.operation);
        let mut here = &mut input;
        for step in &self.steps {
            here = match step {
                Step::Member(name) => &mut here[*name],
                Step::First => {
                    if here.is_null() {
                        *here = json!([null]);
                    }
                    &mut here[0]
                }
            };
            // A structure on the way must be whole.
        }
        *here = value;
        self.complete(&mut input);
        call(self.operation, &input)
    }

    /// Fills in the required members beside the place, where it is within a structure.
    fn complete(&self, input: &mut Value) {
        let mut here = &mut *input;
        let mut shape = botocore::shape(&format!("{}Request", self.operation));
        for step in &self.steps[..self.steps.len() - 1] {
            let (next, name) = match step {
                Step::Member(name) => (&mut here[*name], &shape["members"][*name]["shape"]),
                Step::First => (&mut here[0], &shape["member"]["shape"]),
            };
            here = next;
            shape = botocore::shape(name.as_str().unwrap());
            for name in botocore::required(shape) {
                if here.get(name).is_none() {
                    here[name] = right(shape["members"][name]["shape"].as_str().unwrap());
                }
            }
        }
    }

    fn range(&self) -> (Option<i64>, Option<i64>) {
        if let [Step::Member(name)] = self.steps[..] {
            for (operation, member, min, max) in NARROWED {
                if (*operation, *member) == (self.operation, name) {
                    return (Some(*min), Some(*max));
                }
            }
        }
        let shape = botocore::shape(self.shape);
        (shape["min"].as_i64(), shape["max"].as_i64())
    }
}

/// A request with its required members alone.
fn request(operation: &str) -> Value {
    right(&format!("{operation}Request"))
}

/// A value of a shape that the model allows.
fn right(shape_name: &str) -> Value {
    let shape = botocore::shape(shape_name);
    if let Some(values) = botocore::values(shape) {
        return values[0].into();
    }
    match shape["type"].as_str().unwrap() {
        "structure" => botocore::required(shape)
            .into_iter()
            .map(|name| {
                let member = shape["members"][name]["shape"].as_str().unwrap();
                (name.to_owned(), right(member))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        "list" => json!([right(shape["member"]["shape"].as_str().unwrap())]),
        "map" => json!({}),
        "string" if shape_name == "KeyIdType" => "00000000-0000-0000-0000-000000000000".into(),
        "string" => match botocore::samples(shape_name, "right").first() {
            Some(sample) => (*sample).into(),
            None => text(shape["min"].as_i64().unwrap_or(1).max(1)).into(),
        },
        "blob" => blob(1),
        "boolean" => false.into(),
        "integer" => shape["min"].clone(),
        "timestamp" => json!(1893456000.0),
        other => panic!("{other} is no type of the model"),
    }
}

fn text(characters: i64) -> String {
    "x".repeat(usize::try_from(characters).unwrap())
}

fn blob(bytes: i64) -> Value {
    STANDARD
        .encode(text(bytes)) // any bytes
        .into()
}

/// Every place in AWS's requests.
fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for operation in botocore::operations() {
        let input = botocore::shape(&format!("{operation}Request"));
        descend(operation, input, &[], &mut places);
    }
    places
}

fn descend(
    operation: &'static str,
    structure: &'static Value,
    above: &[Step],
    places: &mut Vec<Place>,
) {
    let required = botocore::required(structure);
    for (name, shape_name) in botocore::members(structure) {
        let mut steps = above.to_vec();
        steps.push(Step::Member(name));
        let place = Place {
            operation,
            steps: steps.clone(),
            shape: shape_name,
            required: required.contains(&name),
        };
        places.push(place);
        let mut shape = botocore::shape(shape_name);
        if let Some(member) = shape["member"]["shape"].as_str() {
            shape = botocore::shape(member);
            steps.push(Step::First);
        }
        if shape["type"] == "structure" {
            descend(operation, shape, &steps, places);
        }
    }
}

/// The names of the shapes that stand in some request of AWS's.
pub fn shapes_of_requests() -> BTreeSet<&'static str> {
    let with_element = |place: Place| {
        let element = botocore::shape(place.shape)["member"]["shape"].as_str();
        [Some(place.shape), element].into_iter().flatten()
    };
    places().into_iter().flat_map(with_element).collect()
}

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
