//! The model and the examples, from the botocore that `make clients` installs.

use serde_json::{Map, Value};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// What `print_botocore.py` prints.
static BOTOCORE: LazyLock<Value> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/clients/bin/python3");
    let output = Command::new(&python)
        .arg(root.join("tests/model/print_botocore.py"))
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}: run `make clients`", python.display()));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
});

/// The names of AWS's operations.
pub fn operations() -> impl Iterator<Item = &'static str> {
    object(&BOTOCORE["model"]["operations"])
        .keys()
        .map(String::as_str)
}

/// One operation's entry.
pub fn operation(name: &str) -> &'static Value {
    &BOTOCORE["model"]["operations"][name]
}

/// All shapes by name.
pub fn shapes() -> &'static Map<String, Value> {
    object(&BOTOCORE["model"]["shapes"])
}

/// One shape.
pub fn shape(name: &str) -> &'static Value {
    &shapes()[name]
}

/// The members of an operation's request: name, and the name of its shape.
pub fn inputs(operation_name: &str) -> Vec<(&'static str, &'static str)> {
    match operation(operation_name)["input"]["shape"].as_str() {
        Some(input) => members(shape(input)),
        None => Vec::new(),
    }
}

/// The members of a structure.
pub fn members(structure: &'static Value) -> Vec<(&'static str, &'static str)> {
    let member = |(name, member): (&'static String, &'static Value)| {
        (name.as_str(), member["shape"].as_str().unwrap())
    };
    object(&structure["members"]).iter().map(member).collect()
}

/// The required members of a structure.
pub fn required(structure: &Value) -> Vec<&str> {
    let required = structure["required"].as_array();
    required
        .into_iter()
        .flatten()
        .map(|name| name.as_str().unwrap())
        .collect()
}

/// The values of an enum, sorted.
pub fn values(shape: &Value) -> Option<Vec<&str>> {
    let values = shape["enum"].as_array()?;
    let mut values: Vec<&str> = values.iter().map(|v| v.as_str().unwrap()).collect();
    values.sort_unstable();
    Some(values)
}

/// Texts that satisfy (`right`) or break (`wrong`) the pattern of a shape.
pub fn samples(shape_name: &str, which: &str) -> Vec<&'static str> {
    let samples = BOTOCORE["samples"][shape_name][which].as_array();
    samples
        .into_iter()
        .flatten()
        .map(|value| value.as_str().unwrap())
        .collect()
}

/// The examples: operation and example.
pub fn examples() -> Vec<(&'static str, &'static Value)> {
    object(&BOTOCORE["examples"])
        .iter()
        .flat_map(|(operation, examples)| {
            let examples = examples.as_array().unwrap().iter();
            examples.map(move |example| (operation.as_str(), example))
        })
        .collect()
}

fn object(value: &'static Value) -> &'static Map<String, Value> {
    value.as_object().unwrap()
}
