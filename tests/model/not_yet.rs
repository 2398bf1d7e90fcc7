//! What the gateway does not have yet, a line each with its reason. A line whose thing is there
//! fails the tests: the list only shrinks, and is to be empty.

/// Operations.
pub const OPERATIONS: &[(&str, &str)] = &[];

/// Whether the gateway is to have an operation of AWS's.
pub fn has(operation: &str) -> bool {
    OPERATIONS.iter().all(|(missing, _)| *missing != operation)
}

/// Examples, by their ids, whose operation is there.
pub const EXAMPLES: &[(&str, &str)] = &[(
    "to-create-a-kms-key-in-a-custom-key-store-1630604382908",
    "w-stores in progress",
)];

/// Whether an example is to succeed.
pub fn has_example(id: &str) -> bool {
    EXAMPLES.iter().all(|(missing, _)| *missing != id)
}

/// KeySpecs and usages of keys that the token of the tests could make.
pub const SPECS: &[(&str, &str, &str)] = &[];

/// Whether such a key is to be made.
pub fn has_spec(spec: &str, usage: &str) -> bool {
    SPECS.iter().all(|row| (row.0, row.1) != (spec, usage))
}

/// Members of answers: structure, member.
pub const ANSWERS: &[(&str, &str, &str)] = &[
    ("KeyMetadata", "CloudHsmClusterId", "w-stores in progress"),
    ("KeyMetadata", "CustomKeyStoreId", "w-stores in progress"),
];

/// Whether an answer is to have a member.
pub fn answers(structure: &str, member: &str) -> bool {
    ANSWERS
        .iter()
        .all(|row| (row.0, row.1) != (structure, member))
}
