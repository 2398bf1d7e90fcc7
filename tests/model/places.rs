//! The places in AWS's requests, and right requests with any value in one of them.

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
pub struct Place {
    pub operation: &'static str,
    /// The members on the way there, with a 0 where a list is entered.
    steps: Vec<Step>,
    pub shape: &'static str,
    pub required: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Member(&'static str),
    First,
}

impl Place {
    /// As AWS's messages have it: `tags.1.member.tagValue`.
    pub fn at(&self) -> String {
        let steps = self.steps.iter().map(|step| match step {
            Step::Member(name) => name[..1].to_ascii_lowercase() + &name[1..],
            Step::First => "1.member".into(),
        });
        steps.collect::<Vec<_>>().join(".")
    }

    /// Sends an otherwise right request with `value` here.
    pub fn send(&self, value: Value) -> Answer {
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

    pub fn range(&self) -> (Option<i64>, Option<i64>) {
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
pub fn request(operation: &str) -> Value {
    right(&format!("{operation}Request"))
}

/// A value of a shape that the model allows.
pub fn right(shape_name: &str) -> Value {
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

pub fn text(characters: i64) -> String {
    "x".repeat(usize::try_from(characters).unwrap())
}

pub fn blob(bytes: i64) -> Value {
    STANDARD
        .encode(text(bytes)) // any bytes
        .into()
}

/// Every place in AWS's requests.
pub fn places() -> Vec<Place> {
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
