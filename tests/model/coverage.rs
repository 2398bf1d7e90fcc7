//! Operations, members, exceptions and enum values: all that AWS has, and nothing that it has not.

use crate::botocore;
use std::collections::BTreeSet;
use strongroom::ErrorCode;
use strongroom::model::shapes::{
    ConnectionErrorCode, ConnectionState, ImportState, KeyLastUsageTrackingOperation, KeyManager,
    KeyMaterialState, MultiRegionKeyType,
};
use strongroom::model::{KeyState, RotationType};
use strongroom::operation::OperationName;

/// `key_id` -> `KeyId`.
fn pascal(snake: &str) -> String {
    snake
        .split('_')
        .map(|word| word[..1].to_ascii_uppercase() + &word[1..])
        .collect()
}

fn ours() -> impl Iterator<Item = OperationName> {
    let all = OperationName::ALL.iter().copied();
    all.filter(|operation| operation.is_aws())
}

#[test]
fn every_operation_is_there() {
    let ours: BTreeSet<&str> = ours().map(OperationName::as_str).collect();
    assert_eq!(ours, botocore::operations().collect());
    assert_eq!(ours.len(), 56);
}

#[test]
fn every_member_of_a_request_is_there() {
    let mut wrong = Vec::new();
    for operation in ours() {
        let name = operation.as_str();
        let input = botocore::shape(&format!("{name}Request"));
        let required = botocore::required(input);
        let theirs: BTreeSet<(String, bool)> = botocore::inputs(name)
            .into_iter()
            .map(|(member, _)| (member.to_owned(), required.contains(&member)))
            .collect();
        let ours: BTreeSet<(String, bool)> = operation
            .members()
            .iter()
            .map(|(member, required)| (pascal(member), *required))
            .collect();
        for (member, required) in theirs.symmetric_difference(&ours) {
            wrong.push(format!("{name}.{member}, required: {required}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "only in one of the two:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_exception_is_there_with_its_status() {
    let mut exceptions = 0;
    for (name, shape) in botocore::shapes() {
        if shape["exception"] != true {
            continue;
        }
        exceptions += 1;
        let ours = ErrorCode::ALL.iter().find(|code| code.name() == name);
        let status = if shape["fault"] == true { 500 } else { 400 };
        assert_eq!(ours.map(|code| code.status()), Some(status), "{name}");
    }
    assert_eq!(exceptions, 48);
}

/// What `constraints.rs` does not see: enums of answers alone.
#[test]
fn every_value_of_an_answers_enum_is_there() {
    macro_rules! all {
        ($($ours:ident $theirs:literal,)*) => {
            [$(($theirs, $ours::ALL.iter().map(|v| v.as_str()).collect::<Vec<_>>()),)*]
        };
    }
    let ours = all! {
        ConnectionErrorCode "ConnectionErrorCodeType",
        ConnectionState "ConnectionStateType",
        ImportState "ImportState",
        KeyLastUsageTrackingOperation "KeyLastUsageTrackingOperation",
        KeyManager "KeyManagerType",
        KeyMaterialState "KeyMaterialState",
        KeyState "KeyState",
        MultiRegionKeyType "MultiRegionKeyType",
        RotationType "RotationType",
    };
    let names = ours.each_ref().map(|(name, _)| *name);
    for (name, mut values) in ours {
        values.sort_unstable();
        assert_eq!(
            Some(values),
            botocore::values(botocore::shape(name)),
            "{name}"
        );
    }
    let in_requests = crate::places::shapes_of_requests();
    for (name, shape) in botocore::shapes() {
        if shape["enum"].is_array() && !in_requests.contains(name.as_str()) {
            let known = names.contains(&name.as_str());
            assert!(known, "no test looks at the values of {name}");
        }
    }
}
